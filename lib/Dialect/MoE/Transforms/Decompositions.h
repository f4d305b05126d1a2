//===- Decompositions.h - patterns of moe-decompose, by family --*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_DECOMPOSITIONS_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_DECOMPOSITIONS_H

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace moe {

/// The type that `op` computes in, from its float operands and results.
mlir::FloatType getAccumulatorOf(mlir::Operation *op);

/// a [m,k] @ b [k,n] in the element type of `init` [m,n], to which it is added.
mlir::Value emitMatmul(TensorBuilder &b, mlir::Value lhs, mlir::Value rhs,
                       mlir::Value init);
/// a @ b in the type `element`.
mlir::Value emitMatmul(TensorBuilder &b, mlir::Value lhs, mlir::Value rhs,
                       mlir::Type element);

void populateDagDecompositions(mlir::RewritePatternSet &patterns);
void populateLoopDecompositions(mlir::RewritePatternSet &patterns);
void populateTransportDecompositions(mlir::RewritePatternSet &patterns);

} // namespace moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_DECOMPOSITIONS_H
