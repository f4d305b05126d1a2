//===- Patterns.h - patterns of convert-moe-to-linalg, by family *- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOETOLINALG_PATTERNS_H
#define MOE_LIB_CONVERSION_MOETOLINALG_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace moe {

class TensorBuilder;

void populateRoutingPatterns(mlir::RewritePatternSet &patterns);
void populateGroupingPatterns(mlir::RewritePatternSet &patterns);
void populateExpertPatterns(mlir::RewritePatternSet &patterns);
void populateDagPatterns(mlir::RewritePatternSet &patterns);
void populateLoopPatterns(mlir::RewritePatternSet &patterns);
void populateTransportPatterns(mlir::RewritePatternSet &patterns);
void populateQuantPatterns(mlir::RewritePatternSet &patterns);

/// Sizes of result `result` of `op`, from its operands.
llvm::SmallVector<mlir::OpFoldResult> reifyResult(mlir::OpBuilder &builder,
                                                  mlir::OpResult result);

/// lower <= value < upper as an i1, both bounds signed.
mlir::Value isInRange(TensorBuilder &b, mlir::Value value, mlir::Value lower,
                      mlir::Value upper);

/// `then` if `condition`, else `otherwise`, without computing both.
mlir::Value branch(TensorBuilder &b, mlir::Value condition,
                   llvm::function_ref<mlir::Value()> then,
                   mlir::Value otherwise);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_PATTERNS_H
