//===- Remarks.h - what optimisations have to say ---------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_REMARKS_H
#define MOE_LIB_EXECUTION_REMARKS_H

#include "moe/Execution/Compiler.h"

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace moe {

/// While it lives, hands every remark of a pass in `context` to `handler`,
/// unless that is null or the context has a remark engine of its own.
class RemarkForwarder {
public:
  RemarkForwarder(mlir::MLIRContext *context, RemarkHandler handler);
  ~RemarkForwarder();
  /// Success unless the handler has thrown.
  llvm::Error checkHandler() const;
  RemarkForwarder(const RemarkForwarder &) = delete;
  RemarkForwarder &operator=(const RemarkForwarder &) = delete;

private:
  mlir::MLIRContext *context; ///< null if nothing was installed
  std::string thrown;
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_REMARKS_H
