//===- Layer.h - a random mixture-of-experts layer --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_LAYER_H
#define MOE_TEST_UNIT_PROPERTY_LAYER_H

#include "Experts.h"
#include "Router.h"

namespace moe::test {

/// Router, group, dispatch, expert_ffn and combine:
/// @main(x[T,d], weights...) -> (indices[T,K], weights[T,K], y[T,d]).
///
/// Tokens and the router's weights are multiples of 1/8, so that logits have no
/// rounding error: experts tie or are far apart, whatever the order of the
/// sums.
class Layer {
public:
  /// `mayDrop`: experts may have a capacity, by which tokens depend on each
  /// other.
  Layer(uint64_t seed, bool mayDrop);

  /// The number of tokens of every call, if the program says it.
  std::optional<int64_t> tokens;

  std::string text();
  /// Draws new weights.
  void drawWeights();
  /// Draws the tokens of a call.
  Tensor drawTokens(int64_t tokens);
  std::vector<TensorView> arguments(const Tensor &x);
  /// The results by the reference.
  std::vector<Wanted> wanted(const Tensor &x) const;

private:
  /// Multiples of 1/8 in [-bound, bound].
  Tensor eighths(Shape shape, double bound);

  MoertDType accumulator() const;

  Draw draw;
  DTypes dtypes;
  MoertDType dtype;
  Router router;
  int64_t width;
  ExpertWeights experts;
  std::optional<int64_t> capacity;
  Tensor routerWeight, bias;
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_LAYER_H
