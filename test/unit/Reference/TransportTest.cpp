//===- TransportTest.cpp - plans and assignments --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Linear.h"
#include "moe/Reference/Transport.h"

using namespace moe::reference;

//===----------------------------------------------------------------------===//
// Sinkhorn
//===----------------------------------------------------------------------===//

static Tensor rowSums(const Tensor &x) {
  return matmul(x, Tensor({x.cols(), 1}, 1)).reshaped({x.dim(0)});
}

static Tensor colSums(const Tensor &x) { return rowSums(transpose(x)); }

/// |a - b| <= tolerance, element by element.
static void expectClose(const Tensor &a, const Tensor &b, double tolerance) {
  ASSERT_EQ(a.shape, b.shape);
  for (int64_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a(i), b(i), tolerance);
}

class SinkhornTest : public testing::Test {
protected:
  Random random{1};
  Tensor scores = random.tensor({12, 4}, 2);
  Tensor row{{12}}, col{{4}};

  SinkhornTest() {
    // Marginals of the same total.
    double total = 0;
    for (double &r : row.data)
      total += r = 0.5 + random.unit();
    for (double &c : col.data)
      c = 0.5 + random.unit();
    double scale =
        total / std::accumulate(col.data.begin(), col.data.end(), 0.0);
    for (double &c : col.data)
      c *= scale;
  }
};

TEST_F(SinkhornTest, theLastStepMakesItsMarginalExact) {
  Tensor byCol = sinkhorn(scores, 0.3, 3, FinalStep::Col, &row, &col);
  expectClose(colSums(byCol), col, 1e-13);
  Tensor byRow = sinkhorn(scores, 0.3, 3, FinalStep::Row, &row, &col);
  expectClose(rowSums(byRow), row, 1e-13);
  EXPECT_GT(rowError(rowSums(byCol).reshaped({1, 12}), row.reshaped({1, 12})),
            1e-6);
}

TEST_F(SinkhornTest, bothMarginalsHoldOnceItConverged) {
  Tensor plan = sinkhorn(scores, 0.5, 500, FinalStep::Col, &row, &col);
  expectClose(rowSums(plan), row, 1e-12);
  expectClose(sinkhorn(scores, 0.5, 500, FinalStep::Row, &row, &col), plan,
              1e-12);
}

TEST_F(SinkhornTest, defaultMarginals) {
  row = Tensor({12}, 1);
  col = Tensor({4}, 3);
  expectSame(sinkhorn(scores, 0.3, 5, FinalStep::Col),
             sinkhorn(scores, 0.3, 5, FinalStep::Col, &row, &col));
}

TEST_F(SinkhornTest, permutingTheRowsPermutesThePlan) {
  std::vector<int64_t> order = random.permutation(12);
  Tensor plan = sinkhorn(scores, 0.3, 10, FinalStep::Col, &row, &col);
  Tensor shuffledRow = permuted(row, order);
  expectNear(sinkhorn(permuted(scores, order), 0.3, 10, FinalStep::Col,
                      &shuffledRow, &col),
             permuted(plan, order));
}

TEST_F(SinkhornTest, aConstantInARowOrColumnChangesNothing) {
  Tensor shifted = scores;
  for (int64_t e = 0; e < 4; ++e)
    shifted(5, e) += 3;
  expectNear(sinkhorn(shifted, 0.5, 10, FinalStep::Col),
             sinkhorn(scores, 0.5, 10, FinalStep::Col));
  shifted = add(scores, Tensor({4}, {0, 0, 2, 0}));
  expectNear(sinkhorn(shifted, 0.5, 10, FinalStep::Row),
             sinkhorn(scores, 0.5, 10, FinalStep::Row));
}

TEST_F(SinkhornTest, noIterationIsTheExponential) {
  expectSame(sinkhorn(scores, 0.5, 0, FinalStep::Col),
             map(scores, [](double a) { return std::exp(a / 0.5); }));
}

TEST_F(SinkhornTest, aHighTemperatureIgnoresTheScores) {
  Tensor plan = sinkhorn(scores, 1e15, 2, FinalStep::Col);
  expectClose(plan, Tensor({12, 4}, 0.25), 1e-12);
}

