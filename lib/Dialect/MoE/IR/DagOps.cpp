//===- DagOps.cpp - verifiers, shapes and folds of the DAG ops ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// collect
//===----------------------------------------------------------------------===//

LogicalResult CollectOp::verify() {
  // collect_c1
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  // collect_c2
  if (failed(expectStatic(*this, "slot_row", getSlotRow(), 1)))
    return failure();
  // collect_c3
  if (failed(expectStatic(*this, "slots", getSlots(), 1)) ||
      failed(expectStatic(*this, "slots", getSlots(), 2)))
    return failure();
  return expectShape(*this, "slots", getSlots(),
                     {dimSize(getSlotRow(), 0), dimSize(getSlotRow(), 1),
                      dimSize(getRows(), 1)});
}

LogicalResult
CollectOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getSlotRow(), 0),
             builder.getIndexAttr(dimSize(getSlotRow(), 1)),
             builder.getIndexAttr(dimSize(getRows(), 1))}};
  return success();
}

/// The value that `value` is an extension of, or itself.
static Value skipExtension(Value value) {
  auto extension = value.getDefiningOp<arith::ExtFOp>();
  return extension ? extension.getIn() : value;
}

/// Returns true if `op` computes, for each t and d, the sum over k of
/// input0[t,k,d] or of input0[t,k,d] * input1[t,k], from 0, in the type of the
/// result. Its loops may come in any order.
static bool isSumOverSlots(linalg::GenericOp op) {
  bool weighted = op.getNumDpsInputs() == 2;
  if ((op.getNumDpsInputs() != 1 && !weighted) || op.getNumDpsInits() != 1 ||
      op.getNumResults() != 1 || op.getNumLoops() != 3)
    return false;
  // Loops: t and d are those of the result, k is the third one.
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap result = maps.back();
  if (!result.isProjectedPermutation() || result.getNumResults() != 2)
    return false;
  unsigned t = result.getDimPosition(0), d = result.getDimPosition(1),
           k = 3 - t - d;
  auto isMap = [&](AffineMap map, ArrayRef<unsigned> loops) {
    return map ==
           AffineMap::getMultiDimMapWithTargets(3, loops, op.getContext());
  };
  if (!isMap(maps[0], {t, k, d}) || (weighted && !isMap(maps[1], {t, k})) ||
      op.getIteratorTypesArray()[k] != utils::IteratorType::reduction)
    return false;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_PosZeroFloat()))
    return false;

  Block *body = op.getBody();
  Value slot = body->getArgument(0), sum = body->getArguments().back();
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || (add.getLhs() != sum && add.getRhs() != sum))
    return false;
  Value term = add.getLhs() == sum ? add.getRhs() : add.getLhs();
  if (!weighted)
    return skipExtension(term) == slot;
  auto product = term.getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  Value weight = body->getArgument(1);
  Value lhs = skipExtension(product.getLhs()),
        rhs = skipExtension(product.getRhs());
  return (lhs == slot && rhs == weight) || (lhs == weight && rhs == slot);
}

namespace {
/// A (weighted) sum over the slots of a collect is a combine.
struct CombineCollectedSum : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    auto collect = op.getNumDpsInputs() == 0
                       ? CollectOp()
                       : op.getInputs()[0].getDefiningOp<CollectOp>();
    if (!collect || !isSumOverSlots(op))
      return rewriter.notifyMatchFailure(op, "not a sum over collected slots");
    // Neither the collect nor the sum may round more often than the combine.
    Value rows = collect.getRows();
    Value weights = op.getNumDpsInputs() == 2 ? op.getInputs()[1] : Value();
    SmallVector<Type> types{rows.getType(), op.getResultTypes()[0]};
    if (weights)
      types.push_back(weights.getType());
    if (getElementTypeOrSelf(collect.getSlots()) !=
            getElementTypeOrSelf(rows) ||
        getElementTypeOrSelf(types[1]) != getAccumulatorType(types))
      return rewriter.notifyMatchFailure(op, "the sum rounds on its way");
    rewriter.replaceOpWithNewOp<CombineOp>(op, types[1], rows,
                                           collect.getSlotRow(), weights);
    return success();
  }
};
} // namespace

void CollectOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<CombineCollectedSum>(context);
}

//===----------------------------------------------------------------------===//
// dag_aggregate
//===----------------------------------------------------------------------===//

