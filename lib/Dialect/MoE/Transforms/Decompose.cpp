//===- Decompose.cpp - composite ops as grouped_matmul and linalg ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompositions.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/Activation.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_MOEDECOMPOSE
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// expert_ffn as products and one element-wise op between them.
struct DecomposeExpertFFN : OpRewritePattern<ExpertFFNOp> {
  using OpRewritePattern::OpRewritePattern;

  /// rows @ weight in `element`, for each expert's rows or for all.
  static Value multiply(TensorBuilder &b, Value rows, Value weight,
                        Value offsets, Type element) {
    unsigned rank = cast<RankedTensorType>(weight.getType()).getRank();
    TensorBuilder::Sizes sizes{b.size(rows, 0), b.size(weight, rank - 1)};
    if (!offsets)
      return linalg::MatmulOp::create(
                 b, ValueRange{rows, weight},
                 ValueRange{b.filled(sizes, b.floatConstant(element, 0))})
          .getResult(0);
    auto type = cast<RankedTensorType>(b.empty(sizes, element).getType());
    return GroupedMatmulOp::create(b, type, rows, weight, offsets);
  }

  /// The bias of each row: row i of an [E,n] table belongs to the expert whose
  /// range of offsets holds i. Without offsets one vector serves all rows.
  static Value addBias(TensorBuilder &b, Value rows, Value bias,
                       Value offsets) {
    if (!bias)
      return rows;
    Type element = getElementTypeOrSelf(rows);
    auto add = [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(b, x, b.convertFloat(y, element));
    };
    if (!offsets)
      return b.withVector(rows, bias, element, [&](ValueRange args) {
        return add(args[0], args[1]);
      });
    AffineMap full = b.getMultiDimIdentityMap(2);
    return b.generic({rows, expertOfRow(b, rows, offsets)},
                     {full, full.getMajorSubMap(1), full},
                     b.empty(b.sizes(rows), element), [&](ValueRange args) {
                       Value expert = arith::IndexCastOp::create(
                           b, b.getIndexType(), args[1]);
                       Value column = linalg::IndexOp::create(b, 1);
                       return add(args[0], b.extract(bias, {expert, column}));
                     });
  }

  /// The expert of each row, [S] i32: how many experts end at or before it,
  /// at most E-1 (rows past offsets[E] have no expert and no meaning).
  static Value expertOfRow(TensorBuilder &b, Value rows, Value offsets) {
    int64_t experts =
        cast<RankedTensorType>(offsets.getType()).getDimSize(0) - 1;
    AffineExpr row = b.getAffineDimExpr(0), expert = b.getAffineDimExpr(1);
    // Counting the ends of the first E-1 experts cannot exceed E-1.
    Value ends = tensor::ExtractSliceOp::create(
        b, offsets, ArrayRef<OpFoldResult>{b.getIndexAttr(1)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(experts - 1)},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    Value zero = b.filled({b.size(rows, 0)}, b.i32Constant(0));
    return b.generic(
        ends,
        {AffineMap::get(2, 0, {expert}, b.getContext()),
         AffineMap::get(2, 0, {row}, b.getContext())},
        zero, [&](ValueRange args) -> Value {
          Value i = arith::IndexCastOp::create(b, b.getI32Type(),
                                               linalg::IndexOp::create(b, 0));
          Value past =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sge, i, args[0]);
          Value one = arith::ExtUIOp::create(b, b.getI32Type(), past);
          return arith::AddIOp::create(b, args[1], one);
        });
  }

  LogicalResult matchAndRewrite(ExpertFFNOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    SmallVector<Type> types(op->getOperandTypes());
    types.push_back(op.getType());
    llvm::erase_if(types, [](Type type) {
      return !isa<FloatType>(getElementTypeOrSelf(type));
    });
    FloatType acc = getAccumulatorType(types);
    Type stored = getElementTypeOrSelf(op.getRows());
    Value offsets = op.getOffsets();

    Value up = multiply(b, op.getRows(), op.getUp(), offsets, acc);
    up = addBias(b, up, op.getUpBias(), offsets);
    double limit = op.getLimit() ? op.getLimit()->convertToDouble()
                                 : std::numeric_limits<double>::infinity();
    // NaN passes through, as arith.maximumf and minimumf have it.
    auto clamp = [&](Value x, bool below) -> Value {
      if (!op.getLimit())
        return x;
      x = arith::MinimumFOp::create(b, x, b.floatConstant(acc, limit));
      if (below)
        x = arith::MaximumFOp::create(b, x, b.floatConstant(acc, -limit));
      return x;
    };
    double alpha = op.getAlpha() ? op.getAlpha()->convertToDouble() : 1.0;
    Value hidden;
    if (op.getGate()) {
      Value gate = multiply(b, op.getRows(), op.getGate(), offsets, acc);
      gate = addBias(b, gate, op.getGateBias(), offsets);
      hidden = b.elementwise({gate, up}, stored, [&](ValueRange args) {
        Value g =
            emitActivation(b, op.getActivation(), clamp(args[0], false), alpha);
        Value u = clamp(args[1], true);
        if (op.getUpOffset())
          u = arith::AddFOp::create(
              b, u, b.floatConstant(acc, op.getUpOffset()->convertToDouble()));
        return b.convertFloat(arith::MulFOp::create(b, g, u), stored);
      });
    } else {
      hidden = b.elementwise(up, stored, [&](ValueRange args) {
        Value h =
            emitActivation(b, op.getActivation(), clamp(args[0], true), alpha);
        return b.convertFloat(h, stored);
      });
    }
    Value result = multiply(b, hidden, op.getDown(), offsets, acc);
    result = addBias(b, result, op.getDownBias(), offsets);
    result = b.convert(result, getElementTypeOrSelf(op.getType()));
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

struct DecomposePass : moe::impl::MoEDecomposeBase<DecomposePass> {
  using MoEDecomposeBase::MoEDecomposeBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposePatterns(patterns, experts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void moe::populateDecomposePatterns(RewritePatternSet &patterns, bool experts) {
  if (experts)
    patterns.add<DecomposeExpertFFN>(patterns.getContext());
  populateDagDecompositions(patterns);
  populateLoopDecompositions(patterns);
  populateTransportDecompositions(patterns);
}
