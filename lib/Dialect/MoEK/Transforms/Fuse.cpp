//===- Fuse.cpp - let a gemm gather its rows and combine its results ------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"
#include "moe/Dialect/MoEK/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
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

namespace {

constexpr llvm::StringLiteral kCategory = "moek-fuse";

/// Tells the user why `op` stays as it is.
LogicalResult missed(PatternRewriter &rewriter, Operation *op, StringRef why) {
  remark::missed(op->getLoc(),
                 remark::RemarkOpts::name("not fused").category(kCategory))
      << why;
  return rewriter.notifyMatchFailure(op, why);
}

/// The group that made `rowSlot`, as it is or cut to its first rows.
GroupOp groupOfRows(Value rowSlot) {
  while (auto slice = rowSlot.getDefiningOp<tensor::ExtractSliceOp>())
    rowSlot = slice.getSource();
  auto group = rowSlot.getDefiningOp<GroupOp>();
  return group && group.getRowSlot() == rowSlot ? group : GroupOp();
}

/// gemm(dispatch(x)) reads x through the slots.
struct FuseDispatch : OpRewritePattern<moek::GemmOp> {
  FuseDispatch(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    auto dispatch = op.getA().getDefiningOp<DispatchOp>();
    if (!dispatch || op.getRows())
      return rewriter.notifyMatchFailure(op, "its rows are not dispatched");
    if (getElementTypeOrSelf(dispatch.getX()) !=
        getElementTypeOrSelf(dispatch.getRows()))
      return missed(rewriter, dispatch,
                    "the dispatch changes the element type");
    if (!groupOfRows(dispatch.getRowSlot())) {
      TensorBuilder b(dispatch.getLoc(), rewriter);
      Value bound = b.materialize(
          b.multiply(b.size(dispatch.getX(), 0), dispatch.getSlots()));
      moek::CheckIndicesOp::create(b, dispatch.getRowSlot(),
                                   b.indexConstant(-1), bound,
                                   "row_slot of moe.dispatch");
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getAMutable().assign(dispatch.getX());
      op.getRowsMutable().assign(dispatch.getRowSlot());
      op.setSlots(dispatch.getSlots());
    });
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

/// combine(gemm) of one group: the gemm adds its rows to their tokens.
struct FuseCombine : OpRewritePattern<CombineOp> {
  FuseCombine(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}

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

  /// Why the combine cannot fuse, or nothing.
  static std::optional<StringRef> obstacle(CombineOp op, moek::GemmOp gemm,
                                           GroupOp group) {
    if (!group || group.getSlotRow() != op.getSlotRow())
      return "its slots are not those of a moe.group";
    if (gemm.getOffsets() != group.getOffsets())
      return "the rows belong to another moe.group";
    if (!gemm->hasOneUse())
      return "the rows have other users";
    if (gemm.getOutRows() || gemm.accumulates())
      return "the rows are already added to something";
    Type type = getElementTypeOrSelf(op.getY());
    if (type.isF64() ||
        (op.getWeights() && getElementTypeOrSelf(op.getWeights()).isF64()))
      return "it sums in f64";
    return std::nullopt;
  }

  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    auto gemm = op.getRows().getDefiningOp<moek::GemmOp>();
    if (!gemm)
      return rewriter.notifyMatchFailure(op, "its rows are not of a gemm");
    auto group = op.getSlotRow().getDefiningOp<GroupOp>();
    if (std::optional<StringRef> why = obstacle(op, gemm, group))
      return missed(rewriter, op, *why);