LogicalResult DagAggregateOp::verify() {
  // dag_aggregate_c1
  if (failed(expectStatic(*this, "slots", getSlots(), 1)) ||
      failed(expectStatic(*this, "slots", getSlots(), 2)))
    return failure();
  int64_t tokens = dimSize(getSlots(), 0), slots = getNumSlots(),
          width = dimSize(getSlots(), 2);
  // dag_aggregate_c2, _c3, _c4
  for (auto [name, value, size] :
       {std::tuple("weights", Value(getWeights()), slots),
        std::tuple("residual", Value(getResidual()), width),
        std::tuple("mask", Value(getMask()), slots)})
    if (value && (failed(expectStatic(*this, name, value, 1)) ||
                  failed(expectShape(*this, name, value, {tokens, size}))))
      return failure();
  // dag_aggregate_c5
  if (failed(expectStaticShape(*this, "edges", getEdges(), {slots, slots})))
    return failure();
  // dag_aggregate_c6
  int64_t depth = getDepth();
  if (ShapedType::isDynamic(depth))
    return emitOpError("gamma: dimension 0 must be static, got ?");
  if (failed(expectStaticShape(*this, "gamma", getGamma(), {depth, width})))
    return failure();
  // dag_aggregate_c7
  int64_t hidden = dimSize(getDown(), 2);
  if (failed(expectStatic(*this, "down", getDown(), 2)) ||
      failed(
          expectStaticShape(*this, "down", getDown(), {depth, width, hidden})))
    return failure();
  // dag_aggregate_c8
  if (failed(expectStaticShape(*this, "message", getMessage(),
                               {depth, hidden, multiplySizes(4, hidden)})))
    return failure();
  // dag_aggregate_c9
  if (failed(expectStaticShape(*this, "up", getUp(), {depth, hidden, width})))
    return failure();
  // dag_aggregate_c10
  if (failed(expectEpsilon(*this, getEpsilon())))
    return failure();
  // dag_aggregate_c11
  if (std::optional<APFloat> scale = getResidualScale()) {
    if (!getResidual())
      return emitOpError("residual_scale needs a residual");
    if (!scale->isFinite())
      return emitOpError("residual_scale: expected a finite value, got ")
             << scale->convertToDouble();
  }
  // dag_aggregate_c12
  if (failed(expectStatic(*this, "y", getY(), 1)))
    return failure();
  return expectShape(*this, "y", getY(), {tokens, width});
}

LogicalResult
DagAggregateOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getSlots(), 0),
             builder.getIndexAttr(dimSize(getSlots(), 2))}};
  return success();
}

/// The type that `op` computes in if its weights and edges count or do not.
static FloatType getDagAccumulator(DagAggregateOp op, bool weights,
                                   bool edges) {
  SmallVector<Type> types{op.getY().getType()};
  for (Value operand : op->getOperands())
    if (isa<FloatType>(getElementTypeOrSelf(operand)) &&
        (weights || operand != op.getWeights()) &&
        (edges || operand != op.getEdges()))
      types.push_back(operand.getType());
  return getAccumulatorType(types);
}

/// Returns true if `value` is a constant, all of whose elements are 1.
static bool isOnes(Value value) {
  DenseFPElementsAttr ones;
  return value && matchPattern(value, m_Constant(&ones)) && ones.isSplat() &&
         ones.getSplatValue<APFloat>().isExactlyValue(1.0);
}

namespace {
/// Drops what says nothing: weights and edges of 1, a residual scale of 1/K.
struct DropNeutralDagOperands : OpRewritePattern<DagAggregateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DagAggregateOp op,
                                PatternRewriter &rewriter) const override {
    // An operand that makes the sums f64 says that.
    FloatType all = getDagAccumulator(op, true, true);
    bool weights =
        isOnes(op.getWeights()) && getDagAccumulator(op, false, true) == all;
    bool edges =
        isOnes(op.getEdges()) && getDagAccumulator(op, !weights, false) == all;
    bool scale = op.getResidualScale() &&
                 op.getResidualScale()->isExactlyValue(1.0 / op.getNumSlots());
    if (!weights && !edges && !scale)
      return rewriter.notifyMatchFailure(op, "no neutral operand");
    rewriter.modifyOpInPlace(op, [&] {
      if (weights)
        op.getWeightsMutable().clear();
      if (edges)
        op.getEdgesMutable().clear();
      if (scale)
        op.removeResidualScaleAttr();
    });
    return success();
  }
};

