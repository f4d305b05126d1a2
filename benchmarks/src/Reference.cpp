//===- Reference.cpp - sampled rows of a layer in f64 ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moe::bench {

/// The product of row `row` of a matrix of `n` columns with `x`, plus the bias.
static double product(MoertDType dtype, const Buffer &matrix,
                      const Buffer &bias, int64_t row,
                      const std::vector<double> &x,
                      std::vector<float> &scratch) {
  int64_t n = x.size();
  scratch.resize(n);
  widen(dtype, matrix.data() + row * n * moert_dtype_bytes(dtype),
        scratch.data(), n);
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int64_t j = 0; j < 8; ++j)
      sums[j] += scratch[i + j] * x[i + j];
  for (; i < n; ++i)
    sums[0] += scratch[i] * x[i];
  double sum = bias.bytes() ? load(dtype, bias.data(), row) : 0;
  for (double part : sums)
    sum += part;
  return sum;
}

/// The gated unit.
static double activate(const Layer &layer, double gate, double up) {
  if (!layer.gptOss)
    return gate / (1 + std::exp(-gate)) * up;
  gate = std::min(gate, 7.0);
  up = std::clamp(up, -7.0, 7.0);
  return gate / (1 + std::exp(-1.702 * gate)) * (up + 1);
}

ReferenceRows computeRows(const Problem &problem, const Batch &batch,
                          int64_t rows) {
  auto [name, d, F, E, K, gptOss] = problem.layer;
  MoertDType dtype = problem.dtype;
  rows = std::min(rows, batch.tokens);
  ReferenceRows result;
  std::vector<double> x(d), hidden(F);
  std::vector<float> scratch;
  for (int64_t r = 0; r < rows; ++r) {
    int64_t t = r * batch.tokens / rows;
    result.tokens.push_back(t);
    for (int64_t i = 0; i < d; ++i)
      x[i] = load(dtype, batch.x.data(), t * d + i);
    std::vector<double> y(d);
    for (int64_t k = 0; k < K; ++k) {
      int64_t e = batch.indices[t * K + k];
      for (int64_t f = 0; f < F; ++f)
        hidden[f] = activate(
            problem.layer,
            product(dtype, problem.gate, problem.gateBias, e * F + f, x,
                    scratch),
            product(dtype, problem.up, problem.upBias, e * F + f, x, scratch));
      for (int64_t i = 0; i < d; ++i)
        y[i] += batch.weights[t * K + k] * product(dtype, problem.down,
                                                   problem.downBias, e * d + i,
                                                   hidden, scratch);
    }
    result.values.insert(result.values.end(), y.begin(), y.end());
  }
  return result;
}

double largestError(const Problem &problem, const ReferenceRows &reference,
                    const char *y) {
  int64_t d = problem.layer.d;
  double largest = 0;
  for (size_t r = 0; r < reference.tokens.size(); ++r) {
    const double *want = &reference.values[r * d];
    double squares = 0, difference = 0;
    for (int64_t i = 0; i < d; ++i) {
      double got = load(problem.dtype, y, reference.tokens[r] * d + i);
      if (!std::isfinite(got))
        return std::numeric_limits<double>::infinity();
      squares += want[i] * want[i];
      difference = std::max(difference, std::abs(got - want[i]));
    }
    largest = std::max(largest, difference / std::sqrt(squares / d));
  }
  return largest;
}

double tolerance(MoertDType dtype) {
  return dtype == MOERT_F32 ? 2e-5 : dtype == MOERT_F16 ? 3e-3 : 2e-2;
}

} // namespace moe::bench
