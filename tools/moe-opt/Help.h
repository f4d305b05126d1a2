//===- Help.h - what moe-opt says about itself ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_OPT_HELP_H
#define MOE_TOOLS_MOE_OPT_HELP_H

#include "llvm/Support/raw_ostream.h"

namespace moe {

/// The answer to --help: our options with examples, and where MLIR's are
/// listed.
void printHelp(llvm::raw_ostream &os);

/// The answer to --version: ours, LLVM's, and the targets of this build.
void printVersion(llvm::raw_ostream &os);

} // namespace moe

#endif // MOE_TOOLS_MOE_OPT_HELP_H
