//===- ExpertsTest.cpp - grouped products and feed-forward networks -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Experts.h"
#include "moe/Reference/Routing.h"

using namespace moe::reference;

static double dot(const Tensor &a, const Tensor &b) {
  return std::inner_product(a.data.begin(), a.data.end(), b.data.begin(), 0.0);
}

//===----------------------------------------------------------------------===//
// Grouped products
//===----------------------------------------------------------------------===//

TEST(GroupedMatmul, eachRowMeetsItsExpert) {
  Random random(1);
  Tensor rows = random.tensor({7, 3}), weights = random.tensor({4, 3, 5});
  IndexTensor offsets({5}, {0, 2, 2, 5, 6});
  Tensor result = groupedMatmul(rows, weights, offsets);
  const int64_t expertOf[] = {0, 0, 2, 2, 2, 3};
  for (int64_t i = 0; i < 6; ++i) {
    Tensor row({1, 3}, {rows.row(i), rows.row(i) + 3});
    expectNear(Tensor({1, 5}, {result.row(i), result.row(i) + 5}),
               matmul(row, weights.slice(expertOf[i])));
  }
  for (int64_t j = 0; j < 5; ++j)
    EXPECT_TRUE(std::isnan(result(6, j)));
}

TEST(GroupedMatmulWgrad, isTheAdjoint) {
  Random random(2);
  Tensor rows = random.tensor({6, 3}), weights = random.tensor({4, 3, 5}),
         drows = random.tensor({6, 5});
  IndexTensor offsets({5}, {0, 2, 2, 5, 6});
  Tensor gradient = groupedMatmulWgrad(rows, drows, offsets);
  EXPECT_NEAR(dot(groupedMatmul(rows, weights, offsets), drows),
              dot(weights, gradient), 1e-13);
  expectSame(gradient.slice(1), Tensor({3, 5}));
}

TEST(GroupedMatmulWgrad, ignoresRowsWithoutAnExpert) {
  Tensor rows({2, 1}, {2, NaN}), drows({2, 1}, {3, NaN});
  expectSame(groupedMatmulWgrad(rows, drows, IndexTensor({2}, {0, 1})),
             Tensor({1, 1, 1}, 6));
}

//===----------------------------------------------------------------------===//
// Feed-forward networks
//===----------------------------------------------------------------------===//

TEST(Activation, values) {
  auto expectValue = [](Activation activation, double x, double value) {
    EXPECT_NEAR(activate(activation, x), value, 1e-15);
  };
  expectValue(Activation::None, -1.5, -1.5);
  expectValue(Activation::SiLU, 1, 0.7310585786300049);
  expectValue(Activation::Sigmoid, -1, 0.2689414213699951);
  expectValue(Activation::GELU, 1, 0.8413447460685429);
  expectValue(Activation::GELUTanh, 1, 0.8411919906082768);
  expectValue(Activation::ReLU, 3, 3);
  expectValue(Activation::ReLU, -3, 0);
  expectValue(Activation::ReLU2, 3, 9);
  expectValue(Activation::ReLU2, -3, 0);
  EXPECT_NEAR(activate(Activation::SiLU, 2, 1.702), 2 * sigmoid(3.404), 1e-15);
  EXPECT_EQ(activate(Activation::SiLU, -1000), 0);
  EXPECT_TRUE(std::isnan(activate(Activation::ReLU, NaN)));
}

namespace {
/// One number in, one hidden, one out: gate and up from the input's two
/// elements, so that a test chooses both.
struct TinyFFN {
  Tensor gate{{2, 1}, {1, 0}}, up{{2, 1}, {0, 1}}, down{{1, 1}, 1};
  FeedForward ffn;

  explicit TinyFFN(Activation activation) {
    ffn.gate = &gate;
    ffn.up = &up;
    ffn.down = &down;
    ffn.activation = activation;
  }
  double operator()(double g, double u) const {
    return denseFFN(Tensor({1, 2}, {g, u}), ffn)(0);
  }
};
} // namespace

TEST(DenseFFN, limitsTheGateFromAboveAndUpOnBothSides) {
  TinyFFN ffn(Activation::None);
  ffn.ffn.limit = 7;
  EXPECT_EQ(ffn(9, 1), 7);
  EXPECT_EQ(ffn(-9, 1), -9);
  EXPECT_EQ(ffn(1, 9), 7);
  EXPECT_EQ(ffn(1, -9), -7);
  EXPECT_TRUE(std::isnan(ffn(NaN, 1)));
  EXPECT_TRUE(std::isnan(ffn(1, NaN)));
}

