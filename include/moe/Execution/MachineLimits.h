//===- MachineLimits.h - what the machine can do right now ------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_EXECUTION_MACHINELIMITS_H
#define MOE_EXECUTION_MACHINELIMITS_H

#include "moert/moert.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace moe {

/// How fast memory of some size can be read.
struct Bandwidth {
  llvm::StringRef level; ///< What holds it: "l2", "l3" or "dram".
  double gbs = 0;
};

/// Rates of all threads together; 0 where the machine has no such instruction.
struct MachineLimits {
  double fma = 0;     ///< GFLOP/s of f32 FMA with the widest vectors
  double fma256 = 0;  ///< the same with 256-bit vectors
  double bf16Dot = 0; ///< GFLOP/s of vdpbf16ps
  double l2 = 0, l3 = 0, dram = 0; ///< GB/s of reads

  /// GFLOP/s of the best instruction that multiplies `dtype` (widened, if need
  /// be) and sums in f32. f16 FMA sums in f16, so it does not count.
  double peak(MoertDType dtype) const {
    return dtype == MOERT_BF16 && bf16Dot > fma ? bf16Dot : fma;
  }
  /// That of the smallest memory in which calls that use `bytes` again and
  /// again find them: a cache holds what fills 80 % of it.
  Bandwidth bandwidth(double bytes) const;
};

/// The greater of each of two measurements.
MachineLimits max(const MachineLimits &a, const MachineLimits &b);

/// Bytes of the caches, as the system reports them: L2 of one core, L3.
int64_t l2Bytes();
int64_t l3Bytes();

/// Measures limits. Holds the memory that it reads, several times the L3.
class MachineProbe {
public:
  /// An error if there is not enough memory.
  static llvm::Expected<MachineProbe> create(unsigned maxThreads);
  /// Takes some 0.1 s. Arithmetic and caches: the best of short windows. DRAM:
  /// the median of them, for a layer is longer than a lucky moment.
  MachineLimits measure(unsigned threads) const;

private:
  struct Free {
    void operator()(char *memory) const { free(memory); }
  };
  std::unique_ptr<char, Free> memory;
  int64_t bytes = 0;
};

} // namespace moe

#endif // MOE_EXECUTION_MACHINELIMITS_H
