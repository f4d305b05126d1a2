//===- Draw.h - what random programs and their inputs are made of -*- C++
//-*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_DRAW_H
#define MOE_TEST_UNIT_PROPERTY_DRAW_H

#include "../Reference/TestSupport.h"
#include "Harness.h"

#include <initializer_list>

namespace moe::test {

using reference::IndexTensor;
using reference::Shape;
using reference::Tensor;

/// One of the seed's random decisions after the other.
class Draw {
public:
  explicit Draw(uint64_t seed) : random(seed * 0x9e3779b97f4a7c15u + 1) {}

  /// An integer in [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + random.below(high - low + 1);
  }
  bool chance(double probability) { return random.unit() < probability; }
  double uniform(double low, double high) {
    return low + (high - low) * random.unit();
  }
  template <typename T> T pick(std::initializer_list<T> choices) {
    return choices.begin()[random.below(choices.size())];
  }
  std::vector<int64_t> permutation(int64_t n) { return random.permutation(n); }

  /// A width: often odd, sometimes 1.
  int64_t width() { return pick<int64_t>({1, 3, 4, 5, 7, 8, 11, 16, 17}); }
  /// 0 <= size <= 40, small ones more often.
  int64_t size() { return chance(0.5) ? between(0, 5) : between(6, 40); }

  /// Numbers of variance `sigma`^2, already rounded to `dtype`.
  Tensor numbers(Shape shape, MoertDType dtype, double sigma = 1);
  /// The same with some infinities and NaN.
  Tensor wildNumbers(Shape shape, MoertDType dtype);
  /// What a router gets to see: numbers without structure, ties, all the same,
  /// one expert far ahead, or infinities and NaN among ties.
  Tensor logits(Shape shape, MoertDType dtype);
  /// Indices in [low, high].
  IndexTensor indices(Shape shape, int64_t low, int64_t high);
  /// Where the rows of each of `experts` experts begin, and the end of the last
  /// ones', which is at most `rows`: even, with empty experts, or all for one.
  IndexTensor offsets(int64_t experts, int64_t rows);

private:
  reference::Random random;
};

/// `tensor` with each element rounded to `dtype`.
Tensor rounded(Tensor tensor, MoertDType dtype);

/// f32, bf16, f16 and f64 in turn.
MoertDType dtypeOf(uint64_t seed);

/// The dtypes of an op's operands and results, of which one is usual, and what
/// they say about its errors.
class DTypes {
public:
  DTypes(Draw &draw, uint64_t seed, bool mayMix = true)
      : draw(draw), usual(dtypeOf(seed)), isMixed(mayMix && draw.chance(0.25)) {
  }

  /// The dtype of the next operand or result.
  MoertDType next();
  /// The relative error of a result: it is accumulated in f32, or f64 if any
  /// dtype is, and rounded to `result`, after it passed through `stored`.
  double rtol(MoertDType result, MoertDType stored = MOERT_F64) const;

private:
  Draw &draw;
  MoertDType usual;
  bool isMixed, hasF64 = false;
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_DRAW_H
