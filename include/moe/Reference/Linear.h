//===- Linear.h - what compositions of the ops need besides them *- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_LINEAR_H
#define MOE_REFERENCE_LINEAR_H

#include "moe/Reference/Tensor.h"

namespace moe::reference {

enum class Activation { None, SiLU, Sigmoid, GELU, GELUTanh, ReLU, ReLU2 };
enum class Norm { RMS, Layer };

/// 1 / (1 + exp(-x)).
double sigmoid(double x);

/// x, x sigmoid(alpha x), sigmoid(x), x (1 + erf(x / sqrt 2)) / 2,
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, max(x, 0), max(x, 0)^2.
double activate(Activation activation, double x, double alpha = 1);

/// log(sum_i exp(x_i)) of `n` numbers `stride` apart; -inf if n = 0 or if all
/// are -inf. NaN and +inf come through.
double logSumExp(const double *x, int64_t n, int64_t stride = 1);

/// a[m,k] b[k,n] -> [m,n].
Tensor matmul(const Tensor &a, const Tensor &b);

/// a[m,n] -> [n,m].
Tensor transpose(const Tensor &a);

/// exp(x_i - max_j x_j) / sum_k exp(x_k - max_j x_j) along the last dimension.
Tensor softmaxRows(const Tensor &x);

/// y_i = f(x_i).
Tensor map(const Tensor &x, const std::function<double(double)> &f);

/// c_i = f(a_i, b_i). The shapes agree, or b is one row, used for all rows.
Tensor map(const Tensor &a, const Tensor &b,
           const std::function<double(double, double)> &f);

/// a + b; b as for `map`.
Tensor add(const Tensor &a, const Tensor &b);

/// a * b, element by element; b as for `map`.
Tensor multiply(const Tensor &a, const Tensor &b);

/// Every row of x divided by its root mean square sqrt(mean_i x_i^2 + epsilon);
/// for Norm::Layer after its mean is subtracted.
Tensor normalizeRows(const Tensor &x, Norm norm, double epsilon);

} // namespace moe::reference

#endif // MOE_REFERENCE_LINEAR_H