TEST(DenseFFN, limitsBeforeTheActivation) {
  TinyFFN ffn(Activation::ReLU2);
  ffn.ffn.limit = 7;
  EXPECT_EQ(ffn(9, 1), 49);
}

TEST(DenseFFN, offsetsUpAfterTheLimit) {
  TinyFFN ffn(Activation::None);
  ffn.ffn.limit = 7;
  ffn.ffn.upOffset = 1;
  EXPECT_EQ(ffn(2, 9), 16);
}

TEST(DenseFFN, addsBiasesBeforeTheLimitAndAtTheEnd) {
  TinyFFN ffn(Activation::None);
  Tensor gateBias({1}, 5), upBias({1}, -3), downBias({1}, 100);
  ffn.ffn.gateBias = &gateBias;
  ffn.ffn.upBias = &upBias;
  ffn.ffn.downBias = &downBias;
  ffn.ffn.limit = 6;
  EXPECT_EQ(ffn(2, 4), 6 * 1 + 100);
}

TEST(DenseFFN, withoutAGateActivatesUp) {
  Tensor up({1, 2}, {1, -1}), down({2, 1}, {1, 10});
  FeedForward ffn;
  ffn.up = &up;
  ffn.down = &down;
  ffn.activation = Activation::ReLU;
  ffn.limit = 3;
  expectSame(denseFFN(Tensor({2, 1}, {2, -5}), ffn), Tensor({2, 1}, {2, 30}));
}

namespace {
/// A grouped network with all operands, of random weights.
struct RandomExperts {
  Tensor gate, up, down, gateBias, upBias, downBias;
  FeedForward ffn;

  RandomExperts(Random &random, int64_t numExperts, int64_t d, int64_t width)
      : gate(random.tensor({numExperts, d, width})),
        up(random.tensor({numExperts, d, width})),
        down(random.tensor({numExperts, width, d})),
        gateBias(random.tensor({numExperts, width})),
        upBias(random.tensor({numExperts, width})),
        downBias(random.tensor({numExperts, d})) {
    ffn.gate = &gate;
    ffn.up = &up;
    ffn.down = &down;
    ffn.gateBias = &gateBias;
    ffn.upBias = &upBias;
    ffn.downBias = &downBias;
  }
  RandomExperts(const RandomExperts &) = delete;
};
} // namespace

TEST(ExpertFFN, isTheDenseNetworkOfTheRowsExpert) {
  Random random(3);
  RandomExperts experts(random, 3, 4, 5);
  Tensor rows = random.tensor({6, 4});
  Tensor result = expertFFN(rows, IndexTensor({4}, {0, 2, 2, 5}), experts.ffn);
  const int64_t expertOf[] = {0, 0, 2, 2, 2};
  for (int64_t i = 0; i < 5; ++i) {
    int64_t e = expertOf[i];
    Tensor gate = experts.gate.slice(e), up = experts.up.slice(e),
           down = experts.down.slice(e), gateBias = experts.gateBias.slice(e),
           upBias = experts.upBias.slice(e),
           downBias = experts.downBias.slice(e);
    FeedForward dense = experts.ffn;
    dense.gate = &gate;
    dense.up = &up;
    dense.down = &down;
    dense.gateBias = &gateBias;
    dense.upBias = &upBias;
    dense.downBias = &downBias;
    Tensor row({1, 4}, {rows.row(i), rows.row(i) + 4});
    expectSame(Tensor({1, 4}, {result.row(i), result.row(i) + 4}),
               denseFFN(row, dense));
  }
  for (int64_t j = 0; j < 4; ++j)
    EXPECT_TRUE(std::isnan(result(5, j)));
}

/// A whole layer: softmax router, K of the experts, weighted sum.
static Tensor layer(const Tensor &x, const Tensor &wRouter, int64_t k,
                    const FeedForward &ffn) {
  Routing routing =
      route(matmul(x, wRouter), k, {Score::Softmax, Weights::Normalized});
  Grouping grouping = group(routing.indices, wRouter.cols());
  Tensor rows =
      expertFFN(dispatch(x, grouping.rowSlot, k), grouping.offsets, ffn);
  return combine(rows, grouping.slotRow, &routing.weights);
}

TEST(Layer, permutingTheTokensPermutesTheResult) {
  Random random(4);
  RandomExperts experts(random, 5, 6, 7);
  Tensor x = random.tensor({20, 6}), wRouter = random.tensor({6, 5});
  std::vector<int64_t> order = random.permutation(20);
  expectSame(layer(permuted(x, order), wRouter, 2, experts.ffn),
             permuted(layer(x, wRouter, 2, experts.ffn), order));
}

