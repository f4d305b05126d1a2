//===- Grouping.cpp - group, dispatch and combine as plain loops ----------===//
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

/// for i in [0, n): state = body(i, state).
SmallVector<Value>
forEach(TensorBuilder &b, Value n, ValueRange init,
        llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      b, b.indexConstant(0), n, b.indexConstant(1), init,
      [&](OpBuilder &inner, Location, Value i, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(inner.getInsertionBlock(),
                            inner.getInsertionPoint());
        SmallVector<Value> next = body(i, state);
        scf::YieldOp::create(b, next);
      });
  return SmallVector<Value>(loop.getResults());
}

/// A stable counting sort: count, scan, place.
struct ConvertGroup : OpRewritePattern<GroupOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value indices = op.getIndices();
    int64_t experts = op.getNumExperts(), slots = op.getNumSlots();
    Value one = b.i32Constant(1), minusOne = b.i32Constant(-1),
          zero32 = b.i32Constant(0);
    Value expertCount = b.i32Constant(experts);
    OpFoldResult rows = b.multiply(b.size(indices, 0), slots);
    Value numRows = b.materialize(rows);
    moek::RequireOp::create(
        b, numRows, moek::Relation::le,
        b.indexConstant(std::numeric_limits<int32_t>::max()),
        "T*K of moe.group");
    moek::CheckIndicesOp::create(b, indices, b.indexConstant(-1),
                                 b.indexConstant(op.getIndexBound()),
                                 "indices of moe.group");
    // A capacity below 0 admits nothing; one beyond the rows admits everything.
    Value capacity;
    if (op.getCapacity()) {
      Value bounded = arith::MinSIOp::create(b, op.getCapacity(), numRows);
      capacity = arith::IndexCastOp::create(b, b.getI32Type(), bounded);
    }
    auto tokenAndSlot = [&](Value i) {
      Value width = b.indexConstant(slots);
      Value token = arith::DivUIOp::create(b, i, width);
      Value slot = arith::RemUIOp::create(b, i, width);
      return std::pair(token, slot);
    };
    // The expert of slot i and whether it is one that has rows.
    auto expertOf = [&](Value i) {
      auto [token, slot] = tokenAndSlot(i);
      Value expert = b.extract(indices, {token, slot});
      Value has = isInRange(b, expert, zero32, expertCount);
      Value safe = arith::SelectOp::create(b, has, expert, zero32);
      Value index = arith::IndexCastOp::create(b, b.getIndexType(), safe);
      return std::pair(index, has);
    };

    OpFoldResult expertSize = b.getIndexAttr(experts);
    Value counts = forEach(
        b, numRows, b.filled({expertSize}, zero32),
        [&](Value i, ValueRange state) -> SmallVector<Value> {
          auto [expert, take] = expertOf(i);
          Value count = b.extract(state[0], expert);
          if (capacity) {
            Value room = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                               count, capacity);
            take = arith::AndIOp::create(b, take, room);
          }
          Value more = arith::AddIOp::create(
              b, count, arith::ExtUIOp::create(b, b.getI32Type(), take));
          return {b.insert(more, state[0], expert)};
        })[0];

    Value first = b.filled({b.getIndexAttr(experts + 1)}, zero32);
    Value offsets =
        forEach(b, b.indexConstant(experts), first,
                [&](Value e, ValueRange state) -> SmallVector<Value> {
                  Value end = arith::AddIOp::create(b, b.extract(state[0], e),
                                                    b.extract(counts, e));
                  Value next = arith::AddIOp::create(b, e, b.indexConstant(1));
                  return {b.insert(end, state[0], next)};
                })[0];

    // next[e] = the row that the next slot of expert e gets.
    Value next = tensor::ExtractSliceOp::create(
        b, offsets, ArrayRef<OpFoldResult>{b.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{expertSize},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    SmallVector<Value> placed = forEach(
        b, numRows,
        {b.filled({rows}, minusOne), b.filled(b.sizes(indices), minusOne),
         next},
        [&](Value i, ValueRange state) -> SmallVector<Value> {
          auto [expert, has] = expertOf(i);
          auto [token, slot] = tokenAndSlot(i);
          Value row = b.extract(state[2], expert);
          Value end = b.extract(offsets, ValueRange{arith::AddIOp::create(
                                             b, expert, b.indexConstant(1))});
          Value room =
              arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, end);
          Value take = arith::AndIOp::create(b, has, room);
          Value rowSlot = branch(
              b, take,
              [&]() -> Value {
                Value at = arith::IndexCastOp::create(b, b.getIndexType(), row);
                Value flat = arith::IndexCastOp::create(b, b.getI32Type(), i);
                return b.insert(flat, state[0], at);
              },
              state[0]);
          Value slotRow =
              b.insert(arith::SelectOp::create(b, take, row, minusOne),
                       state[1], {token, slot});
          Value more = arith::AddIOp::create(b, row, one);
          Value after = b.insert(arith::SelectOp::create(b, take, more, row),
                                 state[2], expert);
          return {rowSlot, slotRow, after};
        });
    rewriter.replaceOp(op, {b.cast(placed[0], op.getRowSlot().getType()),
                            b.cast(placed[1], op.getSlotRow().getType()),
                            b.cast(offsets, op.getOffsets().getType())});
    return success();
  }
};

