//===- Dag.cpp - messages between the selected experts --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Dag.h"

#include <algorithm>

using namespace moe::reference;

/// One depth of the graph on the live nodes x[n,d], which stand for the slots
/// `slots`: x_i + m_i up.
static Tensor exchangeMessages(const Tensor &x,
                               const std::vector<int64_t> &slots,
                               const Tensor &gamma, const Tensor &down,
                               const Tensor &message, const Tensor &up,
                               const DagOptions &options) {
  int64_t n = x.dim(0), width = down.cols();
  Tensor normed =
      multiply(normalizeRows(x, options.norm, options.epsilon), gamma);
  Tensor abpq = matmul(matmul(normed, down), message);

  Tensor m({n, width});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t c = 0; c < width; ++c) {
        double edge = options.edges ? (*options.edges)(slots[i], slots[j]) : 1;
        double a = abpq(i, c), b = abpq(j, width + c);
        double p = abpq(i, 2 * width + c), q = abpq(j, 3 * width + c);
        m(i, c) += edge * activate(options.gate, a + b) * (p + q);
      }
  return add(x, matmul(m, up));
}

Tensor moe::reference::dagAggregate(const Tensor &slots, const Tensor &gamma,
                                    const Tensor &down, const Tensor &message,
                                    const Tensor &up,
                                    const DagOptions &options) {
  int64_t numTokens = slots.dim(0), k = slots.dim(1), d = slots.dim(2);
  double residualScale = options.residualScale.value_or(1.0 / k);
  Tensor y({numTokens, d});
  for (int64_t t = 0; t < numTokens; ++t) {
    std::vector<int64_t> live;
    for (int64_t i = 0; i < k; ++i)
      if (!options.mask || (*options.mask)(t, i) >= 0)
        live.push_back(i);

    int64_t n = live.size();
    Tensor x({n, d});
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < d; ++j) {
        double weight = options.weights ? (*options.weights)(t, live[i]) : 1;
        double residual = options.residual ? (*options.residual)(t, j) : 0;
        x(i, j) = weight * slots(t, live[i], j) + residualScale * residual;
      }

    for (int64_t l = 0; l < gamma.dim(0); ++l)
      x = exchangeMessages(x, live, gamma.slice(l), down.slice(l),
                           message.slice(l), up.slice(l), options);
    for (int64_t i = 0; i < n; ++i)
      std::transform(x.row(i), x.row(i) + d, y.row(t), y.row(t),
                     std::plus<double>());
  }
  return y;
}
