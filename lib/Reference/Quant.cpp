//===- Quant.cpp - from quantised weights to numbers ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Quant.h"

#include <cmath>
#include <limits>

using namespace moe::reference;

Tensor moe::reference::dequantize(const Tensor &q, const Tensor &scales,
                                  int64_t axis, const Tensor *zeros,
                                  const Tensor *codebook) {
  int64_t groupSize = q.dim(axis) / scales.dim(axis);
  int64_t inner =
      elementCount(Shape(q.shape.begin() + axis + 1, q.shape.end()));
  Tensor result(q.shape);
  for (int64_t i = 0; i < q.size(); ++i) {
    // A group is groupSize * inner neighbours; inside it, inner scales repeat.
    int64_t group = i / (groupSize * inner) * inner + i % inner;
    double value =
        codebook ? (*codebook)(static_cast<int64_t>(q(i)) & 15) : q(i);
    result(i) = (value - (zeros ? (*zeros)(group) : 0)) * scales(group);
  }
  return result;
}

Tensor moe::reference::e2m1Codebook() {
  return Tensor(
      {16}, {0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6});
}

double moe::reference::e8m0(uint8_t byte) {
  return byte == 255 ? std::numeric_limits<double>::quiet_NaN()
                     : std::ldexp(1.0, byte - 127);
}
