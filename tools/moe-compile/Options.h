//===- Options.h - the command line of moe-compile --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_OPTIONS_H
#define MOE_TOOLS_MOE_COMPILE_OPTIONS_H

#include "CommandLine.h"
#include "moe/Pipelines/Pipelines.h"

#include <optional>
#include <string>

namespace moe::compile {

using tools::makeError;

struct Options {
  std::string file;
  std::string output; ///< ends in .so or .o
  std::string header; ///< "" for none
  Target target = Target::Cpu;
  std::string cpu = "native";
  Stage from = Stage::Input;
  bool runtimeOfHost = false;
  std::string linker; ///< "" to look for one
  bool quiet = false;

  bool isLibrary() const { return llvm::StringRef(output).ends_with(".so"); }
};

/// The options of a command line; none if it asked for a text (--help,
/// --version), which is printed then. Errors name the option.
llvm::Expected<std::optional<Options>> parseOptions(int argc, char **argv);

} // namespace moe::compile

#endif // MOE_TOOLS_MOE_COMPILE_OPTIONS_H
