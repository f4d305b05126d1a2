//===- Routing.cpp - route as top_k and linalg, top_k as loops ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/Activation.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moe;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The steps of a route, on [T,..] tensors in the accumulator type `acc`.
class RouteEmitter {
public:
  RouteEmitter(RouteOp op, TensorBuilder &b)
      : op(op), b(b), acc(getAccumulatorType(
                          {op.getLogits().getType(), op.getWeights().getType(),
                           op.getBias() ? op.getBias().getType() : Type(),
                           op.getKeys() ? op.getKeys().getType() : Type()})) {}

  void emit(PatternRewriter &rewriter) {
    Value scores = emitScores();
    Value keys = maskGroups(emitKeys(scores));
    auto [indices, selected] = topK(keys, scores, op.getNumSlots());
    if (op.getTopP())
      std::tie(indices, selected) = cutByMass(indices, selected);
    Value weights = emitWeights(indices, selected);
    weights = b.convert(weights, getElementTypeOrSelf(op.getWeights()));
    rewriter.replaceOp(op, {b.cast(indices, op.getIndices().getType()),
                            b.cast(weights, op.getWeights().getType())});
  }

private:
  Value zero() { return b.floatConstant(acc, 0); }

  /// top_k of keys, with the values at the selected indices.
  std::pair<Value, Value> topK(Value keys, Value values, int64_t slots) {
    TensorBuilder::Sizes sizes{b.size(keys, 0), b.getIndexAttr(slots)};
    Type indexType = b.empty(sizes, b.getI32Type()).getType();
    Type valueType = b.empty(sizes, acc).getType();
    auto topK = TopKOp::create(b, TypeRange{indexType, valueType}, keys,
                               values == keys ? Value() : values);
    return {topK.getIndices(), topK.getSelected()};
  }

  /// Scores of all experts, [T,E].
  Value emitScores() {
    Value logits = b.convert(op.getLogits(), acc);
    switch (op.getScore()) {
    case Score::identity:
      return logits;
    case Score::softmax:
      return b.softmax(logits);
    case Score::sigmoid:
      return b.elementwise(logits, acc, [&](ValueRange args) {
        return emitSigmoid(b, args[0]);
      });
    }
    llvm_unreachable("covered switch");
  }

  /// Keys of the selection, [T,E].
  Value emitKeys(Value scores) {
    if (op.getKeys())
      return b.convert(op.getKeys(), acc);
    if (!op.getBias())
      return scores;
    Value bias = b.convert(op.getBias(), acc);
    return b.withVector(scores, bias, acc, [&](ValueRange args) -> Value {
      return arith::AddFOp::create(b, args[0], args[1]);
    });
  }

