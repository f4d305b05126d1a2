//===- LoopTest.cpp - iteration codes and modulated norms -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Loop.h"

using namespace moe::reference;

TEST(IterEncode, iterationZero) {
  expectSame(iterEncode(0, 6), Tensor({6}, {1, 1, 1, 0, 0, 0}));
}

TEST(IterEncode, values) {
  expectNear(iterEncode(3, 4, 100),
             Tensor({4}, {std::cos(3.0), std::cos(0.3), std::sin(3.0),
                          std::sin(0.3)}));
}

TEST(IterEncode, theDefaultPeriodIsTenThousand) {
  expectSame(iterEncode(5, 8), iterEncode(5, 8, 10000));
}

TEST(NormalizeRows, rms) {
  expectNear(normalizeRows(Tensor({1, 2}, {3, 4}), Norm::RMS, 0.5),
             Tensor({1, 2}, {3 / std::sqrt(13), 4 / std::sqrt(13)}));
}

TEST(NormalizeRows, layer) {
  expectNear(normalizeRows(Tensor({1, 2}, {5, 9}), Norm::Layer, 5),
             Tensor({1, 2}, {-2.0 / 3, 2.0 / 3}));
}

class IterAdaLNTest : public testing::TestWithParam<Norm> {
protected:
  static constexpr int64_t d = 6, c = 4;
  Random random{1};
  Tensor h = random.tensor({5, d}), v = random.tensor({c}),
         wH = random.tensor({d, c});

  Modulated run(const Tensor &wMod, const Tensor &bMod) const {
    return iterAdaLN(h, v, wH, wMod, bMod, Activation::SiLU, GetParam(), 1e-6);
  }
};

INSTANTIATE_TEST_SUITE_P(Reference, IterAdaLNTest,
                         testing::Values(Norm::RMS, Norm::Layer));

TEST_P(IterAdaLNTest, zeroModulationIsTheNorm) {
  Tensor normed = normalizeRows(h, GetParam(), 1e-6);
  Modulated two = run(Tensor({c, 2 * d}), Tensor({2 * d}));
  expectSame(two.n, normed);
  EXPECT_EQ(two.alpha.size(), 0);
  Modulated three = run(Tensor({c, 3 * d}), Tensor({3 * d}));
  expectSame(three.n, normed);
  expectSame(three.alpha, Tensor({5, d}));
}

TEST_P(IterAdaLNTest, theOrderIsScaleShiftGate) {
  Tensor bias({3 * d});
  for (int64_t j = 0; j < d; ++j) {
    bias(j) = 1;
    bias(d + j) = 10;
    bias(2 * d + j) = 7;
  }
  Modulated modulated = run(Tensor({c, 3 * d}), bias);
  Tensor expected = map(normalizeRows(h, GetParam(), 1e-6),
                        [](double x) { return 2 * x + 10; });
  expectNear(modulated.n, expected);
  expectSame(modulated.alpha, Tensor({5, d}, 7));
}

TEST_P(IterAdaLNTest, theGateDoesNotTouchTheRest) {
  Tensor wMod = random.tensor({c, 3 * d}), bMod = random.tensor({3 * d});
  Tensor wMod2({c, 2 * d}), bMod2({2 * d});
  for (int64_t j = 0; j < 2 * d; ++j) {
    bMod2(j) = bMod(j);
    for (int64_t i = 0; i < c; ++i)
      wMod2(i, j) = wMod(i, j);
  }
  expectSame(run(wMod2, bMod2).n, run(wMod, bMod).n);
}

TEST(IterAdaLN, byHand) {
  // One token, d = 1: norm(h) = 1. c = relu(v + h wH) = relu(-1 + 4 * 0.5) = 1.
  Modulated modulated =
      iterAdaLN(Tensor({1, 1}, 4), Tensor({1}, -1), Tensor({1, 1}, 0.5),
                Tensor({1, 3}, {2, 3, 5}), Tensor({3}, {10, 20, 30}),
                Activation::ReLU, Norm::RMS, 0);
  expectSame(modulated.n, Tensor({1, 1}, 1 + 12 + 23));
  expectSame(modulated.alpha, Tensor({1, 1}, 35));
}

TEST(Stack, addsADimension) {
  expectSame(stack({Tensor({2}, {1, 2}), Tensor({2}, {3, 4})}, {2}),
             Tensor({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(stack(std::vector<Tensor>(), {3, 2}).shape, (Shape{0, 3, 2}));
}
