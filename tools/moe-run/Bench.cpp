//===- Bench.cpp - how long a call takes ----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <algorithm>
#include <chrono>

using namespace llvm;

namespace moe::run {

Expected<Timing> bench(const Call &call, int64_t calls) {
  for (int64_t i = std::clamp<int64_t>(calls / 10, 3, 20); i > 0; --i)
    if (Error error = call.run())
      return std::move(error);
  std::vector<double> times;
  times.reserve(calls);
  for (int64_t i = 0; i < calls; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = call.run())
      return std::move(error);
    auto end = std::chrono::steady_clock::now();
    times.push_back(
        std::chrono::duration<double, std::milli>(end - start).count());
  }
  llvm::sort(times);
  auto quantile = [&](double part) {
    return times[static_cast<size_t>(part * (times.size() - 1) + 0.5)];
  };
  return Timing{calls, quantile(0.5), quantile(0.1), quantile(0.9),
                times.back()};
}

} // namespace moe::run
