//===- FuseInputs.cpp - what a gemm can read where it lies ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "WeightSlice.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace moe;

GroupOp moe::groupOfRows(Value rowSlot) {
  while (auto slice = rowSlot.getDefiningOp<tensor::ExtractSliceOp>())
    rowSlot = slice.getSource();
  auto group = rowSlot.getDefiningOp<GroupOp>();
  return group && group.getRowSlot() == rowSlot ? group : GroupOp();
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

Obstacle moe::gatherObstacle(moek::GemmOp gemm) {
  auto dispatch = gemm.getA().getDefiningOp<DispatchOp>();
  if (!dispatch)
    return "";
  if (gemm.getRows())
    return "the rows are gathered twice";
  if (getElementTypeOrSelf(dispatch.getX()) !=
      getElementTypeOrSelf(dispatch.getRows()))
    return "the dispatch changes the element type";
  return "";
}

namespace {

/// gemm(dispatch(x)) reads x through the slots.
struct FuseDispatch : OpRewritePattern<moek::GemmOp> {
  FuseDispatch(MLIRContext *context, FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    auto dispatch = op.getA().getDefiningOp<DispatchOp>();
    if (!dispatch || !gatherObstacle(op).empty())
      return rewriter.notifyMatchFailure(op, "its rows are not dispatched");
    if (!groupOfRows(dispatch.getRowSlot())) {
      TensorBuilder b(dispatch.getLoc(), rewriter);
      Value bound = b.materialize(
          b.multiply(b.size(dispatch.getX(), 0), dispatch.getSlots()));
      moek::CheckIndicesOp::create(b, dispatch.getRowSlot(),
                                   b.indexConstant(-1), bound,
                                   "row_slot of moe.dispatch");
    }
    remarkFused(dispatch, "gather");
    rewriter.modifyOpInPlace(op, [&] {
      op.getAMutable().assign(dispatch.getX());
      op.getRowsMutable().assign(dispatch.getRowSlot());
      op.setSlots(dispatch.getSlots());
    });
    ++counts.gathers;
    return success();
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateGatherPatterns(RewritePatternSet &patterns,
                                 FuseCounts &counts) {
  patterns.add<FuseDispatch>(patterns.getContext(), counts);
}

//===----------------------------------------------------------------------===//
// Scale
//===----------------------------------------------------------------------===//

namespace {
/// rows[s, k] = x[s, k] * factor[s].
struct RowScale {
  Value x, factor; ///< `factor` is a tensor, or a scalar
  AffineMap map;   ///< of the loops (s, k), for a tensor
};
} // namespace

/// The block argument that `value` is, but for a conversion to f32.
static BlockArgument skipExtension(Value value) {
  if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return dyn_cast<BlockArgument>(value);
}

/// Whether `op` scales rows.
static std::optional<RowScale> matchRowScale(linalg::LinalgOp op) {
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return std::nullopt;
  Block *body = op.getBlock();
  Value result = body->getTerminator()->getOperand(0);
  if (auto rounding = result.getDefiningOp<arith::TruncFOp>())
    result = rounding.getIn();
  auto product = result.getDefiningOp<arith::MulFOp>();
  if (!product || product.getType().isF64())
    return std::nullopt;
  for (auto [x, factor] : {std::pair(product.getLhs(), product.getRhs()),
                           std::pair(product.getRhs(), product.getLhs())}) {
    BlockArgument row = skipExtension(x);
    if (!row || row.getOwner() != body)
      continue;
    OpOperand &operand = op->getOpOperand(row.getArgNumber());
    if (op.isDpsInit(&operand) ||
        !op.getMatchingIndexingMap(&operand).isIdentity() ||
        operand.get().getType() != op->getResult(0).getType())
      continue;
    BlockArgument weight = skipExtension(factor);
    if (!weight || weight.getOwner() != body) {
      // A number from outside of the body.
      if (factor.getParentBlock() != body && factor.getType().isF32())
        return RowScale{operand.get(), factor, AffineMap()};
      continue;
    }
    OpOperand &other = op->getOpOperand(weight.getArgNumber());
    AffineMap map = op.getMatchingIndexingMap(&other);
    if (!op.isDpsInit(&other) && !map.isFunctionOfDim(1) &&
        map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return RowScale{operand.get(), other.get(), map};
  }
  return std::nullopt;
}

Obstacle moe::scaleObstacle(moek::GemmOp gemm) {
  auto op = gemm.getA().getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumParallelLoops() != op.getNumLoops())
    return "";
  if (!matchRowScale(op))
    return "its rows are computed element by element, by a phase of its own";
  if (gemm.getRows())
    return "the rows are scaled before they are gathered";
  if (gemm.getLayout())
    return "its weights are packed";
  if (llvm::any_of(op->getUsers(), [](Operation *user) {
        return !isa<moek::GemmOp, tensor::DimOp>(user);
      }))
    return "the scaled rows have other users";
  return "";
}

namespace {

/// (factor * x) @ w = factor * (x @ w): the factor goes to the epilogue.
struct FuseScale : OpRewritePattern<moek::GemmOp> {
  FuseScale(MLIRContext *context, FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getA().getDefiningOp<linalg::LinalgOp>();
    std::optional<RowScale> scale = matchRowScale(producer);
    if (!scale || !scaleObstacle(op).empty())
      return rewriter.notifyMatchFailure(op, "its rows are not scaled");
    TensorBuilder b(op.getLoc(), rewriter);
    GemmParts parts(op);
    size_t numExtras = parts.extras.size();
    parts.a = scale->x;
    unsigned factor =
        scale->map ? parts.addExtra(extraOf(b, scale->factor, scale->map))
                   : parts.addExtra(extraOf(b, scale->factor));
    auto fused = parts.build(b, [&](ValueRange sums, ValueRange extras,
                                    Value old) {
      Type f32 = b.getF32Type();
      Value by = b.convertFloat(extras[factor], f32);
      SmallVector<Value> scaled;
      for (Value sum : sums)
        scaled.push_back(arith::MulFOp::create(b, sum, by));
      return inlineEpilogue(b, op, scaled, extras.take_front(numExtras), old);
    });
    remarkFused(producer, "scale of the rows");
    rewriter.replaceOp(op, fused);
    ++counts.scales;
    return success();
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateScalePatterns(RewritePatternSet &patterns,
                                FuseCounts &counts) {
  patterns.add<FuseScale>(patterns.getContext(), counts);
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

/// True if `transpose` swaps the last two dimensions of a weight.
static bool swapsLast(linalg::TransposeOp transpose) {
  ArrayRef<int64_t> order = transpose.getPermutation();
  return order.size() == 3 ? order == ArrayRef<int64_t>{0, 2, 1}
                           : order == ArrayRef<int64_t>{1, 0};
}

Obstacle moe::transposeObstacle(moek::GemmOp gemm) {
  bool all = true, any = false;
  for (Value weight : gemm.getWeights()) {
    auto transpose = weight.getDefiningOp<linalg::TransposeOp>();
    if (transpose && !swapsLast(transpose))
      return "the transposition moves the expert dimension";
    all &= static_cast<bool>(transpose);
    any |= static_cast<bool>(transpose);
  }
  return any && !all ? "one weight is transposed, the other is not" : "";
}

namespace {

/// gemm(.., transpose(w)) reads w transposed.
struct FuseTranspose : OpRewritePattern<moek::GemmOp> {
  FuseTranspose(MLIRContext *context, FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getLayout() || !transposeObstacle(op).empty() ||
        !op.getWeights()[0].getDefiningOp<linalg::TransposeOp>())
      return rewriter.notifyMatchFailure(op, "its weights are not transposed");
    SmallVector<Value> sources;
    for (Value weight : op.getWeights()) {
      auto transpose = weight.getDefiningOp<linalg::TransposeOp>();
      remarkFused(transpose, "transposition of the weight");
      sources.push_back(transpose.getInput());
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getWeightsMutable().assign(sources);
      op.setTransposed(!op.getTransposed());
    });
    ++counts.transposes;
    return success();
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateTransposePatterns(RewritePatternSet &patterns,
                                    FuseCounts &counts) {
  patterns.add<FuseTranspose>(patterns.getContext(), counts);
}
