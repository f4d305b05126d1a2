//===- Experts.cpp - what the experts compute -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Experts.h"

#include <algorithm>

using namespace moe::reference;

static constexpr double unspecified = std::numeric_limits<double>::quiet_NaN();

/// Rows [begin, end) of a matrix.
static Tensor rowRange(const Tensor &x, int64_t begin, int64_t end) {
  return Tensor({end - begin, x.cols()},
                std::vector<double>(x.row(begin), x.row(end)));
}

Tensor moe::reference::groupedMatmul(const Tensor &rows, const Tensor &weights,
                                     const IndexTensor &offsets) {
  Tensor result({rows.dim(0), weights.cols()}, unspecified);
  for (int64_t e = 0; e < weights.dim(0); ++e) {
    Tensor part =
        matmul(rowRange(rows, offsets(e), offsets(e + 1)), weights.slice(e));
    std::copy(part.data.begin(), part.data.end(), result.row(offsets(e)));
  }
  return result;
}

Tensor moe::reference::groupedMatmulWgrad(const Tensor &rows,
                                          const Tensor &drows,
                                          const IndexTensor &offsets) {
  int64_t numExperts = offsets.size() - 1;
  Tensor result({numExperts, rows.cols(), drows.cols()});
  for (int64_t e = 0; e < numExperts; ++e)
    for (int64_t i = offsets(e); i < offsets(e + 1); ++i)
      for (int64_t a = 0; a < rows.cols(); ++a)
        for (int64_t b = 0; b < drows.cols(); ++b)
          result(e, a, b) += rows(i, a) * drows(i, b);
  return result;
}

/// x weight + bias, the bias null where there is none.
using Projection =
    std::function<Tensor(const Tensor &, const Tensor &, const Tensor *)>;

/// The formula of FeedForward, whatever a projection is.
static Tensor feedForward(const Tensor &x, const FeedForward &ffn,
                          const Projection &project) {
  Tensor h = map(project(x, *ffn.up, ffn.upBias), [&](double u) {
    return std::max(std::min(u, ffn.limit), -ffn.limit);
  });
  if (ffn.gate) {
    Tensor gate = project(x, *ffn.gate, ffn.gateBias);
    h = map(h, gate, [&](double u, double g) {
      return activate(ffn.activation, std::min(g, ffn.limit), ffn.alpha) *
             (u + ffn.upOffset);
    });
  } else {
    h = map(h,
            [&](double u) { return activate(ffn.activation, u, ffn.alpha); });
  }
  return project(h, *ffn.down, ffn.downBias);
}

Tensor moe::reference::denseFFN(const Tensor &x, const FeedForward &ffn) {
  return feedForward(
      x, ffn, [](const Tensor &x, const Tensor &weight, const Tensor *bias) {
        Tensor product = matmul(x, weight);
        return bias ? add(product, *bias) : product;
      });
}

Tensor moe::reference::expertFFN(const Tensor &rows, const IndexTensor &offsets,
                                 const FeedForward &ffn) {
  return feedForward(
      rows, ffn,
      [&](const Tensor &x, const Tensor &weight, const Tensor *bias) {
        Tensor product = groupedMatmul(x, weight, offsets);
        for (int64_t e = 0; bias && e < bias->dim(0); ++e)
          for (int64_t i = offsets(e); i < offsets(e + 1); ++i)
            for (int64_t j = 0; j < product.cols(); ++j)
              product(i, j) += (*bias)(e, j);
        return product;
      });
}
