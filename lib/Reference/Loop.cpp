//===- Loop.cpp - what tells the iterations of a loop apart ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Loop.h"

#include <cmath>

using namespace moe::reference;

/// The parts one after the other.
template <typename Element>
static Array<Element> stackParts(const std::vector<Array<Element>> &parts,
                                 const Shape &shape) {
  Shape stacked = {static_cast<int64_t>(parts.size())};
  stacked.insert(stacked.end(), shape.begin(), shape.end());
  Array<Element> result(stacked, std::vector<Element>());
  for (const Array<Element> &part : parts)
    result.data.insert(result.data.end(), part.data.begin(), part.data.end());
  return result;
}

Tensor moe::reference::stack(const std::vector<Tensor> &parts,
                             const Shape &shape) {
  return stackParts(parts, shape);
}

IndexTensor moe::reference::stack(const std::vector<IndexTensor> &parts,
                                  const Shape &shape) {
  return stackParts(parts, shape);
}

Tensor moe::reference::iterEncode(int64_t k, int64_t c, double maxPeriod) {
  int64_t half = c / 2;
  Tensor code({c});
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(maxPeriod, -static_cast<double>(i) / half);
    code(i) = std::cos(k * frequency);
    code(half + i) = std::sin(k * frequency);
  }
  return code;
}

Modulated moe::reference::iterAdaLN(const Tensor &h, const Tensor &v,
                                    const Tensor &wH, const Tensor &wMod,
                                    const Tensor &bMod, Activation activation,
                                    Norm norm, double epsilon) {
  int64_t d = h.cols(), m = wMod.cols() / d;
  Tensor c = map(add(matmul(h, wH), v),
                 [=](double x) { return activate(activation, x); });
  Tensor modulation = add(matmul(c, wMod), bMod);

  Modulated result;
  result.n = normalizeRows(h, norm, epsilon);
  if (m == 3)
    result.alpha = Tensor(h.shape);
  for (int64_t t = 0; t < h.dim(0); ++t)
    for (int64_t j = 0; j < d; ++j) {
      double gamma = modulation(t, j), beta = modulation(t, d + j);
      result.n(t, j) = (1 + gamma) * result.n(t, j) + beta;
      if (m == 3)
        result.alpha(t, j) = modulation(t, 2 * d + j);
    }
  return result;
}
