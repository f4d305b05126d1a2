//===- FusePatterns.h - patterns of moek-fuse, by what they fuse -*- C++
//-*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each pattern has an `obstacle` function beside it, which says why an op that
// could have fused did not: patterns ask it before they rewrite, the pass asks
// it at the end of what is left, so that each remark is given once.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOEK_TRANSFORMS_FUSEPATTERNS_H
#define MOE_LIB_DIALECT_MOEK_TRANSFORMS_FUSEPATTERNS_H

#include "moe/Dialect/MoEK/Utils/GemmParts.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace moe {

/// Accumulators that a gemm may have: those of a panel must fill vectors.
inline constexpr size_t kMaxAccumulators = 2;

/// Says that `op` was fused: "gather: moe.dispatch is read through its slots".
void remarkFused(mlir::Operation *op, llvm::StringRef what);

/// The group that made `rowSlot`, as it is or cut to its first rows.
GroupOp groupOfRows(mlir::Value rowSlot);

/// What is told apart in statistics.
struct FuseCounts {
  mlir::Pass::Statistic &gathers, &transposes, &scales, &slices, &epilogues,
      &merges, &combines, &residuals;
};

/// A name for why not; empty: it does not apply, or nothing stands in the way.
using Obstacle = llvm::StringRef;

// What a gemm reads.
Obstacle gatherObstacle(moek::GemmOp gemm);
void populateGatherPatterns(mlir::RewritePatternSet &patterns,
                            FuseCounts &counts);
Obstacle scaleObstacle(moek::GemmOp gemm);
void populateScalePatterns(mlir::RewritePatternSet &patterns,
                           FuseCounts &counts);
Obstacle transposeObstacle(moek::GemmOp gemm);
void populateTransposePatterns(mlir::RewritePatternSet &patterns,
                               FuseCounts &counts);
void populateSlicePatterns(mlir::RewritePatternSet &patterns,
                           FuseCounts &counts);

// What is done to its sums.
Obstacle epilogueObstacle(mlir::linalg::LinalgOp op);
void populateEpiloguePatterns(mlir::RewritePatternSet &patterns,
                              FuseCounts &counts, bool merge);

// Where they go.
Obstacle combineObstacle(CombineOp op);
void populateCombinePatterns(mlir::RewritePatternSet &patterns,
                             FuseCounts &counts);
Obstacle residualObstacle(mlir::linalg::LinalgOp op);
void populateResidualPatterns(mlir::RewritePatternSet &patterns,
                              FuseCounts &counts);

} // namespace moe

#endif // MOE_LIB_DIALECT_MOEK_TRANSFORMS_FUSEPATTERNS_H
