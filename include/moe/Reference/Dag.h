//===- Dag.h - messages between the selected experts ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_DAG_H
#define MOE_REFERENCE_DAG_H

#include "moe/Reference/Linear.h"

#include <optional>

namespace moe::reference {

/// Operands that may be absent, and attributes, of `dagAggregate`.
struct DagOptions {
  const Tensor *weights = nullptr;   ///< [T,K], default 1.
  const Tensor *residual = nullptr;  ///< [T,d], default 0.
  const IndexTensor *mask = nullptr; ///< [T,K], < 0 removes the node.
  const Tensor *edges = nullptr;     ///< [K,K], row = receiver, default 1.
  Norm norm = Norm::RMS;
  Activation gate = Activation::SiLU;
  double epsilon = 0;
  std::optional<double> residualScale = {}; ///< Default 1 / K.
};

/// The selected experts' outputs slots[T,K,d] as the nodes of a graph of depth
/// L, and the sum of the nodes after it -> y[T,d]. A token at a time:
///
///   x_i = weights_i slots_i + residualScale residual
///   for l = 0 .. L-1:
///     u_i = (norm(x_i) * gamma[l]) down[l]
///     (a_i | b_i | p_i | q_i) = u_i message[l]
///     m_i = sum_j edges[i,j] gate(a_i + b_j) * (p_i + q_j)
///     x_i = x_i + m_i up[l]
///   y = sum_i x_i
///
/// with gamma[L,d], down[L,d,g], message[L,g,4g], up[L,g,d]. A masked node
/// sends and receives nothing, and is missing from y with its share of the
/// residual; a token without a node gives 0.
Tensor dagAggregate(const Tensor &slots, const Tensor &gamma,
                    const Tensor &down, const Tensor &message, const Tensor &up,
                    const DagOptions &options);

} // namespace moe::reference

#endif // MOE_REFERENCE_DAG_H
