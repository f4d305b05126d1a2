//===- Draw.cpp - what random programs and their inputs are made of -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Execution/Compare.h"

using namespace moe::reference;

namespace moe::test {

Tensor rounded(Tensor tensor, MoertDType dtype) {
  return asTensor64(asView(tensor, dtype));
}

Tensor Draw::numbers(Shape shape, MoertDType dtype, double sigma) {
  // A uniform number in [-s, s) has the variance s^2 / 3.
  return rounded(random.tensor(std::move(shape), sigma * std::sqrt(3)), dtype);
}

Tensor Draw::wildNumbers(Shape shape, MoertDType dtype) {
  Tensor tensor = numbers(std::move(shape), dtype);
  for (double &x : tensor.data)
    if (chance(0.1))
      x = pick({inf, -inf, NaN, 0.0, -0.0});
  return tensor;
}

Tensor Draw::logits(Shape shape, MoertDType dtype) {
  Tensor tensor = numbers(std::move(shape), dtype, 2);
  enum {
    Plain,
    Ties,
    Same,
    Ahead,
    Wild
  } kind = pick({Plain, Ties, Same, Ahead, Wild});
  if (kind == Plain)
    return tensor;
  // Off the multiples of 1/2: there sigmoid(x) + sigmoid(-x) = 1 would make
  // sums equal that are not when they are rounded.
  for (double &x : tensor.data)
    x = kind == Same ? 0.1875 : std::round(2 * x) / 2 + 0.1875;
  if (kind == Ahead && tensor.size()) {
    int64_t expert = between(0, tensor.cols() - 1);
    for (int64_t t = 0; t < tensor.rows(); ++t)
      tensor.row(t)[expert] = 8;
  }
  double share = pick({0.1, 0.5, 1.0});
  for (double &x : tensor.data)
    if (kind == Wild && chance(share))
      x = pick({-inf, -inf, NaN, inf});
  return rounded(tensor, dtype);
}

IndexTensor Draw::indices(Shape shape, int64_t low, int64_t high) {
  IndexTensor tensor(std::move(shape));
  for (int32_t &i : tensor.data)
    i = static_cast<int32_t>(between(low, high));
  return tensor;
}

IndexTensor Draw::offsets(int64_t experts, int64_t rows) {
  IndexTensor tensor({experts + 1}, 0);
  if (chance(0.2)) { // all for one
    int64_t expert = between(0, experts - 1);
    std::fill(tensor.data.begin() + expert + 1, tensor.data.end(), rows);
    return tensor;
  }
  for (int32_t &offset : tensor.data)
    offset = static_cast<int32_t>(between(0, rows));
  tensor.data.front() = 0;
  if (chance(0.5))
    tensor.data.back() = static_cast<int32_t>(rows);
  std::sort(tensor.data.begin(), tensor.data.end());
  return tensor;
}

MoertDType dtypeOf(uint64_t seed) {
  constexpr MoertDType all[] = {MOERT_F32, MOERT_BF16, MOERT_F16, MOERT_F64};
  return all[seed % 4];
}

MoertDType DTypes::next() {
  MoertDType dtype = isMixed ? dtypeOf(draw.between(0, 3)) : usual;
  hasF64 |= dtype == MOERT_F64;
  return dtype;
}

double DTypes::rtol(MoertDType result, MoertDType stored) const {
  return std::max({defaultRtol(result), defaultRtol(stored),
                   defaultRtol(hasF64 ? MOERT_F64 : MOERT_F32)});
}

} // namespace moe::test