    TensorBuilder b(op.getLoc(), rewriter);
    int64_t slots = group.getNumSlots();
    Value rowSlot = group.getRowSlot();
    TensorBuilder::Sizes sizes{b.size(op.getSlotRow(), 0),
                               b.size(op.getRows(), 1)};
    Value zeros = b.filled(sizes, b.floatConstant(b.getF32Type(), 0));
    SmallVector<Value> extras(gemm.getExtras());
    SmallVector<AffineMap> maps;
    if (gemm.getExtraMaps())
      maps.assign(llvm::to_vector(
          gemm.getExtraMaps()->getAsValueRange<AffineMapAttr>()));
    if (op.getWeights()) {
      extras.push_back(gatherWeights(b, op.getWeights(), rowSlot, slots));
      maps.push_back(
          AffineMap::get(3, 0, b.getAffineDimExpr(1), b.getContext()));
    }
    auto fused = moek::GemmOp::create(
        b, TypeRange{zeros.getType()}, gemm.getA(), gemm.getRows(),
        gemm.getOffsets(), gemm.getWeights(), extras, zeros, rowSlot,
        gemm.getSlots(), slots,
        maps.empty() ? ArrayAttr() : b.getAffineMapArrayAttr(maps),
        gemm.getLayoutAttr(), gemm.getTransposed());
    moveEpilogue(b, gemm, fused, op.getWeights());
    Value y = b.convert(fused.getResult()[0], getElementTypeOrSelf(op.getY()));
    rewriter.replaceOp(op, b.cast(y, op.getType()));
    rewriter.eraseOp(gemm);
    ++count;
    return success();
  }

  /// old + weight * (what the gemm's epilogue yields, before it is rounded).
  static void moveEpilogue(TensorBuilder &b, moek::GemmOp from, moek::GemmOp to,
                           Value weights) {
    OpBuilder::InsertionGuard guard(b);
    Block *old = from.getBody(), *block = b.createBlock(&to.getEpilogue());
    IRMapping mapping;
    for (BlockArgument argument : old->getArguments().drop_back())
      mapping.map(argument,
                  block->addArgument(argument.getType(), argument.getLoc()));
    Value weight;
    if (weights)
      weight = block->addArgument(getElementTypeOrSelf(weights), b.getLoc());
    Type f32 = b.getF32Type();
    Value sum = block->addArgument(f32, b.getLoc());
    for (Operation &op : old->without_terminator())
      b.clone(op, mapping);
    Value term = mapping.lookup(old->getTerminator()->getOperand(0));
    auto rounding = term.getDefiningOp<arith::TruncFOp>();
    if (rounding && rounding.getIn().getType().isF32())
      term = rounding.getIn();
    term = b.convertFloat(term, f32);
    if (weight)
      term = arith::MulFOp::create(b, b.convertFloat(weight, f32), term);
    Value result = arith::AddFOp::create(b, sum, term);
    moek::YieldOp::create(b, result);
  }

  Pass::Statistic &count;
};

/// gemm(.., transpose(w)) reads w transposed.
struct FuseTranspose : OpRewritePattern<moek::GemmOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getLayout())
      return rewriter.notifyMatchFailure(op, "weights are packed");
    SmallVector<Value> sources;
    for (Value weight : op.getWeights()) {
      auto transpose = weight.getDefiningOp<linalg::TransposeOp>();
      if (!transpose)
        return rewriter.notifyMatchFailure(op, "a weight is not transposed");
      ArrayRef<int64_t> order = transpose.getPermutation();
      bool swapsLast = order.size() == 3 ? order == ArrayRef<int64_t>{0, 2, 1}
                                         : order == ArrayRef<int64_t>{1, 0};
      if (!swapsLast)
        return missed(rewriter, transpose, "it moves the expert dimension");
      sources.push_back(transpose.getInput());
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getWeightsMutable().assign(sources);
      op.setTransposed(!op.getTransposed());
    });
    return success();
  }
};

struct FusePass : moe::impl::MoEKFuseBase<FusePass> {
  using MoEKFuseBase::MoEKFuseBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseTranspose>(&getContext());
    if (gather)
      patterns.add<FuseDispatch>(&getContext(), numGathers);
    if (combine)
      patterns.add<FuseCombine>(&getContext(), numCombines);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
