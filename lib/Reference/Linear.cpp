//===- Linear.cpp - what compositions of the ops need besides them --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace moe::reference;

static constexpr double negativeInfinity =
    -std::numeric_limits<double>::infinity();

double moe::reference::sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double moe::reference::activate(Activation activation, double x, double alpha) {
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::SiLU:
    return x * sigmoid(alpha * x);
  case Activation::Sigmoid:
    return sigmoid(x);
  case Activation::GELU:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case Activation::GELUTanh: {
    double scale = std::sqrt(2 / std::acos(-1.0));
    return 0.5 * x * (1 + std::tanh(scale * (x + 0.044715 * x * x * x)));
  }
  case Activation::ReLU:
    return std::max(x, 0.0);
  case Activation::ReLU2:
    return std::max(x, 0.0) * std::max(x, 0.0);
  }
  return x;
}

double moe::reference::logSumExp(const double *x, int64_t n, int64_t stride) {
  double largest = negativeInfinity;
  for (int64_t i = 0; i < n; ++i)
    largest = std::max(largest, x[i * stride]);
  // With no finite term the differences below would be inf - inf.
  double shift = std::isfinite(largest) ? largest : 0;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += std::exp(x[i * stride] - shift);
  return shift + std::log(sum);
}

Tensor moe::reference::matmul(const Tensor &a, const Tensor &b) {
  Tensor c({a.dim(0), b.dim(1)});
  for (int64_t i = 0; i < a.dim(0); ++i)
    for (int64_t k = 0; k < a.dim(1); ++k)
      for (int64_t j = 0; j < b.dim(1); ++j)
        c(i, j) += a(i, k) * b(k, j);
  return c;
}

Tensor moe::reference::transpose(const Tensor &a) {
  Tensor result({a.dim(1), a.dim(0)});
  for (int64_t i = 0; i < a.dim(0); ++i)
    for (int64_t j = 0; j < a.dim(1); ++j)
      result(j, i) = a(i, j);
  return result;
}

Tensor moe::reference::softmaxRows(const Tensor &x) {
  Tensor result(x.shape);
  for (int64_t i = 0; i < x.rows(); ++i) {
    const double *row = x.row(i);
    double largest = *std::max_element(row, row + x.cols());
    double sum = 0;
    for (int64_t j = 0; j < x.cols(); ++j)
      sum += result.row(i)[j] = std::exp(row[j] - largest);
    for (int64_t j = 0; j < x.cols(); ++j)
      result.row(i)[j] /= sum;
  }
  return result;
}

Tensor moe::reference::map(const Tensor &x,
                           const std::function<double(double)> &f) {
  Tensor result(x.shape);
  std::transform(x.data.begin(), x.data.end(), result.data.begin(), f);
  return result;
}

Tensor moe::reference::map(const Tensor &a, const Tensor &b,
                           const std::function<double(double, double)> &f) {
  Tensor result(a.shape);
  for (int64_t i = 0; i < a.size(); ++i)
    result(i) = f(a(i), b(i % b.size()));
  return result;
}

Tensor moe::reference::add(const Tensor &a, const Tensor &b) {
  return map(a, b, std::plus<double>());
}

Tensor moe::reference::multiply(const Tensor &a, const Tensor &b) {
  return map(a, b, std::multiplies<double>());
}

Tensor moe::reference::normalizeRows(const Tensor &x, Norm norm,
                                     double epsilon) {
  Tensor result = x;
  double count = x.cols();
  for (int64_t i = 0; i < x.rows(); ++i) {
    double *begin = result.row(i), *end = begin + x.cols();
    if (norm == Norm::Layer) {
      double mean = std::accumulate(begin, end, 0.0) / count;
      std::for_each(begin, end, [=](double &v) { v -= mean; });
    }
    double meanSquare = std::inner_product(begin, end, begin, 0.0) / count;
    double rms = std::sqrt(meanSquare + epsilon);
    std::for_each(begin, end, [=](double &v) { v /= rms; });
  }
  return result;
}
