//===- Side.h - one way to compute a layer ----------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_SIDE_H
#define MOE_BENCHMARKS_SIDE_H

#include "Problem.h"

#include "moe/Execution/Module.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace moe::bench {

/// A way to compute the layer of a Problem, ready to be called. The problem
/// outlives it.
class Side {
public:
  virtual ~Side() = default;
  /// Threads of the calls that follow.
  virtual llvm::Error setThreads(unsigned threads) = 0;
  /// Computes y [T,d] in the problem's data type.
  virtual llvm::Error run(const Batch &batch, char *y) = 0;
  /// Seconds that it took to compile the code; 0 for libraries.
  virtual CompileTimes compileTimes() const { return {}; }
  /// True if the code was compiled for 256-bit vectors.
  virtual bool narrow() const { return false; }
};

/// The names that createSide knows, in the order of the tables.
llvm::ArrayRef<llvm::StringRef> sideNames();
/// Why a side cannot run this problem: "" if it can.
std::string whyNot(llvm::StringRef name, const Problem &problem);
/// Bytes that building the side takes at most, about.
size_t bytesToBuild(llvm::StringRef name, const Problem &problem);
/// Builds a side: `name` is one of sideNames.
llvm::Expected<std::unique_ptr<Side>> createSide(llvm::StringRef name,
                                                 const Problem &problem);

/// Seconds to compile a module of `depth` layers, its code for this machine.
llvm::Expected<CompileTimes> timeCompilation(const Layer &layer,
                                             MoertDType dtype, int64_t depth);

std::unique_ptr<Side> createOneDnnSide(const Problem &problem);
std::unique_ptr<Side> createOpenBlasSide(const Problem &problem);
/// "2.6.3", and "0.3.21, SkylakeX": the library and the kernels it chose; "" if
/// the program was built without it.
std::string oneDnnVersion();
std::string openBlasVersion();

} // namespace moe::bench

#endif // MOE_BENCHMARKS_SIDE_H
