//===- Bench.h - how long a call takes --------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_BENCH_H
#define MOE_TOOLS_MOE_RUN_BENCH_H

#include "Call.h"

namespace moe::run {

/// Milliseconds of a call.
struct Timing {
  int64_t calls = 0;
  double median = 0, p10 = 0, p90 = 0, max = 0;
};

/// Times `calls` calls, one by one, after calls that warm up threads and caches
/// (a tenth as many, 3 to 20).
llvm::Expected<Timing> bench(const Call &call, int64_t calls);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_BENCH_H
