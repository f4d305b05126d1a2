//===- moe-bench.cpp - measures one layer in one data type ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace moe::bench;

/// Does what the options say.
static Error runTool(const Options &options) {
  Bench bench(options, outs());
  if (!options.depths.empty())
    return bench.compile();
  return options.exportTo.empty() ? bench.run() : bench.exportInputs();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  if (argc == 2 && StringRef(argv[1]) == "--help") {
    outs() << usage();
    return 0;
  }
  Expected<Options> options = parseOptions(argc, argv);
  Error error = options ? runTool(*options) : options.takeError();
  if (!error)
    return 0;
  WithColor::error(errs(), "moe-bench") << toString(std::move(error)) << '\n';
  return 1;
}
