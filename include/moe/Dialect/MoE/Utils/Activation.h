//===- Activation.h - activation functions on scalars -----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_UTILS_ACTIVATION_H
#define MOE_DIALECT_MOE_UTILS_ACTIVATION_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moe/Dialect/MoE/IR/MoE.h"

namespace moe {

/// `activation(x)` in arith and math; `alpha` is read by silu only, which is
/// x / (1 + exp(-alpha x)).
mlir::Value emitActivation(mlir::ImplicitLocOpBuilder &b, Activation activation,
                           mlir::Value x, double alpha = 1.0);

/// 1 / (1 + exp(-x)).
mlir::Value emitSigmoid(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

} // namespace moe

#endif // MOE_DIALECT_MOE_UTILS_ACTIVATION_H
