//===- TestSupport.h - random tensors and comparisons -----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_REFERENCE_TESTSUPPORT_H
#define MOE_TEST_UNIT_REFERENCE_TESTSUPPORT_H

#include "moe/Reference/Tensor.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace moe::reference {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/// The same numbers on every platform (the standard's distributions are not).
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}

  /// A number in [0, 1).
  double unit() { return static_cast<double>(engine() >> 11) * 0x1p-53; }
  /// An integer in [0, n).
  int64_t below(int64_t n) { return static_cast<int64_t>(unit() * n); }
  /// Elements in [-scale, scale).
  Tensor tensor(Shape shape, double scale = 1) {
    Tensor result(std::move(shape));
    for (double &v : result.data)
      v = scale * (2 * unit() - 1);
    return result;
  }
  /// 0 .. n-1 in some order.
  std::vector<int64_t> permutation(int64_t n) {
    std::vector<int64_t> result(n);
    std::iota(result.begin(), result.end(), 0);
    for (int64_t i = n - 1; i > 0; --i)
      std::swap(result[i], result[below(i + 1)]);
    return result;
  }

private:
  std::mt19937_64 engine;
};

/// result[i] = x[order[i]] along the first dimension.
template <typename Element>
Array<Element> permuted(const Array<Element> &x,
                        const std::vector<int64_t> &order) {
  Array<Element> result(x.shape);
  int64_t stride = x.size() / x.dim(0);
  for (size_t i = 0; i < order.size(); ++i)
    std::copy_n(x.data.begin() + order[i] * stride, stride,
                result.data.begin() + i * stride);
  return result;
}

/// The largest |actual - expected| of a row, relative to the root mean square
/// of the expected row. Infinite if the shapes differ, if a row of zeros is not
/// met exactly, or if anything is NaN.
inline double rowError(const Tensor &actual, const Tensor &expected) {
  if (actual.shape != expected.shape)
    return inf;
  double worst = 0;
  for (int64_t i = 0; i < (expected.size() ? expected.rows() : 0); ++i) {
    double square = 0, difference = 0;
    for (int64_t j = 0; j < expected.cols(); ++j) {
      double d = std::abs(actual.row(i)[j] - expected.row(i)[j]);
      if (std::isnan(d))
        return inf;
      difference = std::max(difference, d);
      square += expected.row(i)[j] * expected.row(i)[j];
    }
    if (difference > 0)
      worst = std::max(worst, difference / std::sqrt(square / expected.cols()));
  }
  return worst;
}

/// Equal up to the rounding of sums in another order.
inline void expectNear(const Tensor &actual, const Tensor &expected) {
  EXPECT_EQ(actual.shape, expected.shape);
  EXPECT_LE(rowError(actual, expected), 1e-12);
}

/// The same bits, but for the sign of zero; NaN equals NaN.
inline void expectSame(const Tensor &actual, const Tensor &expected) {
  ASSERT_EQ(actual.shape, expected.shape);
  for (int64_t i = 0; i < actual.size(); ++i)
    EXPECT_TRUE(actual(i) == expected(i) ||
                (std::isnan(actual(i)) && std::isnan(expected(i))))
        << "element " << i << ": got " << actual(i) << ", expected "
        << expected(i);
}

inline void expectSame(const IndexTensor &actual, const IndexTensor &expected) {
  EXPECT_EQ(actual.shape, expected.shape);
  EXPECT_EQ(actual.data, expected.data);
}

} // namespace moe::reference

#endif // MOE_TEST_UNIT_REFERENCE_TESTSUPPORT_H