TEST_F(SinkhornTest, neitherOverflowsNorLosesItsMarginal) {
  Tensor large = map(scores, [](double a) { return 1e4 * a; });
  Tensor plan = sinkhorn(large, 1e-3, 50, FinalStep::Col, &row, &col);
  expectClose(colSums(plan), col, 1e-6); // scores / tau = 1e7: eps * 1e7
}

TEST_F(SinkhornTest, forbiddenEntriesGetNoMass) {
  scores(0, 2) = -inf;
  for (int64_t e = 0; e < 4; ++e)
    scores(3, e) = -inf;
  for (FinalStep last : {FinalStep::Col, FinalStep::Row}) {
    Tensor plan = sinkhorn(scores, 0.3, 20, last, &row, &col);
    EXPECT_EQ(plan(0, 2), 0);
    for (int64_t e = 0; e < 4; ++e)
      EXPECT_EQ(plan(3, e), 0);
    for (double mass : plan.data)
      EXPECT_TRUE(std::isfinite(mass));
  }
}

TEST_F(SinkhornTest, aMarginalOfZeroIsMet) {
  row(4) = 0;
  Tensor plan = sinkhorn(scores, 0.3, 20, FinalStep::Col, &row, &col);
  for (int64_t e = 0; e < 4; ++e)
    EXPECT_EQ(plan(4, e), 0);
  expectClose(colSums(plan), col, 1e-13);
}

TEST(LogSumExp, values) {
  const double x[] = {1000, -7, 1000, -7};
  EXPECT_NEAR(logSumExp(x, 2, 2), 1000 + std::log(2.0), 1e-12);
  const double infinities[] = {-inf, inf};
  EXPECT_EQ(logSumExp(infinities, 1), -inf);
  EXPECT_EQ(logSumExp(infinities, 2), inf);
  EXPECT_EQ(logSumExp(x, 0), -inf);
  EXPECT_TRUE(std::isnan(logSumExp(&NaN, 1)));
}

//===----------------------------------------------------------------------===//
// Assignment
//===----------------------------------------------------------------------===//

/// How many rows each of `size` columns got.
static IndexTensor countsOf(const IndexTensor &member, int64_t size) {
  IndexTensor counts({size}, 0);
  for (int32_t e : member.data)
    if (e >= 0)
      ++counts(e);
  return counts;
}

static double totalScore(const Tensor &scores, const IndexTensor &member) {
  double total = 0;
  for (int64_t i = 0; i < member.size(); ++i)
    total += scores(i, member(i));
  return total;
}

/// The largest total score over all ways to give rows i.. to columns.
static double bestTotal(const Tensor &scores, IndexTensor &room, int64_t i) {
  if (i == scores.dim(0))
    return 0;
  double best = -inf;
  for (int64_t e = 0; e < scores.cols(); ++e)
    if (room(e) > 0) {
      --room(e);
      best = std::max(best, scores(i, e) + bestTotal(scores, room, i + 1));
      ++room(e);
    }
  return best;
}

/// Random capacities of sum n.
static IndexTensor randomCapacity(Random &random, int64_t n, int64_t size) {
  IndexTensor capacity({size}, 0);
  for (int64_t i = 0; i < n; ++i)
    ++capacity(random.below(size));
  return capacity;
}

TEST(Assign, greedyWalksTheEntriesInOrder) {
  Tensor scores({3, 2}, {5, 4, 6, 1, 7, 3});
  expectSame(assign(scores, IndexTensor({2}, {1, 2}), AssignMethod::Greedy),
             IndexTensor({3}, {1, 1, 0}));
}

TEST(Assign, greedyBreaksTiesByFlatIndex) {
  expectSame(assign(Tensor({5, 3}, 1), IndexTensor({3}, {2, 2, 1}),
                    AssignMethod::Greedy),
             IndexTensor({5}, {0, 0, 1, 1, 2}));
  expectSame(assign(Tensor({2, 2}, {1, 1, 1, 0}), IndexTensor({2}, {1, 1}),
                    AssignMethod::Greedy),
             IndexTensor({2}, {0, 1}));
}

