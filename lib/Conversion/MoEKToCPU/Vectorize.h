//===- Vectorize.h - a scalar body on vectors -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_VECTORIZE_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_VECTORIZE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moe {

/// True if every op of `body` but its terminator works on vectors as it does on
/// scalars, or is a constant.
bool isElementwise(mlir::Block &body);

/// Copies `body` (isElementwise), its arguments replaced by `arguments`,
/// vectors of `lanes` elements; returns what its terminator yields.
llvm::SmallVector<mlir::Value> cloneOnVectors(mlir::ImplicitLocOpBuilder &b,
                                              mlir::Block &body,
                                              mlir::ValueRange arguments,
                                              int64_t lanes);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_VECTORIZE_H