TEST(Layer, permutingTheExpertsChangesNothing) {
  Random random(5);
  RandomExperts experts(random, 5, 6, 7);
  Tensor x = random.tensor({20, 6}), wRouter = random.tensor({6, 5});
  Tensor y = layer(x, wRouter, 3, experts.ffn);
  std::vector<int64_t> order = random.permutation(5);
  for (Tensor *weight : {&experts.gate, &experts.up, &experts.down,
                         &experts.gateBias, &experts.upBias, &experts.downBias})
    *weight = permuted(*weight, order);
  wRouter = transpose(permuted(transpose(wRouter), order));
  expectNear(layer(x, wRouter, 3, experts.ffn), y);
}

TEST(Layer, noTokens) {
  Random random(6);
  RandomExperts experts(random, 5, 6, 7);
  Tensor y = layer(Tensor({0, 6}), random.tensor({6, 5}), 2, experts.ffn);
  EXPECT_EQ(y.shape, (Shape{0, 6}));
}

TEST(Layer, oneExpertIsTheDenseNetwork) {
  Random random(7);
  RandomExperts experts(random, 1, 6, 7);
  Tensor x = random.tensor({9, 6});
  Tensor gate = experts.gate.slice(0), up = experts.up.slice(0),
         down = experts.down.slice(0);
  FeedForward grouped, dense;
  grouped.gate = &experts.gate;
  grouped.up = &experts.up;
  grouped.down = &experts.down;
  dense.gate = &gate;
  dense.up = &up;
  dense.down = &down;
  expectSame(layer(x, random.tensor({6, 1}), 1, grouped), denseFFN(x, dense));
}

//===----------------------------------------------------------------------===//
// A dense network carved into experts
//===----------------------------------------------------------------------===//

namespace {
/// The neurons of a dense network handed to experts by `member`.
struct Carved {
  Tensor gate, up, down;
  FeedForward ffn;

  Carved(const FeedForward &dense, const IndexTensor &member,
         int64_t numExperts) {
    int64_t d = dense.down->cols(), share = member.size() / numExperts;
    IndexTensor perm =
        group(member.reshaped({member.size(), 1}), numExperts).rowSlot;
    auto columns = [&](const Tensor &w) {
      Tensor rows = dispatch(transpose(w), perm, 1);
      Tensor result({numExperts, d, share});
      for (int64_t e = 0; e < numExperts; ++e)
        for (int64_t i = 0; i < d; ++i)
          for (int64_t s = 0; s < share; ++s)
            result(e, i, s) = rows(e * share + s, i);
      return result;
    };
    gate = columns(*dense.gate);
    up = columns(*dense.up);
    down = dispatch(*dense.down, perm, 1).reshaped({numExperts, share, d});
    ffn.gate = &gate;
    ffn.up = &up;
    ffn.down = &down;
  }
  Carved(const Carved &) = delete;
};
} // namespace

/// The carved experts of `indices`, each with weight 1.
static Tensor runCarved(const Tensor &x, const IndexTensor &indices,
                        const Carved &carved) {
  Grouping grouping = group(indices, carved.gate.dim(0));
  Tensor rows = dispatch(x, grouping.rowSlot, indices.cols());
  return combine(expertFFN(rows, grouping.offsets, carved.ffn),
                 grouping.slotRow);
}

class CarvedTest : public testing::Test {
protected:
  static constexpr int64_t d = 5, n = 12, numExperts = 4;
  Random random{8};
  Tensor x = random.tensor({10, d}), gate = random.tensor({d, n}),
         up = random.tensor({d, n}), down = random.tensor({n, d});
  IndexTensor member{{n}};
  FeedForward dense;

  CarvedTest() {
    std::vector<int64_t> order = random.permutation(n);
    for (int64_t i = 0; i < n; ++i)
      member(i) = static_cast<int32_t>(order[i] % numExperts);
    dense.gate = &gate;
    dense.up = &up;
    dense.down = &down;
  }
};

TEST_F(CarvedTest, allExpertsAreTheDenseNetwork) {
  Carved carved(dense, member, numExperts);
  IndexTensor all = topK(random.tensor({10, numExperts}), numExperts).indices;
  expectNear(runCarved(x, all, carved), denseFFN(x, dense));
}

TEST_F(CarvedTest, someExpertsAreTheMaskedNetwork) {
  Carved carved(dense, member, numExperts);
  IndexTensor some = topK(random.tensor({10, numExperts}), 2).indices;
  Tensor hidden =
      multiply(map(matmul(x, gate),
                   [](double v) { return activate(Activation::SiLU, v); }),
               matmul(x, up));
  Tensor mask =
      matmul(oneHot(some, numExperts), transpose(oneHot(member, numExperts)));
  expectNear(runCarved(x, some, carved), matmul(multiply(hidden, mask), down));
}
