//===- Loop.cpp - iter_encode as a loop over frequencies ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moe;

namespace {

/// code[i] = cos(angle(i)), code[c/2 + i] = sin(angle(i)), in f64.
struct ConvertIterEncode : OpRewritePattern<IterEncodeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IterEncodeOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    int64_t half = type.getDimSize(0) / 2;
    Type f64 = b.getF64Type();
    auto toFloat = [&](Value index) -> Value {
      Value wide = arith::IndexCastOp::create(b, b.getI64Type(), index);
      return arith::SIToFPOp::create(b, f64, wide);
    };
    Value k = toFloat(op.getK());
    Value period = b.floatConstant(f64, op.getMaxPeriod().convertToDouble());
    Value code = b.generic(
        {}, {b.getMultiDimIdentityMap(1)},
        b.empty({b.getIndexAttr(2 * half)}, type.getElementType()),
        [&](ValueRange) -> Value {
          Value position = linalg::IndexOp::create(b, 0);
          Value middle = b.indexConstant(half);
          Value i = arith::RemUIOp::create(b, position, middle);
          Value power =
              arith::DivFOp::create(b, toFloat(i), b.floatConstant(f64, -half));
          Value frequency = math::PowFOp::create(b, period, power);
          Value angle = arith::MulFOp::create(b, k, frequency);
          Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                              position, middle);
          Value number =
              arith::SelectOp::create(b, first, math::CosOp::create(b, angle),
                                      math::SinOp::create(b, angle));
          return b.convertFloat(number, type.getElementType());
        });
    rewriter.replaceOp(op, code);
    return success();
  }
};

} // namespace

void moe::populateLoopPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertIterEncode>(patterns.getContext());
}