  /// Keys with -inf wherever the expert's group is not kept.
  Value maskGroups(Value keys) {
    if (!op.getNumGroups())
      return keys;
    int64_t groups = *op.getNumGroups(), members = op.getNumExperts() / groups;
    Value ranks = rankGroups(keys, groups, members);
    Value kept = topK(ranks, ranks, *op.getKeptGroups()).first;
    // An expert stays if one of the kept groups is its own.
    AffineExpr t = b.getAffineDimExpr(0), e = b.getAffineDimExpr(1),
               j = b.getAffineDimExpr(2);
    Value none = b.filled(b.sizes(keys), b.i32Constant(0));
    Value hits = b.generic(
        kept,
        {AffineMap::get(3, 0, {t, j}, b.getContext()),
         AffineMap::get(3, 0, {t, e}, b.getContext())},
        none, [&](ValueRange args) -> Value {
          Value expert = arith::IndexCastOp::create(
              b, b.getI32Type(), linalg::IndexOp::create(b, 1));
          Value group =
              arith::DivSIOp::create(b, expert, b.i32Constant(members));
          Value hit = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                            args[0], group);
          Value one = arith::ExtUIOp::create(b, b.getI32Type(), hit);
          return arith::AddIOp::create(b, args[1], one);
        });
    return b.elementwise({keys, hits}, acc, [&](ValueRange args) -> Value {
      Value hit = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, args[1],
                                        b.i32Constant(0));
      return arith::SelectOp::create(b, hit, args[0],
                                     b.floatConstant(acc, -kInfinity));
    });
  }

  /// Sum of the n best keys of each group, [T,G]; -inf if fewer are admissible.
  Value rankGroups(Value keys, int64_t groups, int64_t members) {
    OpFoldResult tokens = b.size(keys, 0);
    int64_t staticTokens = cast<RankedTensorType>(keys.getType()).getDimSize(0);
    auto typeOf = [&](ArrayRef<int64_t> shape) {
      return RankedTensorType::get(shape, acc);
    };
    Value cube = tensor::ExpandShapeOp::create(
        b, typeOf({staticTokens, groups, members}), keys,
        ArrayRef<ReassociationIndices>{{0}, {1, 2}},
        TensorBuilder::Sizes{tokens, b.getIndexAttr(groups),
                             b.getIndexAttr(members)});
    int64_t staticRows = ShapedType::isDynamic(staticTokens)
                             ? ShapedType::kDynamic
                             : staticTokens * groups;
    Value rows = tensor::CollapseShapeOp::create(
        b, typeOf({staticRows, members}), cube,
        ArrayRef<ReassociationIndices>{{0, 1}, {2}});
    auto [indices, best] = topK(rows, rows, *op.getGroupTop());
    Value admitted =
        b.elementwise({indices, best}, acc, [&](ValueRange args) -> Value {
          Value missing = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                args[0], b.i32Constant(0));
          return arith::SelectOp::create(
              b, missing, b.floatConstant(acc, -kInfinity), args[1]);
        });
    Value sums = b.reduceLast(admitted, zero(), [&](ValueRange args) -> Value {
      return arith::AddFOp::create(b, args[1], args[0]);
    });
    return tensor::ExpandShapeOp::create(
        b, typeOf({staticTokens, groups}), sums,
        ArrayRef<ReassociationIndices>{{0, 1}},
        TensorBuilder::Sizes{tokens, b.getIndexAttr(groups)});
  }

  /// Cuts the slots before which the scores already sum to top_p or more.
  std::pair<Value, Value> cutByMass(Value indices, Value selected) {
    AffineExpr t = b.getAffineDimExpr(0), k = b.getAffineDimExpr(1),
               j = b.getAffineDimExpr(2);
    Value before = b.generic(
        selected,
        {AffineMap::get(3, 0, {t, j}, b.getContext()),
         AffineMap::get(3, 0, {t, k}, b.getContext())},
        b.filled(b.sizes(selected), zero()), [&](ValueRange args) -> Value {
          Value earlier = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                linalg::IndexOp::create(b, 2),
                                                linalg::IndexOp::create(b, 1));
          Value sum = arith::AddFOp::create(b, args[1], args[0]);
          return arith::SelectOp::create(b, earlier, sum, args[1]);
        });
    Value mass = b.floatConstant(acc, op.getTopP()->convertToDouble());
    auto stays = [&](Value sum) -> Value {
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, sum, mass);
    };
    Value cutIndices = b.elementwise(
        {indices, before}, b.getI32Type(), [&](ValueRange args) -> Value {
          return arith::SelectOp::create(b, stays(args[1]), args[0],
                                         b.i32Constant(-1));
        });
    Value cutSelected =
        b.elementwise({selected, before}, acc, [&](ValueRange args) -> Value {
          return arith::SelectOp::create(b, stays(args[1]), args[0], zero());
        });
    return {cutIndices, cutSelected};
  }

  /// Sum over the slots of a token, [T].
  Value sumSlots(Value slots) {
    return b.reduceLast(slots, zero(), [&](ValueRange args) -> Value {
      return arith::AddFOp::create(b, args[1], args[0]);
    });
  }

  /// exp(selected - largest) of the slots in use, 0 elsewhere.
  Value emitPowers(Value indices, Value selected) {
    Value used =
        b.elementwise({indices, selected}, acc, [&](ValueRange args) -> Value {
          return selectUsed(args[0], args[1], -kInfinity);
        });
    Value largest = b.reduceLast(
        used, b.floatConstant(acc, -kInfinity), [&](ValueRange args) -> Value {
          return arith::MaximumFOp::create(b, args[0], args[1]);
        });
    Value powers =
        b.withRows(used, largest, acc, [&](ValueRange args) -> Value {
          return math::ExpOp::create(
              b, arith::SubFOp::create(b, args[0], args[1]));
        });
    return b.elementwise({indices, powers}, acc, [&](ValueRange args) {
      return selectUsed(args[0], args[1], 0);
    });
  }

  /// `value` if the slot of `index` is in use, else the constant `other`.
  Value selectUsed(Value index, Value value, double other) {
    Value used = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, index,
                                       b.i32Constant(0));
    return arith::SelectOp::create(b, used, value, b.floatConstant(acc, other));
  }

  /// Weights of the slots, [T,K]; 0 where the slot is not in use.
  Value emitWeights(Value indices, Value selected) {
    Value raw = selected, divisor;
    if (op.getRule() == WeightRule::softmax_selected)
      raw = emitPowers(indices, selected);
    if (op.getRule() == WeightRule::softmax_selected ||
        op.getRule() == WeightRule::normalized)
      divisor = sumSlots(raw);
    else
      divisor = b.filled({b.size(raw, 0)}, b.floatConstant(acc, 1));
    double epsilon = op.getEpsilon() ? op.getEpsilon()->convertToDouble() : 0;
    AffineMap full = b.getMultiDimIdentityMap(2);
    return b.generic(
        {indices, raw, divisor}, {full, full, full.getMajorSubMap(1), full},
        b.empty(b.sizes(raw), acc), [&](ValueRange args) -> Value {
          Value weight = args[1], sum = args[2];
          if (op.getRule() == WeightRule::unit)
            weight = b.floatConstant(acc, 1);
          if (epsilon != 0)
            sum = arith::AddFOp::create(b, sum, b.floatConstant(acc, epsilon));
          if (op.getRule() == WeightRule::softmax_selected ||
              op.getRule() == WeightRule::normalized)
            weight = arith::DivFOp::create(b, weight, sum);
          if (op.getScale())
            weight = arith::MulFOp::create(
                b, weight,
                b.floatConstant(acc, op.getScale()->convertToDouble()));
          return selectUsed(args[0], weight, 0);
        });
  }

  RouteOp op;
  TensorBuilder &b;
  FloatType acc;
};

