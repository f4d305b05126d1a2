//===- Experts.h - what the experts compute ---------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_EXPERTS_H
#define MOE_REFERENCE_EXPERTS_H

#include "moe/Reference/Linear.h"

#include <limits>

namespace moe::reference {

/// result[i,:] = rows[i,:] W[e] for the rows offsets[e] <= i < offsets[e+1] of
/// rows[S,a], W[E,a,b], offsets[E+1] -> [S,b]. Later rows are NaN.
Tensor groupedMatmul(const Tensor &rows, const Tensor &weights,
                     const IndexTensor &offsets);

/// dW[e] = sum over the rows i of expert e of rows[i,:]^T drows[i,:], for
/// rows[S,a], drows[S,b], offsets[E+1] -> [E,a,b]; 0 for an empty expert.
Tensor groupedMatmulWgrad(const Tensor &rows, const Tensor &drows,
                          const IndexTensor &offsets);

/// The weights and the shape of a feed-forward network:
///
///   g = min(x gate + gateBias, limit)
///   u = max(min(x up + upBias, limit), -limit)
///   h = activation(g) * (u + upOffset)       with a gate
///   h = activation(u)                        without one
///   y = h down + downBias
///
/// Grouped: gate, up [E,d,F], down[E,F,d], gateBias, upBias [E,F],
/// downBias[E,d]. Dense: the same without E. `up` and `down` are never null;
/// `alpha` belongs to SiLU: g * sigmoid(alpha g); without a gate there is no
/// upOffset.
struct FeedForward {
  const Tensor *gate = nullptr, *up = nullptr, *down = nullptr;
  const Tensor *gateBias = nullptr, *upBias = nullptr, *downBias = nullptr;
  Activation activation = Activation::SiLU;
  double alpha = 1;
  double limit = std::numeric_limits<double>::infinity();
  double upOffset = 0;
};

/// Each row of rows[S,d] through the network of its expert -> [S,d]. Rows from
/// offsets[E] on are NaN.
Tensor expertFFN(const Tensor &rows, const IndexTensor &offsets,
                 const FeedForward &ffn);

/// All rows of x[N,d] through one network -> [N,d].
Tensor denseFFN(const Tensor &x, const FeedForward &ffn);

} // namespace moe::reference

#endif // MOE_REFERENCE_EXPERTS_H
