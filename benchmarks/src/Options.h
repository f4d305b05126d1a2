//===- Options.h - the command line of moe-bench ----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_OPTIONS_H
#define MOE_BENCHMARKS_OPTIONS_H

#include "Problem.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace moe::bench {

struct Options {
  const Layer *layer = nullptr;
  MoertDType dtype = MOERT_F32;
  /// What a call gets: its routing and its tokens.
  std::vector<std::pair<Routing, int64_t>> cells = {{Routing::Uniform, 128}};
  std::vector<int64_t> threads = {1}, depths;
  std::vector<std::string> sides;
  double budget = 0.5;
  uint64_t seed = 1;
  std::string exportTo;
};

/// Reads the command line. An error names the option, what it got and what it
/// takes.
llvm::Expected<Options> parseOptions(int argc, char **argv);

/// The text of --help.
const char *usage();

} // namespace moe::bench

#endif // MOE_BENCHMARKS_OPTIONS_H
