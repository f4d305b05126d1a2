//===- Arguments.h - a tensor for each argument -----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_ARGUMENTS_H
#define MOE_TOOLS_MOE_RUN_ARGUMENTS_H

#include "Options.h"

#include "moe/Execution/Module.h"
#include "moe/TensorFile/TensorFile.h"

namespace moe::run {

struct Arguments {
  std::vector<TensorView> tensors;    ///< one for each argument, in order
  llvm::SmallVector<int64_t> symbols; ///< sizes of the named dimensions
  uint64_t workspaceBytes = 0;
  std::vector<std::string> notes; ///< what the user might not expect
};

/// Finds a tensor for each argument: by its name in --weights, then the next of
/// --input, then --random; converts floats to the argument's width; and checks
/// that all of it fits together before memory is filled. Errors name the
/// argument, the option or the file.
llvm::Expected<Arguments> findArguments(const Options &options,
                                        const Function &function);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_ARGUMENTS_H
