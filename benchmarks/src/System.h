//===- System.h - what the system says of itself ----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_SYSTEM_H
#define MOE_BENCHMARKS_SYSTEM_H

#include <cstdint>
#include <string>

namespace moe::bench {

/// Bytes of this process in memory; 0 if the system does not say.
int64_t residentBytes();
/// Bytes that a program may still use.
int64_t availableBytes();

/// What something adds to the memory of the process.
struct Footprint {
  int64_t kept = 0; ///< bytes that stayed
  int64_t peak = 0; ///< the most that there was at a time

  /// Calls `work` and adds what it takes.
  template <typename Work> void measure(Work &&work) {
    int64_t before = startPeak();
    work();
    add(before);
  }

private:
  static int64_t startPeak();
  void add(int64_t before);
};

/// CPU time of the whole machine and of this process, in seconds.
struct CpuTimes {
  double wall = 0, busy = 0, stolen = 0, own = 0;
  static CpuTimes now();
};
/// Cores that others had in between, on average: other processes, and other
/// guests of the host.
double coresOfOthers(const CpuTimes &start, const CpuTimes &end);

/// "AMD EPYC 9R14", as the system calls the processor.
std::string cpuModel();
/// The load average of the last minute.
double loadAverage();

} // namespace moe::bench

#endif // MOE_BENCHMARKS_SYSTEM_H
