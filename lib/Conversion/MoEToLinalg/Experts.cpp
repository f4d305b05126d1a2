//===- Experts.cpp - grouped products as loops over experts ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moe;

namespace {

/// The rows [begin, begin + count) of an expert.
struct ExpertRows {
  Value expert, begin;
  OpFoldResult count;
};

/// offsets[e] as an index, clamped to [lower, rows].
Value bound(TensorBuilder &b, Value offsets, Value e, Value lower, Value rows) {
  Value offset =
      arith::IndexCastOp::create(b, b.getIndexType(), b.extract(offsets, e));
  Value below = arith::MaxSIOp::create(b, offset, lower);
  return arith::MinSIOp::create(b, below, rows);
}

/// For each row of the expert by itself: result = body(the row, result). What
/// is written row by row has a slice of static size; one of all rows would have
/// a size that depends on data, and so would a copy that bufferization makes of
/// it.
Value forEachRow(TensorBuilder &b, ExpertRows rows, Value init,
                 llvm::function_ref<Value(ExpertRows, Value)> body) {
  Value one = b.indexConstant(1);
  Value end = arith::AddIOp::create(b, rows.begin, b.materialize(rows.count));
  return scf::ForOp::create(
             b, rows.begin, end, one, init,
             [&](OpBuilder &inner, Location, Value i, ValueRange state) {
               OpBuilder::InsertionGuard guard(b);
               b.setInsertionPoint(inner.getInsertionBlock(),
                                   inner.getInsertionPoint());
               Value next = body({rows.expert, i, b.getIndexAttr(1)}, state[0]);
               scf::YieldOp::create(b, next);
             })
      .getResult(0);
}

/// For each expert: result = body(its rows, result). `what` names the offsets
/// in messages.
Value forEachExpert(TensorBuilder &b, Value offsets, Value numRows,
                    StringRef what, Value init,
                    llvm::function_ref<Value(ExpertRows, Value)> body) {
  moek::CheckOffsetsOp::create(b, offsets, numRows, what);
  int64_t experts = cast<RankedTensorType>(offsets.getType()).getDimSize(0) - 1;
  Value zero = b.indexConstant(0), one = b.indexConstant(1);
  return scf::ForOp::create(
             b, zero, b.indexConstant(experts), one, init,
             [&](OpBuilder &inner, Location, Value e, ValueRange state) {
               OpBuilder::InsertionGuard guard(b);
               b.setInsertionPoint(inner.getInsertionBlock(),
                                   inner.getInsertionPoint());
               Value begin = bound(b, offsets, e, zero, numRows);
               Value after = arith::AddIOp::create(b, e, one);
               Value end = bound(b, offsets, after, begin, numRows);
               OpFoldResult count =
                   arith::SubIOp::create(b, end, begin).getResult();
               Value next = body({e, begin, count}, state[0]);
               scf::YieldOp::create(b, next);
             })
      .getResult(0);
}

/// The rows of an expert in `tensor` [S,width].
Value sliceRows(TensorBuilder &b, Value tensor, ExpertRows rows) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(
      b, tensor, TensorBuilder::Sizes{rows.begin, zero},
      TensorBuilder::Sizes{rows.count, b.size(tensor, 1)},
      TensorBuilder::Sizes{one, one});
}

/// Where the matrix of expert `e` stands in a tensor [E,a,b].
struct ExpertMatrix {
  ExpertMatrix(TensorBuilder &b, Value e, RankedTensorType tensor)
      : type(RankedTensorType::get(tensor.getShape().drop_front(),
                                   tensor.getElementType())),
        offsets{e, b.getIndexAttr(0), b.getIndexAttr(0)},
        sizes{b.getIndexAttr(1), b.getIndexAttr(tensor.getDimSize(1)),
              b.getIndexAttr(tensor.getDimSize(2))},
        strides(3, b.getIndexAttr(1)) {}
  RankedTensorType type;
  TensorBuilder::Sizes offsets, sizes, strides;
};

/// For each row its product with the matrix of its expert, accumulated in the
/// wide type; rows that belong to no expert keep NaN.
struct ConvertGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), weights = op.getWeights();
    auto weightType = cast<RankedTensorType>(weights.getType());
    FloatType acc = getAccumulatorType(
        {rows.getType(), weightType, op.getResult().getType()});
    Value nan = b.floatConstant(acc, std::numeric_limits<double>::quiet_NaN());
    Value result = forEachExpert(
        b, op.getOffsets(), b.dim(rows, 0), "offsets of moe.grouped_matmul",
        b.filled(reifyResult(b, op->getResult(0)), nan),
        [&](ExpertRows own, Value result) -> Value {
          ExpertMatrix matrix(b, own.expert, weightType);
          Value weight = tensor::ExtractSliceOp::create(
              b, matrix.type, weights, matrix.offsets, matrix.sizes,
              matrix.strides);
          return forEachRow(b, own, result, [&](ExpertRows row, Value result) {
            Value target = sliceRows(b, result, row);
            Value zeros =
                linalg::FillOp::create(b, b.floatConstant(acc, 0), target)
                    .getResult(0);
            Value product = linalg::MatmulOp::create(
                                b, ValueRange{sliceRows(b, rows, row), weight},
                                ValueRange{zeros})
                                .getResult(0);
            auto slice = target.getDefiningOp<tensor::ExtractSliceOp>();
            return tensor::InsertSliceOp::create(
                       b, product, result, slice.getMixedOffsets(),
                       slice.getMixedSizes(), slice.getMixedStrides())
                .getResult();
          });
        });
    result = b.convert(result, getElementTypeOrSelf(op.getType()));
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

/// For each expert the product of its rows, transposed, with their cotangents.
struct ConvertGroupedMatmulWgrad : OpRewritePattern<GroupedMatmulWgradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupedMatmulWgradOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), drows = op.getDrows();
    auto type = cast<RankedTensorType>(op.getType());
    FloatType acc = getAccumulatorType({rows.getType(), drows.getType(), type});
    // Loops: the row a and column b of the result, and the row i summed over.
    auto map = [&](ArrayRef<unsigned> positions) {
      return AffineMap::getMultiDimMapWithTargets(3, positions, b.getContext());
    };
    auto wide = RankedTensorType::get(type.getShape(), acc);
    Value result = forEachExpert(
        b, op.getOffsets(), b.dim(rows, 0),
        "offsets of moe.grouped_matmul_wgrad",
        b.filled(reifyResult(b, op->getResult(0)), b.floatConstant(acc, 0)),
        [&](ExpertRows own, Value result) -> Value {
          ExpertMatrix matrix(b, own.expert, wide);
          Value zeros = tensor::ExtractSliceOp::create(
              b, matrix.type, result, matrix.offsets, matrix.sizes,
              matrix.strides);
          Value sum =
              b.generic({sliceRows(b, rows, own), sliceRows(b, drows, own)},
                        {map({2, 0}), map({2, 1}), map({0, 1})}, zeros,
                        [&](ValueRange args) -> Value {
                          Value product = arith::MulFOp::create(
                              b, b.convertFloat(args[0], acc),
                              b.convertFloat(args[1], acc));
                          return arith::AddFOp::create(b, args[2], product);
                        });
          return tensor::InsertSliceOp::create(b, sum, result, matrix.offsets,
                                               matrix.sizes, matrix.strides);
        });
    result = b.convert(result, type.getElementType());
    rewriter.replaceOp(op, b.cast(result, type));
    return success();
  }
};

} // namespace

void moe::populateExpertPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertGroupedMatmul, ConvertGroupedMatmulWgrad>(
      patterns.getContext());
}