/// A graph of depth 0 is the weighted sum of its nodes, to which the residual
/// is added once a node.
struct SumGraphOfDepthZero : OpRewritePattern<DagAggregateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DagAggregateOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getDepth() != 0)
      return rewriter.notifyMatchFailure(op, "the graph has a depth");
    TensorBuilder b(op.getLoc(), rewriter);
    FloatType sumType = getDagAccumulator(op, true, true);
    Value sum = sumSlots(b, op, sumType);
    if (op.getResidual())
      sum = addResidual(b, op, sumType, sum);
    auto type = cast<RankedTensorType>(op.getY().getType());
    rewriter.replaceOp(op, b.cast(b.convert(sum, type.getElementType()), type));
    return success();
  }

private:
  /// Is node (t,i) there? `mask` is its entry of the mask.
  static Value isLive(TensorBuilder &b, Value mask) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, mask,
                                 b.i32Constant(0));
  }

  /// The weighted sum of the live nodes, [T,d]: in `type`, or rounded to the
  /// type of the result if nothing is added.
  static Value sumSlots(TensorBuilder &b, DagAggregateOp op, FloatType type) {
    TensorBuilder::Sizes shape{b.size(op.getSlots(), 0),
                               b.size(op.getSlots(), 2)};
    auto collect = op.getSlots().getDefiningOp<CollectOp>();
    if (collect && op.getMask() == collect.getSlotRow() &&
        getElementTypeOrSelf(collect.getRows()) ==
            getElementTypeOrSelf(op.getSlots())) {
      Type element = op.getResidual() ? type : getElementTypeOrSelf(op.getY());
      return CombineOp::create(
          b, RankedTensorType::get(decomposeMixedValues(shape).first, element),
          collect.getRows(), collect.getSlotRow(), op.getWeights());
    }

    AffineExpr t = b.getAffineDimExpr(0), d = b.getAffineDimExpr(1),
               k = b.getAffineDimExpr(2);
    auto map = [&](ArrayRef<AffineExpr> loops) {
      return AffineMap::get(3, 0, loops, b.getContext());
    };
    SmallVector<Value> inputs{op.getSlots()};
    SmallVector<AffineMap> maps{map({t, k, d})};
    for (Value perSlot : {Value(op.getWeights()), Value(op.getMask())})
      if (perSlot) {
        inputs.push_back(perSlot);
        maps.push_back(map({t, k}));
      }
    maps.push_back(map({t, d}));
    Value zero = b.filled(shape, b.floatConstant(type, 0));
    return b.generic(inputs, maps, zero, [&](ValueRange args) -> Value {
      Value term = b.convertFloat(args[0], type);
      if (op.getWeights())
        term = arith::MulFOp::create(b, b.convertFloat(args[1], type), term);
      Value next = arith::AddFOp::create(b, args.back(), term);
      if (!op.getMask())
        return next;
      Value live = isLive(b, args[args.size() - 2]);
      return arith::SelectOp::create(b, live, next, args.back());
    });
  }

  /// `sum` [T,d] plus the share of the residual of each live node.
  static Value addResidual(TensorBuilder &b, DagAggregateOp op, FloatType type,
                           Value sum) {
    AffineMap td = AffineMap::getMultiDimIdentityMap(2, b.getContext());
    double share = op.getNodeResidualScale();
    if (!op.getMask())
      return b.generic(
          op.getResidual(), {td, td}, sum, [&](ValueRange args) -> Value {
            Value term = b.convertFloat(args[0], type);
            double scale = share * op.getNumSlots();
            if (scale != 1.0)
              term =
                  arith::MulFOp::create(b, b.floatConstant(type, scale), term);
            return arith::AddFOp::create(b, args[1], term);
          });
    auto map = [&](ArrayRef<unsigned> loops) {
      return AffineMap::getMultiDimMapWithTargets(3, loops, b.getContext());
    };
    return b.generic(
        {op.getResidual(), op.getMask()},
        {map({0, 1}), map({0, 2}), map({0, 1})}, sum,
        [&](ValueRange args) -> Value {
          Value term = arith::MulFOp::create(b, b.floatConstant(type, share),
                                             b.convertFloat(args[0], type));
          Value next = arith::AddFOp::create(b, args[2], term);
          return arith::SelectOp::create(b, isLive(b, args[1]), next, args[2]);
        });
  }
};
} // namespace

void DagAggregateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                 MLIRContext *context) {
  patterns.add<DropNeutralDagOperands, SumGraphOfDepthZero>(context);
}
