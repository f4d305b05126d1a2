//===- Norm.h - norms of the rows of a tensor -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_UTILS_NORM_H
#define MOE_DIALECT_MOE_UTILS_NORM_H

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

namespace moe {

/// `norm` of each row of `rows` [N,d], d static, in the element type of `rows`:
/// rms x / sqrt(mean(x^2) + epsilon), layer the same after the mean is
/// subtracted; times `gain` [d], of any float type, unless it is null.
mlir::Value emitNorm(TensorBuilder &b, mlir::Value rows, Norm norm,
                     double epsilon, mlir::Value gain = {});

} // namespace moe

#endif // MOE_DIALECT_MOE_UTILS_NORM_H
