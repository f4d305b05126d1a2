//===- CompareTest.cpp - do two tensors agree? ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Compare.h"

#include "TestSupport.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TensorView floats(ArrayRef<int64_t> shape, ArrayRef<double> values) {
  return tensorOf(MOERT_F64, shape, values);
}
TensorView integers(ArrayRef<int64_t> shape, ArrayRef<double> values) {
  return tensorOf(MOERT_I32, shape, values);
}

Tolerance relative(double rtol) { return {rtol, 0, false}; }
Tolerance exact() { return {0, 0, true}; }

/// The comparison of one pair.
Comparison compareOne(TensorView got, TensorView want, Tolerance tolerance) {
  return must(compare({{"y", std::move(got), std::move(want)}}, tolerance))
      .front();
}

TEST(CompareTest, ToleranceIsRelativeToTheRowsRms) {
  // rms 5 and 0.5: the same difference agrees in one row only.
  TensorView want = floats({2, 2}, {1, 7, 0.1, 0.7});
  TensorView got = floats({2, 2}, {1.04, 7, 0.14, 0.7});
  Comparison result = compareOne(got, want, {0.01, 0, true});
  EXPECT_EQ(result.rows, 2);
  EXPECT_EQ(result.badRows, 1);
  ASSERT_EQ(result.mismatches.size(), 1u);
  EXPECT_EQ(result.mismatches[0].row, 1);
  EXPECT_EQ(result.mismatches[0].column, 0);
  EXPECT_EQ(result.mismatches[0].got, 0.14);
  EXPECT_EQ(result.mismatches[0].want, 0.1);
  EXPECT_NEAR(result.maxAbs, 0.04, 1e-15);
  EXPECT_NEAR(result.maxRel, 0.08, 1e-14);
  EXPECT_FALSE(result.agrees());
}

TEST(CompareTest, LimitIsInclusive) {
  TensorView want = floats({1, 2}, {4, 4}), got = floats({1, 2}, {5, 4});
  EXPECT_TRUE(compareOne(got, want, {0.25, 0, true}).agrees());
  EXPECT_FALSE(compareOne(got, want, {0.2499, 0, true}).agrees());
  EXPECT_TRUE(compareOne(got, want, {0, 1, true}).agrees());
  EXPECT_FALSE(compareOne(got, want, {0, 0.999, true}).agrees());
}

TEST(CompareTest, RowOfZerosHasToBeZero) {
  TensorView want = floats({1, 2}, {0, 0});
  EXPECT_TRUE(
      compareOne(floats({1, 2}, {-0.0, 0}), want, relative(1)).agrees());
  EXPECT_FALSE(
      compareOne(floats({1, 2}, {1e-30, 0}), want, relative(1)).agrees());
}

TEST(CompareTest, InfinityAndNaN) {
  TensorView want = floats({4}, {infinity, -infinity, nan, 1});
  EXPECT_TRUE(compareOne(want, want, exact()).agrees());
  for (size_t i = 0; i < 4; ++i)
    for (double wrong : {2.0, infinity, -infinity, nan}) {
      std::vector<double> values = valuesOf(want);
      bool same = wrong == values[i] || (std::isnan(wrong) && i == 2);
      values[i] = wrong;
      Comparison result = compareOne(floats({4}, values), want, relative(0.5));
      EXPECT_EQ(result.agrees(), same) << i << ": " << wrong;
      if (!same)
        EXPECT_EQ(result.mismatches.front().column, int64_t(i));
    }
  // They do not count as magnitudes.
  EXPECT_FALSE(compareOne(floats({2}, {infinity, 1.1}),
                          floats({2}, {infinity, 1}), relative(0.05))
                   .agrees());
}

TEST(CompareTest, WorstElementIsShown) {
  Comparison result = compareOne(floats({1, 4}, {1.5, 3, nan, 9}),
                                 floats({1, 4}, {1, 1, 1, 1}), exact());
  EXPECT_EQ(result.mismatches.front().column, 2);
  EXPECT_EQ(result.maxAbs, 8);
}

TEST(CompareTest, FewRowsMayFlip) {
  auto withBadRows = [](int64_t rows, int64_t bad) {
    std::vector<double> want(rows, 1), got(rows, 1);
    for (int64_t i = 0; i < bad; ++i)
      got[i] = 2;
    return compareOne(floats({rows, 1}, got), floats({rows, 1}, want),
                      relative(1e-3));
  };
  EXPECT_TRUE(withBadRows(2, 1).agrees());
  EXPECT_FALSE(withBadRows(2, 2).agrees());
  EXPECT_TRUE(withBadRows(999, 1).agrees());
  EXPECT_FALSE(withBadRows(999, 2).agrees());
  EXPECT_TRUE(withBadRows(1000, 2).agrees());
  EXPECT_FALSE(withBadRows(1000, 3).agrees());
  EXPECT_EQ(withBadRows(1000, 3).badRows, 3);
}

