//===- QuantTest.cpp - dequantised numbers --------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "moe/Reference/Quant.h"

using namespace moe::reference;

TEST(Dequantize, scalesGroupsAlongTheLastAxis) {
  Tensor q({2, 4}, {1, 2, 3, 4, -5, -6, 7, 8});
  Tensor scales({2, 2}, {1, 10, 100, 1000});
  expectSame(dequantize(q, scales, 1),
             Tensor({2, 4}, {1, 2, 30, 40, -500, -600, 7000, 8000}));
}

TEST(Dequantize, scalesGroupsAlongAnInnerAxis) {
  Tensor q({1, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  Tensor scales({1, 2, 2}, {1, 10, 100, 1000});
  expectSame(dequantize(q, scales, 1),
             Tensor({1, 4, 2}, {1, 20, 3, 40, 500, 6000, 700, 8000}));
}

TEST(Dequantize, scalesGroupsAlongTheFirstAxis) {
  Tensor q({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), scales({1, 2}, {1, 10});
  expectSame(dequantize(q, scales, 0),
             Tensor({4, 2}, {1, 20, 3, 40, 5, 60, 7, 80}));
}

TEST(Dequantize, subtractsZerosBeforeTheScale) {
  Tensor q({1, 4}, {0, 15, 0, 15}), scales({1, 2}, {2, 3}),
      zeros({1, 2}, {8, 1});
  expectSame(dequantize(q, scales, 1, &zeros),
             Tensor({1, 4}, {-16, 14, -3, 42}));
}

TEST(Dequantize, readsTheCodebookByTheLowFourBits) {
  Tensor codebook({16});
  for (int64_t code = 0; code < 16; ++code)
    codebook(code) = 100 + code;
  Tensor q({1, 4}, {0, 15, -1, -8}), scales({1, 1}, 2);
  expectSame(dequantize(q, scales, 1, nullptr, &codebook),
             Tensor({1, 4}, {200, 230, 230, 216}));
}

TEST(E2M1, isTheFormat) {
  // One sign bit, two exponent bits (bias 1), one mantissa bit.
  Tensor codebook = e2m1Codebook();
  for (int64_t code = 0; code < 16; ++code) {
    int64_t exponent = code >> 1 & 3, mantissa = code & 1;
    double value = exponent ? std::ldexp(1 + 0.5 * mantissa, exponent - 1)
                            : 0.5 * mantissa;
    EXPECT_EQ(codebook(code), code & 8 ? -value : value);
  }
}

TEST(E8M0, isAPowerOfTwo) {
  EXPECT_EQ(e8m0(127), 1);
  EXPECT_EQ(e8m0(130), 8);
  EXPECT_EQ(e8m0(0), 0x1p-127);
  EXPECT_EQ(e8m0(254), 0x1p127);
  EXPECT_TRUE(std::isnan(e8m0(255)));
}

TEST(Dequantize, mxfp4) {
  Tensor codebook = e2m1Codebook();
  Tensor q({1, 4}, {1, 15, 7, 8}), scales({1, 2}, {e8m0(128), e8m0(126)});
  expectSame(dequantize(q, scales, 1, nullptr, &codebook),
             Tensor({1, 4}, {1, -12, 3, 0}));
}
