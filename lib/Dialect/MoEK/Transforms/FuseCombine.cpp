//===- FuseCombine.cpp - a gemm that adds its rows to their tokens --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// Combine
//===----------------------------------------------------------------------===//

Obstacle moe::combineObstacle(CombineOp op) {
  auto gemm = op.getRows().getDefiningOp<moek::GemmOp>();
  if (!gemm)
    return "its rows are not those of a gemm";
  auto group = op.getSlotRow().getDefiningOp<GroupOp>();
  if (!group || group.getSlotRow() != op.getSlotRow())
    return "its slots are not those of a moe.group";
  if (gemm.getOffsets() != group.getOffsets())
    return "the rows belong to another moe.group";
  if (llvm::any_of(gemm->getUsers(), [&](Operation *user) {
        return user != op && !isa<tensor::DimOp>(user);
      }))
    return "the rows have other users";
  if (gemm.getOutRows() || gemm.accumulates())
    return "the rows are already added to something";
  if (gemm.getLayout())
    return "its weights are packed";
  if (getElementTypeOrSelf(op.getY()).isF64() ||
      (op.getWeights() && getElementTypeOrSelf(op.getWeights()).isF64()))
    return "it sums in f64";
  return "";
}

namespace {

/// combine(gemm) of one group: the gemm adds its rows to their tokens.
struct FuseCombine : OpRewritePattern<CombineOp> {
  FuseCombine(MLIRContext *context, FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  /// weights[row_slot[s]] for each row, [S]; 0 where there is no slot.
  static Value gatherWeights(TensorBuilder &b, Value weights, Value rowSlot,
                             int64_t slots) {
    AffineMap row = b.getMultiDimIdentityMap(1);
    Type element = getElementTypeOrSelf(weights);
    return b.generic(
        rowSlot, {row, row}, b.empty(b.sizes(rowSlot), element),
        [&](ValueRange args) -> Value {
          Value used = arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                                             args[0], b.i32Constant(0));
          auto branch = scf::IfOp::create(b, TypeRange{element}, used,
                                          /*withElse=*/true);
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(branch.thenBlock());
          Value slot = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          Value width = b.indexConstant(slots);
          Value token = arith::DivUIOp::create(b, slot, width);
          Value number = arith::RemUIOp::create(b, slot, width);
          Value weight = b.extract(weights, {token, number});
          scf::YieldOp::create(b, weight);
          b.setInsertionPointToStart(branch.elseBlock());
          Value zero = b.floatConstant(element, 0);
          scf::YieldOp::create(b, zero);
          return branch.getResult(0);
        });
  }

  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    if (!combineObstacle(op).empty())
      return rewriter.notifyMatchFailure(op, "not of the rows of a gemm");
    auto gemm = op.getRows().getDefiningOp<moek::GemmOp>();
    auto group = op.getSlotRow().getDefiningOp<GroupOp>();
    TensorBuilder b(op.getLoc(), rewriter);
    GemmParts parts(gemm);
    size_t numExtras = parts.extras.size();
    parts.outRows = group.getRowSlot();
    parts.outSlots = group.getNumSlots();
    TensorBuilder::Sizes sizes{b.size(op.getSlotRow(), 0),
                               b.size(gemm.getInit(), 1)};
    parts.init = b.filled(sizes, b.floatConstant(b.getF32Type(), 0));
    if (op.getWeights())
      // Not by addExtra: no other extra can be the same.
      parts.extras.push_back(
          {gatherWeights(b, op.getWeights(), parts.outRows, parts.outSlots),
           extraMap(b.getContext(), {1})});
    b.setLoc(gemm.getLoc());
    auto fused =
        parts.build(b, [&](ValueRange sums, ValueRange extras, Value old) {
          return emitSum(b, gemm, sums, extras, numExtras, old);
        });
    b.setLoc(op.getLoc());
    remarkFused(op, op.getWeights() ? "combine with weights" : "combine");
    Value y = b.convert(fused.getResult()[0], getElementTypeOrSelf(op.getY()));
    rewriter.replaceOp(op, b.cast(y, op.getType()));
    ++counts.combines;
    return success();
  }

