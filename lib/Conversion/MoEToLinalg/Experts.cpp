//===- Experts.cpp - grouped_matmul as one matmul an expert ---------------===//
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

/// For each expert one matmul on the slice of its rows, accumulated in the wide
/// type; rows that belong to no expert keep NaN.
struct ConvertGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  /// offsets[e] as an index, clamped to [lower, rows].
  static Value bound(TensorBuilder &b, Value offsets, Value e, Value lower,
                     Value rows) {
    Value offset = arith::IndexCastOp::create(b, b.getIndexType(),
                                              b.extract(offsets, e));
    Value below = arith::MaxSIOp::create(b, offset, lower);
    return arith::MinSIOp::create(b, below, rows);
  }

  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), weights = op.getWeights(),
          offsets = op.getOffsets();
    auto weightType = cast<RankedTensorType>(weights.getType());
    int64_t in = weightType.getDimSize(1), out = weightType.getDimSize(2);
    FloatType acc = getAccumulatorType(
        {rows.getType(), weightType, op.getResult().getType()});
    Value numRows = b.dim(rows, 0);
    Value zero = b.indexConstant(0), one = b.indexConstant(1);
    moek::CheckOffsetsOp::create(b, offsets, numRows,
                                 "offsets of moe.grouped_matmul");
    Value nan = b.floatConstant(acc, std::numeric_limits<double>::quiet_NaN());
    Value init = b.filled(reifyResult(b, op->getResult(0)), nan);
    OpFoldResult step = b.getIndexAttr(1), start = b.getIndexAttr(0);

    auto perExpert = [&](Value e, Value result) -> Value {
      Value begin = bound(b, offsets, e, zero, numRows);
      Value after = arith::AddIOp::create(b, e, one);
      Value end = bound(b, offsets, after, begin, numRows);
      OpFoldResult count = arith::SubIOp::create(b, end, begin).getResult();
      auto slice = [&](Value tensor, int64_t width) -> Value {
        return tensor::ExtractSliceOp::create(
            b, tensor, ArrayRef<OpFoldResult>{begin, start},
            ArrayRef<OpFoldResult>{count, b.getIndexAttr(width)},
            ArrayRef<OpFoldResult>{step, step});
      };
      Value weight = tensor::ExtractSliceOp::create(
          b, RankedTensorType::get({in, out}, weightType.getElementType()),
          weights, ArrayRef<OpFoldResult>{e, start, start},
          ArrayRef<OpFoldResult>{step, b.getIndexAttr(in), b.getIndexAttr(out)},
          ArrayRef<OpFoldResult>{step, step, step});
      Value target = linalg::FillOp::create(b, b.floatConstant(acc, 0),
                                            slice(result, out))
                         .getResult(0);
      Value product =
          linalg::MatmulOp::create(b, ValueRange{slice(rows, in), weight},
                                   ValueRange{target})
              .getResult(0);
      return tensor::InsertSliceOp::create(
          b, product, result, ArrayRef<OpFoldResult>{begin, start},
          ArrayRef<OpFoldResult>{count, b.getIndexAttr(out)},
          ArrayRef<OpFoldResult>{step, step});
    };

    Value result =
        scf::ForOp::create(
            b, zero, b.indexConstant(weightType.getDimSize(0)), one, init,
            [&](OpBuilder &inner, Location, Value e, ValueRange state) {
              OpBuilder::InsertionGuard guard(b);
              b.setInsertionPoint(inner.getInsertionBlock(),
                                  inner.getInsertionPoint());
              Value next = perExpert(e, state[0]);
              scf::YieldOp::create(b, next);
            })
            .getResult(0);
    result = b.convert(result, getElementTypeOrSelf(op.getType()));
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateExpertPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertGroupedMatmul>(patterns.getContext());
}
