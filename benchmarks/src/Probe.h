//===- Probe.h - what the machine can do right now --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_PROBE_H
#define MOE_BENCHMARKS_PROBE_H

#include "Problem.h"

namespace moe::bench {

/// Rates of all threads together; 0 where the machine has no such instruction.
struct Limits {
  double fma = 0;     ///< GFLOP/s of f32 FMA with the widest vectors
  double fma256 = 0;  ///< the same with 256-bit vectors
  double bf16Dot = 0; ///< GFLOP/s of vdpbf16ps
  double l2 = 0, l3 = 0, dram = 0; ///< GB/s of reads

  /// GFLOP/s of the best instruction that multiplies `dtype` (widened, if need
  /// be) and sums in f32. f16 FMA sums in f16, so it does not count.
  double peak(MoertDType dtype) const {
    return dtype == MOERT_BF16 && bf16Dot > fma ? bf16Dot : fma;
  }
};

/// The greater of each of two measurements.
Limits max(const Limits &a, const Limits &b);

/// Bytes of the caches, as the system reports them: L2 of one core, L3.
int64_t l2Bytes();
int64_t l3Bytes();

/// Measures limits. Holds the memory that it reads, several times the L3.
class Probe {
public:
  explicit Probe(unsigned maxThreads);
  /// Takes some 0.1 s. Arithmetic and caches: the best of short windows. DRAM:
  /// the median of them, for a layer is longer than a lucky moment.
  Limits measure(unsigned threads) const;

private:
  Buffer memory;
};

} // namespace moe::bench

#endif // MOE_BENCHMARKS_PROBE_H