  /// old + weight * (what the gemm's epilogue yields, before it is rounded).
  static Value emitSum(TensorBuilder &b, moek::GemmOp gemm, ValueRange sums,
                       ValueRange extras, size_t numExtras, Value old) {
    Value term =
        inlineEpilogue(b, gemm, sums, extras.take_front(numExtras), old);
    Type f32 = b.getF32Type();
    auto rounding = term.getDefiningOp<arith::TruncFOp>();
    if (rounding && rounding.getIn().getType().isF32())
      term = rounding.getIn();
    term = b.convertFloat(term, f32);
    if (extras.size() > numExtras)
      term = arith::MulFOp::create(b, b.convertFloat(extras.back(), f32), term);
    return arith::AddFOp::create(b, old, term);
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateCombinePatterns(RewritePatternSet &patterns,
                                  FuseCounts &counts) {
  patterns.add<FuseCombine>(patterns.getContext(), counts);
}

//===----------------------------------------------------------------------===//
// Residual
//===----------------------------------------------------------------------===//

namespace {
/// combined + other.
struct Residual {
  moek::GemmOp gemm;
  Value other;
};
} // namespace

/// Whether `op` adds a tensor to what a gemm combined.
static std::optional<Residual> matchResidual(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() != op.getNumParallelLoops())
    return std::nullopt;
  Block *body = op.getBlock();
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || &body->front() != sum)
    return std::nullopt;
  for (auto [x, y] : {std::pair(sum.getLhs(), sum.getRhs()),
                      std::pair(sum.getRhs(), sum.getLhs())}) {
    auto left = dyn_cast<BlockArgument>(x), right = dyn_cast<BlockArgument>(y);
    if (!left || !right || left == right)
      continue;
    OpOperand &first = op->getOpOperand(left.getArgNumber()),
              &second = op->getOpOperand(right.getArgNumber());
    auto gemm = first.get().getDefiningOp<moek::GemmOp>();
    if (gemm && gemm.getOutRows() &&
        op.getMatchingIndexingMap(&first).isIdentity() &&
        op.getMatchingIndexingMap(&second).isIdentity() &&
        first.get().getType() == second.get().getType())
      return Residual{gemm, second.get()};
  }
  return std::nullopt;
}

Obstacle moe::residualObstacle(linalg::LinalgOp op) {
  std::optional<Residual> residual = matchResidual(op);
  if (!residual)
    return "";
  if (llvm::any_of(residual->gemm->getUsers(), [&](Operation *user) {
        return user != op && !isa<tensor::DimOp>(user);
      }))
    return "the combined rows have other users";
  auto fill = residual->gemm.getInit().getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return "the combined rows are already added to something";
  return "";
}

namespace {

/// A gemm that combines starts from the residual instead of zeros.
struct FuseResidual : OpInterfaceRewritePattern<linalg::LinalgOp> {
  FuseResidual(MLIRContext *context, FuseCounts &counts)
      : OpInterfaceRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Residual> residual = matchResidual(op);
    if (!residual || !residualObstacle(op).empty())
      return rewriter.notifyMatchFailure(op, "it adds to nothing combined");
    moek::GemmOp gemm = residual->gemm;
    TensorBuilder b(gemm.getLoc(), rewriter);
    GemmParts parts(gemm);
    parts.init = residual->other;
    auto fused =
        parts.build(b, [&](ValueRange sums, ValueRange extras, Value old) {
          return inlineEpilogue(b, gemm, sums, extras, old);
        });
    remarkFused(op, "residual");
    rewriter.replaceOp(
        op, b.cast(fused.getResult()[0], op->getResult(0).getType()));
    ++counts.residuals;
    return success();
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateResidualPatterns(RewritePatternSet &patterns,
                                   FuseCounts &counts) {
  patterns.add<FuseResidual>(patterns.getContext(), counts);
}
