//===- ExpandLinalg.cpp - linalg ops that are not loops -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_MOEEXPANDLINALG
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

struct LowerPack : OpRewritePattern<linalg::PackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::PackOp op,
                                PatternRewriter &rewriter) const override {
    return linalg::lowerPack(rewriter, op);
  }
};

struct LowerUnPack : OpRewritePattern<linalg::UnPackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::UnPackOp op,
                                PatternRewriter &rewriter) const override {
    return linalg::lowerUnPack(rewriter, op);
  }
};

/// An op on the elements of tensors of one shape, and on scalars, as loops.
/// Upstream's pass would write into one of the operands.
struct ExpandElementwise : RewritePattern {
  explicit ExpandElementwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
    if (!OpTrait::hasElementwiseMappableTraits(op) ||
        !llvm::any_of(op->getOperandTypes(), isTensor))
      return rewriter.notifyMatchFailure(op, "not element-wise on tensors");
    TensorBuilder b(op->getLoc(), rewriter);
    Value shaped = *llvm::find_if(op->getOperands(), [&](Value operand) {
      return isTensor(operand.getType());
    });
    unsigned rank = cast<RankedTensorType>(shaped.getType()).getRank();
    AffineMap element = b.getMultiDimIdentityMap(rank);
    AffineMap scalar = AffineMap::get(rank, 0, b.getContext());
    SmallVector<AffineMap> maps;
    for (Type type : op->getOperandTypes())
      maps.push_back(isTensor(type) ? element : scalar);
    maps.push_back(element);
    Type type = getElementTypeOrSelf(op->getResult(0));
    Value result = b.generic(
        op->getOperands(), maps, b.empty(b.sizes(shaped), type),
        [&](ValueRange args) {
          Operation *inner = Operation::create(
              op->getLoc(), op->getName(), type, args.drop_back(),
              op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
              {}, 0);
          return static_cast<OpBuilder &>(b).insert(inner)->getResult(0);
        });
    rewriter.replaceOp(op, b.cast(result, op->getResult(0).getType()));
    return success();
  }
};

struct ExpandLinalgPass : moe::impl::MoEExpandLinalgBase<ExpandLinalgPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerPack, LowerUnPack, ExpandElementwise>(&getContext());
    SmallVector<linalg::SoftmaxOp> softmaxes;
    getOperation()->walk(
        [&](linalg::SoftmaxOp op) { softmaxes.push_back(op); });
    for (linalg::SoftmaxOp op : softmaxes) {
      IRRewriter rewriter(op);
      FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
      if (failed(results))
        return signalPassFailure();
      rewriter.replaceOp(op, *results);
    }
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
