//===- Diagnostics.h - what MLIR reports, as errors -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_DIAGNOSTICS_H
#define MOE_LIB_EXECUTION_DIAGNOSTICS_H

#include "moe/Execution/Compiler.h"

#include "mlir/IR/Diagnostics.h"

namespace moe {

/// While it lives, keeps the diagnostics of `context` from being printed.
class DiagnosticCollector {
public:
  DiagnosticCollector(mlir::MLIRContext *context, DiagnosticHandler forward);

  /// The first error, "FILE:LINE:COLUMN: MESSAGE"; without one, "NAME:
  /// OTHERWISE".
  llvm::Error error(llvm::StringRef name, const llvm::Twine &otherwise) const;

  /// Success unless `forward` has thrown.
  llvm::Error checkHandler() const;

private:
  DiagnosticHandler forward;
  std::string first, thrown;
  mlir::ScopedDiagnosticHandler handler;
};

/// "FILE:LINE:COLUMN" of the first place in the source that `location` names,
/// or "".
std::string describe(mlir::Location location);

/// An error without a code.
llvm::Error makeError(const llvm::Twine &message);

} // namespace moe

#endif // MOE_LIB_EXECUTION_DIAGNOSTICS_H
