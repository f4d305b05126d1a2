//===- Numbers.h - f32, f16 and bf16 in memory ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Inline, so that callers compiled for a CPU's vectors get vectors.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_NUMBERS_H
#define MOE_BENCHMARKS_NUMBERS_H

#include "moert/moert.h"

#include <cstdint>
#include <cstring>

namespace moe::bench {

/// Element `i` of numbers of `dtype`: f32, f16 or bf16.
inline float load(MoertDType dtype, const char *data, int64_t i) {
  if (dtype == MOERT_F32)
    return reinterpret_cast<const float *>(data)[i];
  if (dtype == MOERT_F16)
    return float(reinterpret_cast<const _Float16 *>(data)[i]);
  uint32_t bits = uint32_t(reinterpret_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The bf16 nearest to a number that is no NaN.
inline uint16_t toBF16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

/// Stores `n` numbers as `dtype`, rounded to nearest even.
inline void store(MoertDType dtype, char *data, const float *values,
                  int64_t n) {
  if (dtype == MOERT_F32)
    memcpy(data, values, n * sizeof(float));
  else if (dtype == MOERT_F16)
    for (int64_t i = 0; i < n; ++i)
      reinterpret_cast<_Float16 *>(data)[i] = _Float16(values[i]);
  else
    for (int64_t i = 0; i < n; ++i)
      reinterpret_cast<uint16_t *>(data)[i] = toBF16(values[i]);
}

/// Loads `n` numbers of `dtype`.
inline void widen(MoertDType dtype, const char *data, float *values,
                  int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    values[i] = load(dtype, data, i);
}

} // namespace moe::bench

#endif // MOE_BENCHMARKS_NUMBERS_H
