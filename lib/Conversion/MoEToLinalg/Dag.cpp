//===- Dag.cpp - collect as a gather --------------------------------------===//
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

using namespace mlir;
using namespace moe;

namespace {

/// slots[t,k,:] = rows[slot_row[t,k], :], 0 where there is no row.
struct ConvertCollect : OpRewritePattern<CollectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CollectOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), bound = b.dim(rows, 0);
    Type element = getElementTypeOrSelf(op.getSlots());
    moek::CheckIndicesOp::create(b, op.getSlotRow(), b.indexConstant(-1), bound,
                                 "slot_row of moe.collect");
    Value lower = b.indexConstant(0), zero = b.floatConstant(element, 0);
    AffineMap full = b.getMultiDimIdentityMap(3);
    Value slots = b.generic(
        op.getSlotRow(), {full.getMajorSubMap(2), full},
        b.empty(reifyResult(b, op->getResult(0)), element),
        [&](ValueRange args) -> Value {
          Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          Value valid = isInRange(b, row, lower, bound);
          Value column = linalg::IndexOp::create(b, 2);
          return branch(
              b, valid,
              [&] {
                return b.convertFloat(b.extract(rows, {row, column}), element);
              },
              zero);
        });
    rewriter.replaceOp(op, b.cast(slots, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateDagPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertCollect>(patterns.getContext());
}
