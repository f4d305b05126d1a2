//===- Checks.cpp - checks of index operands ------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <algorithm>

using namespace moe::runtime;

void moert_check_indices(MoertContext *context, const int32_t *values,
                         int64_t n, int64_t lower, int64_t upper,
                         const char *what) {
  // Blocks without a branch inside vectorise; the usual answer is "none".
  constexpr int64_t kBlock = 1024;
  for (int64_t block = 0; block < n; block += kBlock) {
    int64_t end = std::min(n, block + kBlock);
    bool bad = false;
    for (int64_t i = block; i < end; ++i)
      bad |= (values[i] < lower) | (values[i] >= upper);
    if (!bad)
      continue;
    int64_t i = block;
    while (values[i] >= lower && values[i] < upper)
      ++i;
    if (ours(context))
      context->fail(MOERT_INDEX_OUT_OF_RANGE,
                    "%s: element %lld is %d, expected %lld <= index < %lld",
                    what, (long long)i, int(values[i]), (long long)lower,
                    (long long)upper);
    return;
  }
}

void moert_check_offsets(MoertContext *context, const int32_t *values,
                         int64_t n, int64_t rows, const char *what) {
  if (!ours(context) || n <= 0)
    return;
  if (values[0] != 0) {
    context->fail(MOERT_INDEX_OUT_OF_RANGE, "%s: element 0 is %d, expected 0",
                  what, int(values[0]));
    return;
  }
  for (int64_t i = 1; i < n; ++i)
    if (values[i] < values[i - 1]) {
      context->fail(
          MOERT_INDEX_OUT_OF_RANGE,
          "%s: element %lld is %d, expected at least %d, the one before", what,
          (long long)i, int(values[i]), int(values[i - 1]));
      return;
    }
  if (values[n - 1] > rows)
    context->fail(
        MOERT_INDEX_OUT_OF_RANGE,
        "%s: element %lld is %d, expected at most %lld, the number of rows",
        what, (long long)(n - 1), int(values[n - 1]), (long long)rows);
}
