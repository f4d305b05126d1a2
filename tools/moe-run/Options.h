//===- Options.h - the command line of moe-run ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_OPTIONS_H
#define MOE_TOOLS_MOE_RUN_OPTIONS_H

#include "CommandLine.h"
#include "moe/Pipelines/Pipelines.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace moe::run {

/// A file, and the tensor in it that an option names ("" if it names none).
struct TensorPlace {
  std::string text; ///< as written
  std::string file, tensor;
  bool isNpy() const { return llvm::StringRef(file).ends_with(".npy"); }
};

struct Options {
  std::string file;
  std::string entry; ///< "" is the default
  Target target = Target::Reference;
  std::string cpu = "native";
  Stage from = Stage::Input;
  std::vector<std::string> without;
  bool optimize = true;
  bool list = false;

  std::vector<std::string> weights;
  std::vector<TensorPlace> inputs, outputs;
  std::optional<uint64_t> random;
  int64_t randomIntegers = 2;
  std::vector<std::pair<std::string, int64_t>> dims;

  bool check = false;
  std::optional<int64_t> checkRows;
  std::string expect; ///< "" is no file
  bool exactRows = false;
  std::optional<double> rtol, atol;

  std::optional<int64_t> bench;
  unsigned threads = 0;
  bool stats = false, json = false;
};

/// The options of a command line; none if it asked for a text (--help,
/// --version), which is printed then. Errors name the option.
llvm::Expected<std::optional<Options>> parseOptions(int argc, char **argv);

using tools::expected;
using tools::makeError;
using tools::spelling;

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_OPTIONS_H
