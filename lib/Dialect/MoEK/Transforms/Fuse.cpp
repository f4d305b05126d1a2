//===- Fuse.cpp - what stands around a gemm becomes part of it ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "moe/Dialect/MoEK/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_MOEKFUSE
#include "moe/Dialect/MoEK/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

static constexpr llvm::StringLiteral kCategory = "moek-fuse";

void moe::remarkFused(Operation *op, StringRef what) {
  remark::passed(op->getLoc(),
                 remark::RemarkOpts::name("fused").category(kCategory))
      << what;
}

/// Tells the user why `op` stays as it is, if there is something to tell.
static void remarkMissed(Operation *op, Obstacle why) {
  if (!why.empty())
    remark::missed(op->getLoc(),
                   remark::RemarkOpts::name("not fused").category(kCategory))
        << why;
}

namespace {

struct FusePass : moe::impl::MoEKFuseBase<FusePass> {
  using MoEKFuseBase::MoEKFuseBase;

  void runOnOperation() override {
    FuseCounts counts{numGathers,   numTransposes, numScales,   numSlices,
                      numEpilogues, numMerges,     numCombines, numResiduals};
    RewritePatternSet patterns(&getContext());
    // Sizes of results are sizes of destinations: no reason to keep a result.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (gather)
      populateGatherPatterns(patterns, counts);
    if (transpose)
      populateTransposePatterns(patterns, counts);
    if (scale)
      populateScalePatterns(patterns, counts);
    if (slice)
      populateSlicePatterns(patterns, counts);
    if (epilogue)
      populateEpiloguePatterns(patterns, counts, merge);
    if (combine)
      populateCombinePatterns(patterns, counts);
    if (residual)
      populateResidualPatterns(patterns, counts);
    // Before what follows can be fused into a gemm, it must be what it will be.
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    getOperation()->walk([&](Operation *op) { explain(op); });
  }

  /// Says why `op` did not fuse.
  void explain(Operation *op) {
    if (auto gemm = dyn_cast<moek::GemmOp>(op)) {
      if (gather)
        remarkMissed(gemm.getA().getDefiningOp(), gatherObstacle(gemm));
      if (scale)
        remarkMissed(gemm.getA().getDefiningOp(), scaleObstacle(gemm));
      if (transpose)
        remarkMissed(gemm, transposeObstacle(gemm));
    } else if (auto product = dyn_cast<CombineOp>(op)) {
      if (combine)
        remarkMissed(product, combineObstacle(product));
    } else if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      bool isResidual = residual && !residualObstacle(structured).empty();
      if (isResidual)
        remarkMissed(structured, residualObstacle(structured));
      else if (epilogue)
        remarkMissed(structured, epilogueObstacle(structured));
    }
  }
};

} // namespace
