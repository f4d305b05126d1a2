//===- Random.cpp - arguments that nobody gives ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"

#include "moe/Execution/Compare.h"

#include <cmath>

using namespace llvm;

namespace moe::run {

namespace {

/// SplitMix64: small, and its streams of neighbouring seeds are independent.
class Generator {
public:
  explicit Generator(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// In (0, 1].
  double uniform() { return ((next() >> 11) + 1) * 0x1p-53; }

  /// Mean 0, variance 1 (Box and Muller).
  double normal() {
    if (spare) {
      double value = *spare;
      spare.reset();
      return value;
    }
    constexpr double twoPi = 6.283185307179586;
    double radius = std::sqrt(-2 * std::log(uniform()));
    double angle = twoPi * uniform();
    spare = radius * std::sin(angle);
    return radius * std::cos(angle);
  }

private:
  uint64_t state;
  std::optional<double> spare;
};

/// How many numbers are summed into one that the weight helps to compute.
int64_t fanIn(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return 1;
  return std::max<int64_t>(1, shape.size() == 1 ? shape[0]
                                                : shape[shape.size() - 2]);
}

} // namespace

Expected<TensorView> randomTensor(MoertDType dtype, ArrayRef<int64_t> shape,
                                  bool isWeight, int64_t integers,
                                  uint64_t seed) {
  Expected<TensorView> tensor = allocateTensor(dtype, shape);
  if (!tensor)
    return tensor;
  Generator generator(seed);
  char *data = const_cast<char *>(tensor->data);
  double scale = isWeight ? 1 / std::sqrt(double(fanIn(shape))) : 1;
  for (int64_t i = 0, n = tensor->elements(); i < n; ++i) {
    if (dtype == MOERT_I1)
      writeElement(dtype, data, i, generator.next() >> 63);
    else if (!isFloat(dtype))
      writeElement(dtype, data, i,
                   static_cast<double>(generator.next() % integers));
    else if (dtype == MOERT_F8E8M0)
      writeElement(dtype, data, i, std::abs(generator.normal()));
    else
      writeElement(dtype, data, i, scale * generator.normal());
  }
  return tensor;
}

} // namespace moe::run