TEST(CompareTest, OneRowMayNot) {
  EXPECT_FALSE(
      compareOne(floats({1, 3}, {1, 1, 1}), floats({1, 3}, {1, 1, 2}), {})
          .agrees());
  EXPECT_FALSE(
      compareOne(floats({3}, {1, 1, 1}), floats({3}, {1, 1, 2}), {}).agrees());
  EXPECT_FALSE(compareOne(floats({}, {1}), floats({}, {2}), {}).agrees());
}

TEST(CompareTest, ExactRowsMeansAll) {
  EXPECT_FALSE(
      compareOne(floats({2, 1}, {1, 2}), floats({2, 1}, {1, 1}), exact())
          .agrees());
}

TEST(CompareTest, IntegersAreEqual) {
  TensorView want = integers({2, 2}, {0, 1, 2, 3});
  EXPECT_TRUE(compareOne(want, want, exact()).agrees());
  Comparison result =
      compareOne(integers({2, 2}, {0, 1, 2, 4}), want, relative(1));
  EXPECT_FALSE(result.agrees());
  EXPECT_EQ(result.badRows, 1);
  EXPECT_EQ(result.mismatches.front().row, 1);
  EXPECT_EQ(result.mismatches.front().column, 1);
}

// A token whose floats have flipped may have other indices, whatever the order
// and the rank of the results.
TEST(CompareTest, IntegersOfFlippedTokensAreExcused) {
  TensorView wantY = floats({3, 2, 1}, {1, 1, 1, 1, 1, 1});
  TensorView gotY = floats({3, 2, 1}, {1, 1, 1, 5, 1, 1}); // token 1
  TensorView want = integers({3, 2}, {0, 1, 2, 3, 4, 5});
  auto indices = [&](ArrayRef<double> values, Tolerance tolerance) {
    return must(compare({{"indices", integers({3, 2}, values), want},
                         {"y", gotY, wantY}},
                        tolerance))
        .front();
  };
  EXPECT_TRUE(indices({0, 1, 7, 8, 4, 5}, relative(1e-3)).agrees());
  EXPECT_EQ(indices({0, 1, 7, 8, 4, 5}, relative(1e-3)).badRows, 1);
  EXPECT_FALSE(indices({0, 1, 2, 3, 4, 6}, relative(1e-3)).agrees());
  EXPECT_FALSE(indices({9, 1, 7, 8, 4, 5}, relative(1e-3)).agrees());
  EXPECT_FALSE(indices({0, 1, 7, 8, 4, 5}, {1e-3, 0, true}).agrees());
}

TEST(CompareTest, IntegersOfOtherRowCountsAreNotExcused) {
  std::vector<Comparison> results = must(
      compare({{"y", floats({2, 1}, {1, 5}), floats({2, 1}, {1, 1})},
               {"offsets", integers({3}, {0, 1, 3}), integers({3}, {0, 2, 3})}},
              relative(1e-3)));
  EXPECT_TRUE(results[0].agrees());
  EXPECT_FALSE(results[1].agrees());
}

TEST(CompareTest, NothingAgreesWithNothing) {
  std::vector<std::vector<int64_t>> shapes = {{0, 4}, {4, 0}, {0}, {0, 2, 3}};
  for (const std::vector<int64_t> &shape : shapes) {
    Comparison result =
        compareOne(floats(shape, {}), floats(shape, {}), exact());
    EXPECT_EQ(result.rows, 0);
    EXPECT_TRUE(result.agrees());
  }
}

TEST(CompareTest, WidthsMayDiffer) {
  EXPECT_TRUE(compareOne(tensorOf(MOERT_BF16, {2}, {1, 2}), floats({2}, {1, 2}),
                         exact())
                  .agrees());
}

TEST(CompareTest, ShapesAndKindsMayNot) {
  EXPECT_EQ(
      message(compare({{"y", floats({2}, {1, 2}), floats({1}, {1})}}, {})),
      "result 'y': got f64[2], expected f64[1]");
  EXPECT_EQ(message(compare({{"y", floats({1}, {1}), integers({1}, {1})}}, {})),
            "result 'y': got f64[1], expected i32[1]");
}

TEST(CompareTest, KeepsAFewMismatches) {
  std::vector<double> got(20, 2), want(20, 1);
  Comparison result =
      compareOne(floats({20, 1}, got), floats({20, 1}, want), exact());
  EXPECT_EQ(result.badRows, 20);
  EXPECT_EQ(result.mismatches.size(), 5u);
}

TEST(CompareTest, DefaultTolerances) {
  EXPECT_EQ(defaultRtol(MOERT_F64), 1e-12);
  EXPECT_EQ(defaultRtol(MOERT_F32), 2e-5);
  EXPECT_EQ(defaultRtol(MOERT_F16), 3e-3);
  EXPECT_EQ(defaultRtol(MOERT_BF16), 2e-2);
  EXPECT_EQ(defaultRtol(MOERT_I32), 0);
}

} // namespace
