//===- Bench.h - measures the sides on one problem --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_BENCH_H
#define MOE_BENCHMARKS_BENCH_H

#include "Options.h"
#include "Reference.h"
#include "Side.h"
#include "System.h"

#include "moe/Execution/MachineLimits.h"

#include "llvm/Support/JSON.h"

namespace moe::bench {

/// Measures one layer in one data type, and writes a JSON object a line.
class Bench {
public:
  Bench(const Options &options, llvm::raw_ostream &stream);

  /// Builds the sides; then for each cell (tokens, routing, threads) holds
  /// their results against the reference, and times those that agree. An error
  /// if one of our own sides does not agree.
  llvm::Error run();
  /// Times compilations (--compile).
  llvm::Error compile();
  /// Writes the inputs and what must come out of them for other programs
  /// (--export): weights as FOLDER/gate and so on, batches as
  /// FOLDER/uniform-128.0.x and so on, and FOLDER/manifest.json, which
  /// describes them.
  llvm::Error exportInputs();

private:
  struct Entrant {
    std::string name;
    std::unique_ptr<Side> side;
    Footprint footprint;
  };
  /// The calls of a cell, and some rows of the first one's result.
  struct Cell {
    int64_t tokens;
    Routing routing;
    std::vector<Batch> batches;
    ReferenceRows reference;
    double expertsHit = 0;   ///< mean over the batches
    int64_t expertsUsed = 0; ///< by any of them
  };
  struct Samples {
    std::vector<double> ms;
    double error = 0;
  };

  Cell createCell(int64_t tokens, Routing routing) const;
  void writeMachine();
  llvm::Error buildSides();
  llvm::Error measureCell(const Cell &cell, unsigned threads);
  /// The side's largest error; a JSON line if that is too large.
  llvm::Expected<double> check(Entrant &entrant, const Cell &cell,
                               unsigned threads);
  /// Adds the milliseconds of single calls, for about so many seconds.
  llvm::Error time(Entrant &entrant, const Cell &cell, unsigned threads,
                   double seconds, std::vector<double> &ms);
  void writeTimes(const Cell &cell, unsigned threads, const Entrant &entrant,
                  Samples &samples, const MachineLimits &limits, double others);
  /// Writes one line: what `body` adds, behind the kind, layer and data type.
  template <typename Body> void line(llvm::StringRef kind, Body &&body);

  const Options &options;
  llvm::raw_ostream &stream;
  Problem problem;
  Buffer y;
  std::vector<Entrant> entrants;
  std::optional<MachineProbe> probe;
  std::vector<std::string> wrong; ///< our own sides that did not agree
};

} // namespace moe::bench

#endif // MOE_BENCHMARKS_BENCH_H