TEST(Assign, greedyRanksNaNBelowMinusInfinity) {
  Tensor scores({2, 2}, {NaN, 1, -inf, 2});
  expectSame(assign(scores, IndexTensor({2}, {1, 1}), AssignMethod::Greedy),
             IndexTensor({2}, {0, 1}));
  Tensor others({2, 2}, {NaN, NaN, -inf, NaN});
  expectSame(assign(others, IndexTensor({2}, {1, 1}), AssignMethod::Greedy),
             IndexTensor({2}, {1, 0}));
}

TEST(Assign, exactBeatsGreedy) {
  Tensor scores({2, 2}, {9, 8, 8, 0});
  IndexTensor capacity({2}, {1, 1});
  expectSame(assign(scores, capacity, AssignMethod::Greedy),
             IndexTensor({2}, {0, 1}));
  expectSame(assign(scores, capacity, AssignMethod::Exact),
             IndexTensor({2}, {1, 0}));
}

TEST(Assign, exactAgreesWithBruteForce) {
  Random random(2);
  for (int64_t round = 0; round < 200; ++round) {
    int64_t n = random.below(8), size = 1 + random.below(4);
    Tensor scores = random.tensor({n, size}, 3);
    if (round % 2) // with ties, hence moves that cost nothing
      scores = map(scores, [](double a) { return std::floor(a); });
    if (round % 4 == 3) // and with rounding in every sum
      scores = map(scores, [](double a) { return 0.1 * a; });
    IndexTensor capacity = randomCapacity(random, n, size);
    IndexTensor member = assign(scores, capacity, AssignMethod::Exact);
    expectSame(countsOf(member, size), capacity);
    EXPECT_NEAR(totalScore(scores, member), bestTotal(scores, capacity, 0),
                1e-12);
  }
}

TEST(Assign, countsAreExactAndExactIsNotWorse) {
  Random random(3);
  for (int64_t round = 0; round < 20; ++round) {
    Tensor scores = random.tensor({60, 7});
    IndexTensor capacity = randomCapacity(random, 60, 7);
    IndexTensor greedy = assign(scores, capacity, AssignMethod::Greedy);
    IndexTensor exact = assign(scores, capacity, AssignMethod::Exact);
    expectSame(countsOf(greedy, 7), capacity);
    expectSame(countsOf(exact, 7), capacity);
    EXPECT_GE(totalScore(scores, exact), totalScore(scores, greedy) - 1e-12);
  }
}

TEST(Assign, exactTakesWhatIsNotFiniteForTheLeast) {
  Tensor scores({2, 2}, {NaN, 1, inf, 2}), finite({2, 2}, {1, 1, 1, 2});
  IndexTensor capacity({2}, {1, 1});
  expectSame(assign(scores, capacity, AssignMethod::Exact),
             assign(finite, capacity, AssignMethod::Exact));
  expectSame(
      countsOf(assign(Tensor({2, 2}, NaN), capacity, AssignMethod::Exact), 2),
      capacity);
}

TEST(Assign, exactDoesNotOverflow) {
  Random random(4);
  for (int64_t round = 0; round < 20; ++round) {
    Tensor scores = random.tensor({12, 4});
    Tensor huge = map(scores, [](double a) {
      return a * std::numeric_limits<double>::max();
    });
    IndexTensor capacity = randomCapacity(random, 12, 4);
    expectSame(assign(huge, capacity, AssignMethod::Exact),
               assign(scores, capacity, AssignMethod::Exact));
  }
}

TEST(Assign, rowsWithoutRoomGetMinusOne) {
  for (AssignMethod method : {AssignMethod::Greedy, AssignMethod::Exact}) {
    IndexTensor member =
        assign(Tensor({3, 2}, 1), IndexTensor({2}, {1, -4}), method);
    expectSame(countsOf(member, 2), IndexTensor({2}, {1, 0}));
  }
}

TEST(StraightThrough, isItsHardOperand) {
  Tensor hard({2}, {1, 0});
  expectSame(straightThrough(hard, Tensor({2}, NaN)), hard);
}
