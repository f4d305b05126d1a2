//===- Check.h - comparing results with others ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_CHECK_H
#define MOE_TOOLS_MOE_RUN_CHECK_H

#include "Arguments.h"
#include "Options.h"

#include "moe/Execution/Compare.h"
#include "moe/Execution/Module.h"

#include <optional>

namespace moe::run {

/// The comparison of all results with those of one source.
struct CheckedAgainst {
  std::string source; ///< "reference", or the file's name
  std::vector<Comparison> results;
};

/// The tolerance that the options ask for, by default that of the narrowest
/// float among arguments and results.
Tolerance toleranceOf(const Options &options, const MoertEntry &entry);

/// The tensors of --expect, in the order of the results. An error if one is not
/// in the file.
llvm::Expected<std::vector<TensorView>> readExpected(llvm::StringRef path,
                                                     const MoertEntry &entry);

/// Compares the results of `function` with `wanted`.
llvm::Expected<CheckedAgainst> compareWith(llvm::StringRef source,
                                           const Function &function,
                                           llvm::ArrayRef<TensorView> results,
                                           llvm::ArrayRef<TensorView> wanted,
                                           const Tolerance &tolerance);

/// The function of the source compiled for the target `reference`.
llvm::Expected<Function> compileReference(const Options &options,
                                          llvm::StringRef entry);

/// Compares the results with what `reference` computes from the same arguments,
/// or from --check=rows:N of them.
llvm::Expected<CheckedAgainst>
checkAgainstReference(const Options &options, const Function &reference,
                      const Context &context, const Arguments &arguments,
                      llvm::ArrayRef<TensorView> results);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_CHECK_H
