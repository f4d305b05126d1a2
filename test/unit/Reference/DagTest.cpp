//===- DagTest.cpp - identities of the aggregation ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Dag.h"
#include "moe/Reference/Routing.h"

using namespace moe::reference;

namespace {
/// A random module of depth L on random nodes, all options in use.
class DagTest : public testing::TestWithParam<std::tuple<Norm, Activation>> {
protected:
  static constexpr int64_t numTokens = 7, k = 4, d = 6, width = 3, depth = 2;
  Random random{1};
  Tensor slots = random.tensor({numTokens, k, d}),
         weights = random.tensor({numTokens, k}),
         residual = random.tensor({numTokens, d}),
         edges = random.tensor({k, k}), gamma = random.tensor({depth, d}),
         down = random.tensor({depth, d, width}),
         message = random.tensor({depth, width, 4 * width}),
         up = random.tensor({depth, width, d});
  DagOptions options;

  DagTest() {
    options.weights = &weights;
    options.residual = &residual;
    options.epsilon = 1e-6;
    std::tie(options.norm, options.gate) = GetParam();
  }

  Tensor run() const {
    return dagAggregate(slots, gamma, down, message, up, options);
  }

  /// sum_i weights_i slots_i + residual: what depth 0 gives.
  Tensor weightedSum() const {
    Tensor y = residual;
    for (int64_t t = 0; t < numTokens; ++t)
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < d; ++j)
          y(t, j) += weights(t, i) * slots(t, i, j);
    return y;
  }
};
} // namespace

INSTANTIATE_TEST_SUITE_P(
    Reference, DagTest,
    testing::Combine(testing::Values(Norm::RMS, Norm::Layer),
                     testing::Values(Activation::SiLU, Activation::Sigmoid,
                                     Activation::GELUTanh)));

TEST_P(DagTest, depthZeroIsTheWeightedSum) {
  gamma = Tensor({0, d});
  down = Tensor({0, d, width});
  message = Tensor({0, width, 4 * width});
  up = Tensor({0, width, d});
  expectNear(run(), weightedSum());
}

TEST_P(DagTest, zeroUpProjectionIsTheWeightedSum) {
  Tensor trained = run();
  up = Tensor(up.shape);
  expectNear(run(), weightedSum());
  EXPECT_GT(rowError(trained, run()), 1e-3);
}

TEST_P(DagTest, residualScale) {
  gamma = Tensor({0, d});
  options.residualScale = 0.5; // times K nodes
  Tensor extra = multiply(residual, Tensor({1}, 0.5 * k - 1));
  expectNear(run(), add(weightedSum(), extra));
}

TEST_P(DagTest, theOrderOfTheSlotsDoesNotMatter) {
  options.edges = &edges;
  IndexTensor mask({numTokens, k}, 0);
  for (int32_t &row : mask.data)
    row = static_cast<int32_t>(random.below(4)) - 1;
  options.mask = &mask;
  Tensor y = run();

  std::vector<int64_t> order = random.permutation(k);
  for (int64_t t = 0; t < numTokens; ++t) {
    Tensor nodes = permuted(slots.slice(t), order),
           nodeWeights = permuted(weights.slice(t), order);
    IndexTensor rows = permuted(mask.slice(t), order);
    std::copy(nodes.data.begin(), nodes.data.end(), &slots(t, 0, 0));
    std::copy(nodeWeights.data.begin(), nodeWeights.data.end(), weights.row(t));
    std::copy(rows.data.begin(), rows.data.end(), mask.row(t));
  }
  edges = transpose(permuted(transpose(permuted(edges, order)), order));
  expectNear(run(), y);
}

TEST_P(DagTest, aMaskedNodeIsAsIfAbsent) {
  options.edges = &edges;
  IndexTensor mask({numTokens, k}, 0);
  for (int64_t t = 0; t < numTokens; ++t) {
    mask(t, 1) = -1;
    for (int64_t j = 0; j < d; ++j)
      slots(t, 1, j) = NaN; // must not be read
  }
  options.mask = &mask;
  Tensor masked = run();

  const std::vector<int64_t> others = {0, 2, 3};
  Tensor fewerSlots({numTokens, 3, d}), fewerWeights({numTokens, 3}),
      fewerEdges({3, 3});
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t t = 0; t < numTokens; ++t) {
      fewerWeights(t, i) = weights(t, others[i]);
      for (int64_t j = 0; j < d; ++j)
        fewerSlots(t, i, j) = slots(t, others[i], j);
    }
    for (int64_t j = 0; j < 3; ++j)
      fewerEdges(i, j) = edges(others[i], others[j]);
  }
  options.mask = nullptr;
  options.weights = &fewerWeights;
  options.edges = &fewerEdges;
  options.residualScale = 1.0 / k; // the masked node's share is lost
  expectSame(dagAggregate(fewerSlots, gamma, down, message, up, options),
             masked);
}

TEST_P(DagTest, aTokenWithoutNodesGivesZero) {
  IndexTensor mask({numTokens, k}, 0);
  for (int64_t i = 0; i < k; ++i)
    mask(2, i) = -1;
  options.mask = &mask;
  Tensor y = run();
  for (int64_t j = 0; j < d; ++j) {
    EXPECT_EQ(y(2, j), 0);
    EXPECT_NE(y(1, j), 0);
  }
}

TEST_P(DagTest, edgesOfOneAreNoEdgesAndOfZeroNoMessages) {
  Tensor plain = run();
  edges = Tensor({k, k}, 1);
  options.edges = &edges;
  expectSame(run(), plain);
  edges = Tensor({k, k});
  expectNear(run(), weightedSum());
}

TEST_P(DagTest, absentWeightsAreOnes) {
  options.weights = nullptr;
  Tensor plain = run();
  weights = Tensor(weights.shape, 1);
  options.weights = &weights;
  expectSame(run(), plain);
}

TEST(Dag, byHand) {
  // d = g = 1, RMS norm with epsilon 0: the norm of x is its sign.
  Tensor slots({1, 2, 1}, {3, -2}), gamma({1, 1}, 2), down({1, 1, 1}, 0.5);
  Tensor message({1, 1, 4}, {10, 1, 100, 1000}), up({1, 1, 1}, 1);
  Tensor edges({2, 2}, {0, 1, 0, 0}); // node 0 hears node 1, nothing else
  DagOptions options;
  options.gate = Activation::ReLU;
  options.edges = &edges;
  // u = (1, -1); a_0 = 10, b_1 = -1, p_0 = 100, q_1 = -1000;
  // m_0 = relu(10 - 1) (100 - 1000) = -8100.
  expectSame(dagAggregate(slots, gamma, down, message, up, options),
             Tensor({1, 1}, 3 - 8100 - 2));
}

TEST(Dag, noTokens) {
  DagOptions options;
  Tensor y = dagAggregate(Tensor({0, 2, 3}), Tensor({1, 3}), Tensor({1, 3, 1}),
                          Tensor({1, 1, 4}), Tensor({1, 1, 3}), options);
  EXPECT_EQ(y.shape, (Shape{0, 3}));
}
