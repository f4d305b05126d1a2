//===- Reference.h - sampled rows of a layer in f64 -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_REFERENCE_H
#define MOE_BENCHMARKS_REFERENCE_H

#include "Problem.h"

namespace moe::bench {

/// Some rows of a batch's result.
struct ReferenceRows {
  std::vector<int64_t> tokens;
  std::vector<double> values; ///< [rows, d]
};

/// At most `rows` rows, evenly spread, computed in f64 throughout.
ReferenceRows computeRows(const Problem &problem, const Batch &batch,
                          int64_t rows);

/// The greatest |y - reference| of a row divided by the rms of the reference's
/// row, over all rows; infinity if a number is not finite.
double largestError(const Problem &problem, const ReferenceRows &reference,
                    const char *y);

/// What largestError may be for a result in `dtype`: f32 2e-5, f16 3e-3, bf16
/// 2e-2.
double tolerance(MoertDType dtype);

} // namespace moe::bench

#endif // MOE_BENCHMARKS_REFERENCE_H