struct ConvertRoute : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    RouteEmitter(op, b).emit(rewriter);
    return success();
  }
};

/// K passes over each row. Each looks for the best key that comes after the one
/// found before in the order (value descending, index ascending), so nothing is
/// marked or moved.
struct ConvertTopK : OpRewritePattern<TopKOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The (value, index) of the best admissible key of row `n` after
  /// (`lastValue`, `lastIndex`); index -1 if there is none.
  static std::pair<Value, Value> findNext(TensorBuilder &b, Value keys, Value n,
                                          Value candidates, Value lastValue,
                                          Value lastIndex) {
    Type type = getElementTypeOrSelf(keys);
    Value lowest = b.floatConstant(type, -kInfinity);
    Value none = b.indexConstant(-1);
    auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) {
      return arith::CmpFOp::create(b, predicate, x, y).getResult();
    };
    auto scan = scf::ForOp::create(
        b, b.indexConstant(0), candidates, b.indexConstant(1),
        ValueRange{lowest, none},
        [&](OpBuilder &inner, Location loc, Value m, ValueRange state) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(),
                              inner.getInsertionPoint());
          Value key = b.extract(keys, {n, m});
          Value equal = compare(arith::CmpFPredicate::OEQ, key, lastValue);
          Value later =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, m, lastIndex);
          Value after = arith::OrIOp::create(
              b, compare(arith::CmpFPredicate::OLT, key, lastValue),
              arith::AndIOp::create(b, equal, later));
          // Above -inf at first, above the best one then: NaN never is.
          Value better = compare(arith::CmpFPredicate::OGT, key, state[0]);
          Value take = arith::AndIOp::create(b, after, better);
          Value value = arith::SelectOp::create(b, take, key, state[0]);
          Value index = arith::SelectOp::create(b, take, m, state[1]);
          scf::YieldOp::create(b, ValueRange{value, index});
        });
    return {scan.getResult(0), scan.getResult(1)};
  }

  LogicalResult matchAndRewrite(TopKOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value keys = op.getKeys(), values = op.getValues() ? op.getValues() : keys;
    Type keyType = getElementTypeOrSelf(keys);
    Type selectedType = getElementTypeOrSelf(op.getSelected());
    TensorBuilder::Sizes sizes = reifyResult(b, op->getResult(0));
    Value candidates = b.dim(keys, 1);
    Value zero = b.indexConstant(0), one = b.indexConstant(1);
    Value slots = b.materialize(sizes[1]);
    Value nothing = b.floatConstant(selectedType, 0);
    auto at = [&](OpBuilder &inner) {
      b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    };

    auto perSlot = [&](Value n, Value k, ValueRange state) {
      auto [value, index] =
          findNext(b, keys, n, candidates, state[2], state[3]);
      Value found =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sge, index, zero);
      auto selected = scf::IfOp::create(
          b, found,
          [&, index = index](OpBuilder &inner, Location) {
            OpBuilder::InsertionGuard guard(b);
            at(inner);
            Value element = b.extract(values, {n, index});
            scf::YieldOp::create(b, b.convertFloat(element, selectedType));
          },
          [&](OpBuilder &inner, Location loc) {
            scf::YieldOp::create(inner, loc, nothing);
          });
      Value narrow = arith::IndexCastOp::create(b, b.getI32Type(), index);
      Value indices = b.insert(narrow, state[0], {n, k});
      Value picked = b.insert(selected.getResult(0), state[1], {n, k});
      scf::YieldOp::create(b, ValueRange{indices, picked, value, index});
    };

    Value first = b.floatConstant(keyType, kInfinity),
          before = b.indexConstant(-1);
    auto rows = scf::ForOp::create(
        b, zero, b.materialize(sizes[0]), one,
        ValueRange{b.empty(sizes, b.getI32Type()),
                   b.empty(sizes, selectedType)},
        [&](OpBuilder &inner, Location, Value n, ValueRange state) {
          OpBuilder::InsertionGuard guard(b);
          at(inner);
          auto loop = scf::ForOp::create(
              b, zero, slots, one,
              ValueRange{state[0], state[1], first, before},
              [&](OpBuilder &body, Location, Value k, ValueRange inState) {
                OpBuilder::InsertionGuard guard(b);
                at(body);
                perSlot(n, k, inState);
              });
          scf::YieldOp::create(b, loop.getResults().take_front(2));
        });
    rewriter.replaceOp(op,
                       {b.cast(rows.getResult(0), op.getIndices().getType()),
                        b.cast(rows.getResult(1), op.getSelected().getType())});
    return success();
  }
};

} // namespace

void moe::populateRoutingPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertRoute, ConvertTopK>(patterns.getContext());
}
