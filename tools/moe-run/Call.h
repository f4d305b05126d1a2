//===- Call.h - a function with its arguments -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_CALL_H
#define MOE_TOOLS_MOE_RUN_CALL_H

#include "moe/Execution/Module.h"
#include "moe/TensorFile/TensorFile.h"

namespace moe::run {

/// The arguments and then the results of `entry`.
llvm::ArrayRef<MoertArg> allArgs(const MoertEntry &entry);
llvm::ArrayRef<MoertArg> arguments(const MoertEntry &entry);
llvm::ArrayRef<MoertArg> results(const MoertEntry &entry);

/// The shape of an argument when the named dimensions have these sizes.
llvm::SmallVector<int64_t, 4> shapeOf(const MoertEntry &entry,
                                      const MoertArg &arg,
                                      llvm::ArrayRef<int64_t> symbols);

/// A function, ready to be called on one set of arguments.
class Call {
public:
  /// Packs the weights among `arguments` (all of them, in order) and allocates
  /// the results. `context` must outlive the call.
  static llvm::Expected<Call> create(const Function &function,
                                     const Context &context,
                                     llvm::ArrayRef<TensorView> arguments,
                                     llvm::ArrayRef<int64_t> symbols);

  /// Runs the function; the results then hold what it computed.
  llvm::Error run() const;

  llvm::ArrayRef<TensorView> results() const { return outputs; }

private:
  Call(const Context &context, BoundFunction bound)
      : context(context), bound(std::move(bound)) {}
  const Context &context;
  BoundFunction bound;
  std::vector<TensorView> inputs, outputs;
};

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_CALL_H
