//===- RoutingTest.cpp - routers, grouping, and the way there and back ----===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Linear.h"
#include "moe/Reference/Routing.h"

using namespace moe::reference;

static Routing routeBy(const Tensor &logits, int64_t k, Score score,
                       Weights weights) {
  return route(logits, k, {score, weights});
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

TEST(TopK, ordersByValueThenIndexWithoutNaN) {
  Tensor keys({2, 6}, {1, NaN, 3, 3, -inf, inf, NaN, NaN, -inf, -0.0, 0, NaN});
  Selection selection = topK(keys, 5);
  expectSame(selection.indices,
             IndexTensor({2, 5}, {5, 2, 3, 0, -1, 3, 4, -1, -1, -1}));
  expectSame(selection.values,
             Tensor({2, 5}, {inf, 3, 3, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(TopK, takesValuesFromElsewhere) {
  Tensor keys({1, 3}, {1, 3, 2}), values({1, 3}, {10, NaN, 30});
  expectSame(topK(keys, 2, &values).values, Tensor({1, 2}, {NaN, 30}));
}

TEST(TopK, hasMoreSlotsThanCandidates) {
  expectSame(topK(Tensor({1, 2}, {1, 2}), 4).indices,
             IndexTensor({1, 4}, {1, 0, -1, -1}));
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

TEST(Route, scores) {
  Tensor logits({1, 2}, {0, std::log(3.0)});
  auto weights = [&](Score score, Weights weights) {
    return routeBy(logits, 2, score, weights).weights;
  };
  expectSame(weights(Score::Identity, Weights::Score),
             Tensor({1, 2}, {std::log(3.0), 0}));
  expectNear(weights(Score::Softmax, Weights::Score),
             Tensor({1, 2}, {0.75, 0.25}));
  expectNear(weights(Score::Sigmoid, Weights::Score),
             Tensor({1, 2}, {0.75, 0.5}));
  expectNear(weights(Score::Sigmoid, Weights::Normalized),
             Tensor({1, 2}, {0.6, 0.4}));
  expectSame(weights(Score::Sigmoid, Weights::Unit), Tensor({1, 2}, 1));
}

TEST(Route, scaleAndEpsilon) {
  RouteOptions options = {Score::Identity, Weights::Normalized};
  options.scale = 10;
  options.epsilon = 1;
  expectNear(route(Tensor({1, 3}, {3, 1, 1}), 2, options).weights,
             Tensor({1, 2}, {6, 2}));
  options.weights = Weights::Unit;
  expectSame(route(Tensor({1, 3}, {3, 1, 1}), 2, options).weights,
             Tensor({1, 2}, 10));
}

TEST(Route, normalizedSoftmaxIsSoftmaxOfTheSelected) {
  Tensor logits = Random(1).tensor({50, 9}, 4);
  Routing a = routeBy(logits, 3, Score::Softmax, Weights::Normalized);
  Routing b = routeBy(logits, 3, Score::Identity, Weights::SoftmaxSelected);
  expectSame(a.indices, b.indices);
  expectNear(a.weights, b.weights);
}

TEST(Route, aConstantInTheLogitsChangesNothing) {
  Tensor logits = Random(2).tensor({20, 7}, 4);
  Tensor shifted = map(logits, [](double z) { return z + 3; });
  Routing a = routeBy(logits, 3, Score::Softmax, Weights::Score);
  Routing b = routeBy(shifted, 3, Score::Softmax, Weights::Score);
  expectSame(a.indices, b.indices);
  expectNear(a.weights, b.weights);
}

TEST(Route, biasAndKeysDecideTheSelectionOnly) {
  Tensor logits({1, 3}, {1, 2, 3}), bias({3}, {5, 0, -5});
  RouteOptions options;
  Routing biased = route(logits, 2, options, &bias);
  expectSame(biased.indices, IndexTensor({1, 2}, {0, 1}));
  expectSame(biased.weights, Tensor({1, 2}, {1, 2}));

  Tensor keys({1, 3}, {NaN, 1, 7});
  Routing keyed = route(logits, 3, options, nullptr, &keys);
  expectSame(keyed.indices, IndexTensor({1, 3}, {2, 1, -1}));
  expectSame(keyed.weights, Tensor({1, 3}, {3, 2, 0}));
}

TEST(Route, unusedSlotsHaveIndexMinusOneAndWeightZero) {
  Tensor logits({3, 3}, {-inf, 1, NaN, -inf, -inf, -inf, NaN, NaN, NaN});
  for (Weights weights : {Weights::Score, Weights::Normalized,
                          Weights::SoftmaxSelected, Weights::Unit}) {
    Routing routing = routeBy(logits, 2, Score::Identity, weights);
    expectSame(routing.indices, IndexTensor({3, 2}, {1, -1, -1, -1, -1, -1}));
    expectSame(routing.weights, Tensor({3, 2}, {1, 0, 0, 0, 0, 0}));
  }
}

TEST(Route, oneNaNLogitSpoilsASoftmaxRow) {
  Routing routing =
      routeBy(Tensor({1, 3}, {1, NaN, 2}), 2, Score::Softmax, Weights::Score);
  expectSame(routing.indices, IndexTensor({1, 2}, -1));
}

TEST(Route, permutingTheExpertsPermutesTheIndices) {
  Random random(3);
  Tensor logits = random.tensor({30, 8}, 4);
  std::vector<int64_t> order = random.permutation(8);
  Tensor shuffled = transpose(permuted(transpose(logits), order));
  Routing a = routeBy(logits, 3, Score::Softmax, Weights::Normalized);
  Routing b = routeBy(shuffled, 3, Score::Softmax, Weights::Normalized);
  for (int32_t &e : b.indices.data)
    e = static_cast<int32_t>(order[e]);
  expectSame(b.indices, a.indices);
  expectNear(b.weights, a.weights);
}

TEST(Route, noTokens) {
  RouteOptions options = {Score::Softmax, Weights::Normalized};
  options.groups = ExpertGroups{2, 1, 1};
  Routing routing = route(Tensor({0, 4}), 2, options);
  EXPECT_EQ(routing.indices.shape, (Shape{0, 2}));
  EXPECT_EQ(routing.weights.shape, (Shape{0, 2}));
}

//===----------------------------------------------------------------------===//
// Groups of experts and top-p
//===----------------------------------------------------------------------===//

static IndexTensor routeInGroups(std::vector<double> keys, ExpertGroups groups,
                                 int64_t k) {
  RouteOptions options;
  options.groups = groups;
  int64_t numExperts = keys.size();
  return route(Tensor({1, numExperts}, std::move(keys)), k, options).indices;
}

TEST(RouteGroups, rankIsTheSumOfTheBest) {
  std::vector<double> keys = {9, 0, 0, 6, 5, 0, 1, 2, 3};
  expectSame(routeInGroups(keys, {3, 1, 1}, 2), IndexTensor({1, 2}, {0, 1}));
  expectSame(routeInGroups(keys, {3, 1, 2}, 2), IndexTensor({1, 2}, {3, 4}));
  expectSame(routeInGroups(keys, {3, 2, 2}, 3), IndexTensor({1, 3}, {0, 3, 4}));
}

TEST(RouteGroups, tiesGoToTheLowerGroup) {
  expectSame(routeInGroups({1, 1, 1, 1, 1, 1}, {3, 2, 2}, 4),
             IndexTensor({1, 4}, {0, 1, 2, 3}));
}

TEST(RouteGroups, rejectedGroupsDoNotWinWithNegativeKeys) {
  expectSame(routeInGroups({-1, -9, -2, -3}, {2, 1, 2}, 3),
             IndexTensor({1, 3}, {2, 3, -1}));
}

TEST(RouteGroups, aGroupWithTooFewAdmissibleKeysIsNotKept) {
  expectSame(routeInGroups({9, NaN, 1, 2, inf, -inf}, {3, 2, 2}, 4),
             IndexTensor({1, 4}, {3, 2, -1, -1}));
  expectSame(routeInGroups({9, 8, 1, 2}, {2, 2, 3}, 2),
             IndexTensor({1, 2}, {-1, -1}));
}

TEST(RouteGroups, keepingAllIsKeepingNone) {
  Tensor logits = Random(4).tensor({30, 12}, 3);
  RouteOptions options = {Score::Sigmoid, Weights::Normalized};
  Routing plain = route(logits, 4, options);
  options.groups = ExpertGroups{4, 4, 2};
  Routing grouped = route(logits, 4, options);
  expectSame(grouped.indices, plain.indices);
  expectSame(grouped.weights, plain.weights);
}

TEST(RouteTopP, cutsWhereTheSumBeforeReachesP) {
  Tensor scores({1, 4}, {0.125, 0.5, 0.25, 0.125});
  auto indices = [&](double p) {
    RouteOptions options;
    options.topP = p;
    return route(scores, 3, options).indices;
  };
  expectSame(indices(0), IndexTensor({1, 3}, {-1, -1, -1}));
  expectSame(indices(0.5), IndexTensor({1, 3}, {1, -1, -1}));
  expectSame(indices(0.75), IndexTensor({1, 3}, {1, 2, -1}));
  expectSame(indices(0.76), IndexTensor({1, 3}, {1, 2, 0}));
}

TEST(RouteTopP, normalisesOverTheKept) {
  RouteOptions options = {Score::Identity, Weights::Normalized};
  options.topP = 0.6;
  Routing routing = route(Tensor({1, 3}, {0.5, 0.3, 0.2}), 3, options);
  expectNear(routing.weights, Tensor({1, 3}, {0.625, 0.375, 0}));
}

//===----------------------------------------------------------------------===//
// Grouping
//===----------------------------------------------------------------------===//

TEST(Group, example) {
  IndexTensor indices({3, 2}, {2, 0, 0, -1, 2, 0});
  Grouping all = group(indices, 3);
  expectSame(all.rowSlot, IndexTensor({6}, {1, 2, 5, 0, 4, -1}));
  expectSame(all.slotRow, IndexTensor({3, 2}, {3, 0, 1, -1, 4, 2}));
  expectSame(all.offsets, IndexTensor({4}, {0, 3, 3, 5}));

  Grouping capped = group(indices, 3, 2);
  expectSame(capped.rowSlot, IndexTensor({6}, {1, 2, 0, 4, -1, -1}));
  expectSame(capped.slotRow, IndexTensor({3, 2}, {2, 0, 1, -1, 3, -1}));
  expectSame(capped.offsets, IndexTensor({4}, {0, 2, 2, 4}));
}

TEST(Group, countsForeignIndices) {
  IndexTensor indices({1, 6}, {-1, 0, 1, 2, 3, -2});
  EXPECT_EQ(group(indices, 2).foreign, 3);
  Grouping withNull = group(indices, 2, std::nullopt, 3);
  EXPECT_EQ(withNull.foreign, 2);
  expectSame(withNull.slotRow, IndexTensor({1, 6}, {-1, 0, 1, -1, -1, -1}));
}

TEST(Group, isAStableSortAndItsInverse) {
  Random random(5);
  for (int64_t round = 0; round < 50; ++round) {
    int64_t numTokens = random.below(12), k = 1 + random.below(4),
            numExperts = 1 + random.below(6);
    IndexTensor indices({numTokens, k});
    for (int32_t &e : indices.data)
      e = static_cast<int32_t>(random.below(numExperts + 3)) - 1;
    std::optional<int64_t> capacity;
    if (round % 2)
      capacity = random.below(5);
    Grouping grouping = group(indices, numExperts, capacity, numExperts + 2);
    EXPECT_EQ(grouping.foreign, 0);
    EXPECT_EQ(grouping.offsets(0), 0);

    for (int64_t e = 0; e < numExperts; ++e) {
      std::vector<int32_t> slots;
      for (int64_t slot = 0; slot < indices.size(); ++slot)
        if (indices(slot) == e)
          slots.push_back(static_cast<int32_t>(slot));
      if (capacity && static_cast<int64_t>(slots.size()) > *capacity)
        slots.resize(*capacity);
      auto rows = grouping.rowSlot.data.begin();
      EXPECT_EQ(slots, std::vector<int32_t>(rows + grouping.offsets(e),
                                            rows + grouping.offsets(e + 1)));
    }
    for (int64_t row = 0; row < indices.size(); ++row) {
      bool isUsed = row < grouping.offsets(numExperts);
      EXPECT_EQ(grouping.rowSlot(row) >= 0, isUsed);
      if (isUsed)
        EXPECT_EQ(grouping.slotRow(grouping.rowSlot(row)), row);
    }
    int64_t numRows = std::count_if(grouping.slotRow.data.begin(),
                                    grouping.slotRow.data.end(),
                                    [](int32_t row) { return row >= 0; });
    EXPECT_EQ(numRows, grouping.offsets(numExperts));
  }
}

//===----------------------------------------------------------------------===//
// There and back
//===----------------------------------------------------------------------===//

static const IndexTensor someIndices({3, 2}, {2, 0, 0, -1, 2, 0});

TEST(Dispatch, gathersTheTokensOfTheRows) {
  Tensor x({3, 1}, {10, 11, 12});
  expectSame(dispatch(x, group(someIndices, 3).rowSlot, 2),
             Tensor({6, 1}, {10, 11, 12, 10, 12, NaN}));
}

TEST(Dispatch, takesAPrefixOfTheRows) {
  Tensor x({3, 1}, {10, 11, 12});
  expectSame(dispatch(x, IndexTensor({2}, {5, 6}), 2),
             Tensor({2, 1}, {12, NaN}));
}

TEST(Combine, sumsTheSlotsThatHaveARow) {
  Tensor rows({6, 1}, {1, 10, 100, 1000, 10000, NaN});
  IndexTensor slotRow = group(someIndices, 3).slotRow;
  expectSame(combine(rows, slotRow), Tensor({3, 1}, {1001, 10, 10100}));
  Tensor weights({3, 2}, {1, 2, 3, NaN, 5, 6});
  expectSame(combine(rows, slotRow, &weights),
             Tensor({3, 1}, {1002, 30, 50600}));
}

TEST(Combine, isTheAdjointOfDispatch) {
  Random random(6);
  Tensor x = random.tensor({3, 4}), rows = random.tensor({5, 4});
  Grouping grouping = group(someIndices, 3);
  grouping.rowSlot = IndexTensor(
      {5}, {grouping.rowSlot.data.begin(), grouping.rowSlot.data.begin() + 5});
  Tensor there = multiply(dispatch(x, grouping.rowSlot, 2), rows);
  Tensor back = multiply(x, combine(rows, grouping.slotRow));
  EXPECT_NEAR(std::accumulate(there.data.begin(), there.data.end(), 0.0),
              std::accumulate(back.data.begin(), back.data.end(), 0.0), 1e-13);
}

TEST(Collect, keepsTheSlotsApart) {
  Tensor rows({6, 1}, {1, 10, 100, 1000, 10000, NaN});
  expectSame(collect(rows, group(someIndices, 3).slotRow),
             Tensor({3, 2, 1}, {1000, 1, 10, 0, 10000, 100}));
}

TEST(Collect, weightedSumIsCombine) {
  Random random(7);
  IndexTensor slotRow = group(someIndices, 3, 2).slotRow;
  Tensor rows = random.tensor({6, 5}), weights = random.tensor({3, 2});
  Tensor slots = collect(rows, slotRow), sum({3, 5});
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t k = 0; k < 2; ++k)
      for (int64_t j = 0; j < 5; ++j)
        sum(t, j) += weights(t, k) * slots(t, k, j);
  expectSame(combine(rows, slotRow, &weights), sum);
}

TEST(OneHot, setsTheIndicesInRange) {
  expectSame(oneHot(IndexTensor({2, 2}, {2, 0, -1, 1}), 3),
             Tensor({2, 3}, {1, 0, 1, 0, 1, 0}));
  expectSame(oneHot(IndexTensor({3}, {1, 3, -7}), 3),
             Tensor({3, 3}, {0, 1, 0, 0, 0, 0, 0, 0, 0}));
}