/// rows[i,:] = x[row_slot[i] / k, :], NaN where there is no slot.
struct ConvertDispatch : OpRewritePattern<DispatchOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DispatchOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value x = op.getX();
    Type element = getElementTypeOrSelf(op.getRows());
    Value bound = b.materialize(b.multiply(b.size(x, 0), op.getSlots()));
    Value zero = b.indexConstant(0), width = b.indexConstant(op.getSlots());
    Value nan =
        b.floatConstant(element, std::numeric_limits<double>::quiet_NaN());
    moek::CheckIndicesOp::create(b, op.getRowSlot(), b.indexConstant(-1), bound,
                                 "row_slot of moe.dispatch");
    AffineMap full = b.getMultiDimIdentityMap(2);
    TensorBuilder::Sizes sizes = reifyResult(b, op->getResult(0));
    Value rows = b.generic(
        op.getRowSlot(), {full.getMajorSubMap(1), full},
        b.empty(sizes, element), [&](ValueRange args) -> Value {
          Value slot = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          Value valid = isInRange(b, slot, zero, bound);
          Value column = linalg::IndexOp::create(b, 1);
          return branch(
              b, valid,
              [&] {
                Value token = arith::DivUIOp::create(b, slot, width);
                return b.convertFloat(b.extract(x, {token, column}), element);
              },
              nan);
        });
    rewriter.replaceOp(op, b.cast(rows, op.getType()));
    return success();
  }
};

/// y[t,:] = sum over k of weights[t,k] * rows[slot_row[t,k], :], skipping -1.
struct ConvertCombine : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), weights = op.getWeights();
    FloatType acc = getAccumulatorType({rows.getType(), op.getY().getType(),
                                        weights ? weights.getType() : Type()});
    Value bound = b.dim(rows, 0), zero = b.indexConstant(0);
    moek::CheckIndicesOp::create(b, op.getSlotRow(), b.indexConstant(-1), bound,
                                 "slot_row of moe.combine");
    AffineExpr t = b.getAffineDimExpr(0), d = b.getAffineDimExpr(1),
               k = b.getAffineDimExpr(2);
    AffineMap slots = AffineMap::get(3, 0, {t, k}, b.getContext());
    SmallVector<Value> inputs{op.getSlotRow()};
    if (weights)
      inputs.push_back(weights);
    SmallVector<AffineMap> maps(inputs.size(), slots);
    maps.push_back(AffineMap::get(3, 0, {t, d}, b.getContext()));
    Value init =
        b.filled(reifyResult(b, op->getResult(0)), b.floatConstant(acc, 0));
    Value y = b.generic(inputs, maps, init, [&](ValueRange args) -> Value {
      Value row = arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
      Value valid = isInRange(b, row, zero, bound);
      Value column = linalg::IndexOp::create(b, 1);
      Value sum = args.back();
      return branch(
          b, valid,
          [&]() -> Value {
            Value term = b.convertFloat(b.extract(rows, {row, column}), acc);
            if (weights)
              term =
                  arith::MulFOp::create(b, b.convertFloat(args[1], acc), term);
            return arith::AddFOp::create(b, sum, term);
          },
          sum);
    });
    y = b.convert(y, getElementTypeOrSelf(op.getY()));
    rewriter.replaceOp(op, b.cast(y, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateGroupingPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertGroup, ConvertDispatch, ConvertCombine>(
      patterns.getContext());
}
