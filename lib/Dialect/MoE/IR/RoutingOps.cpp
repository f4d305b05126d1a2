//===- RoutingOps.cpp - verifiers, shapes and folds of the routing ops ----===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A comment like "route_c3" names the constraint of the op's documentation that
// the check below it implements, and the test that violates it.

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// route
//===----------------------------------------------------------------------===//

/// Checks the three numbers of `groups(G keep g by top_sum n)` against E and K.
static LogicalResult verifyGroups(RouteOp op) {
  std::optional<uint64_t> groups = op.getNumGroups(), kept = op.getKeptGroups(),
                          top = op.getGroupTop();
  // route_c7
  if (groups.has_value() != kept.has_value() ||
      groups.has_value() != top.has_value())
    return op.emitOpError(
        "groups: needs num_groups, kept_groups and group_top together");
  if (!groups)
    return success();
  int64_t experts = op.getNumExperts(), size = *groups;
  if (size < 1)
    return op.emitOpError("groups: expected at least 1 group, got ") << size;
  if (experts % size != 0)
    return op.emitOpError("groups: ")
           << size << " groups do not divide " << experts << " experts";
  int64_t members = experts / size, g = *kept, n = *top;
  if (g < 1 || g > size)
    return op.emitOpError("groups: keeps ") << g << " of " << size << " groups";
  if (n < 1 || n > members)
    return op.emitOpError("groups: top_sum ")
           << n << " of groups of " << members << " experts";
  // route_c8
  if (op.getNumSlots() > g * members)
    return op.emitOpError("selects ")
           << op.getNumSlots() << " of the " << g * members
           << " experts of the kept groups";
  return success();
}

LogicalResult RouteOp::verify() {
  int64_t tokens = dimSize(getLogits(), 0);
  // route_c1
  if (failed(expectStatic(*this, "logits", getLogits(), 1)))
    return failure();
  int64_t experts = getNumExperts();
  // route_c2
  if (failed(expectStatic(*this, "indices", getIndices(), 1)) ||
      failed(expectShape(*this, "indices", getIndices(),
                         {tokens, getNumSlots()})) ||
      failed(
          expectShape(*this, "weights", getWeights(), {tokens, getNumSlots()})))
    return failure();
  if (failed(expectStatic(*this, "weights", getWeights(), 1)))
    return failure();
  // route_c3
  if (getNumSlots() > experts)
    return emitOpError("selects ")
           << getNumSlots() << " of " << experts << " experts";
  // route_c4
  if (getBias() && (failed(expectStatic(*this, "bias", getBias(), 0)) ||
                    failed(expectShape(*this, "bias", getBias(), {experts}))))
    return failure();
  // route_c5
  if (getKeys() &&
      (failed(expectStatic(*this, "keys", getKeys(), 1)) ||
       failed(expectShape(*this, "keys", getKeys(), {tokens, experts}))))
    return failure();
  // route_c6
  if (getBias() && getKeys())
    return emitOpError("takes a bias or keys, not both");
  if (failed(verifyGroups(*this)))
    return failure();
  // route_c9
  if (std::optional<APFloat> p = getTopP())
    if (!(p->convertToDouble() > 0 && p->convertToDouble() <= 1))
      return emitOpError("top_p: expected 0 < p <= 1, got ")
             << p->convertToDouble();
  // route_c10
  if (getRule() == WeightRule::softmax_selected &&
      getScore() != Score::identity)
    return emitOpError("weights(softmax_selected) needs score(identity), got ")
           << "score(" << stringifyScore(getScore()) << ")";
  // route_c11
  if (std::optional<APFloat> epsilon = getEpsilon()) {
    if (!epsilon->isFinite() || epsilon->convertToDouble() < 0)
      return emitOpError("epsilon: expected a finite value >= 0, got ")
             << epsilon->convertToDouble();
    if (getRule() != WeightRule::normalized)
      return emitOpError("epsilon needs weights(normalized), got weights(")
             << stringifyWeightRule(getRule()) << ")";
  }
  if (std::optional<APFloat> scale = getScale())
    if (!scale->isFinite())
      return emitOpError("scale: expected a finite value, got ")
             << scale->convertToDouble();
  return success();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult tokens = reifyDim(builder, getLoc(), getLogits(), 0);
  OpFoldResult slots = builder.getIndexAttr(getNumSlots());
  shapes.assign(2, {tokens, slots});
  return success();
}

namespace {
/// Drops what says nothing: scale 1, epsilon 0, and groups of which all are
/// kept and which are ranked by their best key (a group then has rank -inf only
/// when it has no admissible expert).
struct DropNeutralRouteAttributes : OpRewritePattern<RouteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    bool one = op.getScale() && op.getScale()->isExactlyValue(1.0);
    bool zero = op.getEpsilon() && op.getEpsilon()->isZero();
    bool all = op.getNumGroups() && op.getNumGroups() == op.getKeptGroups() &&
               op.getGroupTop() == 1;
    if (!one && !zero && !all)
      return rewriter.notifyMatchFailure(op, "no neutral attribute");
    rewriter.modifyOpInPlace(op, [&] {
      if (one)
        op.removeScaleAttr();
      if (zero)
        op.removeEpsilonAttr();
      if (all) {
        op.removeNumGroupsAttr();
        op.removeKeptGroupsAttr();
        op.removeGroupTopAttr();
      }
    });
    return success();
  }
};
} // namespace

void RouteOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropNeutralRouteAttributes>(context);
}

//===----------------------------------------------------------------------===//
// top_k
//===----------------------------------------------------------------------===//

LogicalResult TopKOp::verify() {
  int64_t rows = dimSize(getKeys(), 0), candidates = dimSize(getKeys(), 1);
  // top_k_c1
  if (failed(expectShape(*this, "values", getValues(), {rows, candidates})))
    return failure();
  // top_k_c2
  if (failed(expectStatic(*this, "indices", getIndices(), 1)) ||
      failed(expectStatic(*this, "selected", getSelected(), 1)))
    return failure();
  int64_t slots = dimSize(getIndices(), 1);
  if (failed(expectShape(*this, "indices", getIndices(), {rows, slots})) ||
      failed(expectShape(*this, "selected", getSelected(), {rows, slots})))
    return failure();
  // top_k_c3
  if (!ShapedType::isDynamic(candidates) && slots > candidates)
    return emitOpError("selects ") << slots << " of " << candidates << " keys";
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult rows = reifyDim(builder, getLoc(), getKeys(), 0);
  OpFoldResult slots = builder.getIndexAttr(dimSize(getIndices(), 1));
  shapes.assign(2, {rows, slots});
  return success();
}

namespace {
/// top_k %keys values(%keys) selects what top_k %keys selects.
struct DropKeysAsValues : OpRewritePattern<TopKOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TopKOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getValues() != op.getKeys())
      return rewriter.notifyMatchFailure(op, "values are not the keys");
    rewriter.modifyOpInPlace(op, [&] { op.getValuesMutable().clear(); });
    return success();
  }
};
} // namespace

void TopKOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropKeysAsValues>(context);
}

//===----------------------------------------------------------------------===//
// group
//===----------------------------------------------------------------------===//

LogicalResult GroupOp::verify() {
  // group_c1
  if (failed(expectStatic(*this, "indices", getIndices(), 1)))
    return failure();
  int64_t tokens = dimSize(getIndices(), 0), slots = getNumSlots();
  // group_c2
  if (failed(expectShape(*this, "row_slot", getRowSlot(),
                         {multiplySizes(tokens, slots)})))
    return failure();
  // group_c3
  if (failed(expectStatic(*this, "slot_row", getSlotRow(), 1)) ||
      failed(expectShape(*this, "slot_row", getSlotRow(), {tokens, slots})))
    return failure();
  // group_c4
  int64_t bounds = dimSize(getOffsets(), 0);
  if (ShapedType::isDynamic(bounds) || bounds < 2)
    return emitOpError("offsets: expected [E+1] with static E >= 1, got ")
           << getOffsets().getType();
  // group_c5
  if (getIndexBound() < getNumExperts())
    return emitOpError("num_candidates: expected at least ")
           << getNumExperts() << ", got " << getIndexBound();
  return success();
}

LogicalResult GroupOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult tokens = reifyDim(builder, getLoc(), getIndices(), 0);
  OpFoldResult rows = affine::makeComposedFoldedAffineApply(
      builder, getLoc(), builder.getAffineDimExpr(0) * getNumSlots(), {tokens});
  shapes = {{rows},
            {tokens, builder.getIndexAttr(getNumSlots())},
            {builder.getIndexAttr(dimSize(getOffsets(), 0))}};
  return success();
}

namespace {
/// Drops a constant capacity that no expert can exceed (T*K slots in all), and
/// a num_candidates that says no more than E.
struct DropNeutralGroupBounds : OpRewritePattern<GroupOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupOp op,
                                PatternRewriter &rewriter) const override {
    int64_t rows = multiplySizes(dimSize(op.getIndices(), 0), op.getNumSlots());
    APInt capacity;
    bool wide = op.getCapacity() && !ShapedType::isDynamic(rows) &&
                matchPattern(op.getCapacity(), m_ConstantInt(&capacity)) &&
                capacity.getSExtValue() >= rows;
    bool none =
        op.getNumCandidates() && op.getIndexBound() == op.getNumExperts();
    if (!wide && !none)
      return rewriter.notifyMatchFailure(op, "no neutral bound");
    rewriter.modifyOpInPlace(op, [&] {
      if (wide)
        op.getCapacityMutable().clear();
      if (none)
        op.removeNumCandidatesAttr();
    });
    return success();
  }
};
} // namespace

void GroupOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropNeutralGroupBounds>(context);
}

//===----------------------------------------------------------------------===//
// dispatch
//===----------------------------------------------------------------------===//

LogicalResult DispatchOp::verify() {
  // dispatch_c1
  if (failed(expectStatic(*this, "x", getX(), 1)))
    return failure();
  // dispatch_c2
  if (static_cast<int64_t>(getSlots()) < 1)
    return emitOpError("expected at least 1 slot a token, got ")
           << static_cast<int64_t>(getSlots());
  // dispatch_c3
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  return expectShape(*this, "rows", getRows(),
                     {dimSize(getRowSlot(), 0), dimSize(getX(), 1)});
}

LogicalResult
DispatchOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getRowSlot(), 0),
             reifyDim(builder, getLoc(), getX(), 1)}};
  return success();
}

//===----------------------------------------------------------------------===//
// combine
//===----------------------------------------------------------------------===//

LogicalResult CombineOp::verify() {
  // combine_c1
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  // combine_c2
  if (failed(expectStatic(*this, "slot_row", getSlotRow(), 1)))
    return failure();
  int64_t tokens = dimSize(getSlotRow(), 0), slots = dimSize(getSlotRow(), 1);
  // combine_c3
  if (getWeights() &&
      (failed(expectStatic(*this, "weights", getWeights(), 1)) ||
       failed(expectShape(*this, "weights", getWeights(), {tokens, slots}))))
    return failure();
  // combine_c4
  if (failed(expectStatic(*this, "y", getY(), 1)))
    return failure();
  return expectShape(*this, "y", getY(), {tokens, dimSize(getRows(), 1)});
}

LogicalResult
CombineOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getSlotRow(), 0),
             reifyDim(builder, getLoc(), getRows(), 1)}};
  return success();
}

/// Returns true if the sum runs in the same type without the weights.
static bool weightsDoNotWiden(CombineOp op) {
  Type rows = op.getRows().getType(), y = op.getY().getType();
  return getAccumulatorType({rows, y}) ==
         getAccumulatorType({rows, y, op.getWeights().getType()});
}

namespace {
/// Weights that are the constant 1 are the same as none.
struct DropUnitWeights : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    DenseFPElementsAttr ones;
    if (!op.getWeights() || !matchPattern(op.getWeights(), m_Constant(&ones)) ||
        !ones.isSplat() || !ones.getSplatValue<APFloat>().isExactlyValue(1.0))
      return rewriter.notifyMatchFailure(op, "weights are not the constant 1");
    if (!weightsDoNotWiden(op))
      return rewriter.notifyMatchFailure(op, "the weights make the sum f64");
    rewriter.modifyOpInPlace(op, [&] { op.getWeightsMutable().clear(); });
    return success();
  }
};

/// Weights of a `route ... weights(unit)` without scale, whose cut slots have
/// index -1, are 1 wherever the group of its indices made a row.
struct DropUnitRouteWeights : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CombineOp op,
                                PatternRewriter &rewriter) const override {
    auto route =
        op.getWeights() ? op.getWeights().getDefiningOp<RouteOp>() : RouteOp();
    auto group = op.getSlotRow().getDefiningOp<GroupOp>();
    if (!route || route.getRule() != WeightRule::unit || route.getScale() ||
        !group || group.getIndices() != route.getIndices())
      return rewriter.notifyMatchFailure(op, "weights are not those of a unit "
                                             "route grouped by its indices");
    if (!weightsDoNotWiden(op))
      return rewriter.notifyMatchFailure(op, "the weights make the sum f64");
    rewriter.modifyOpInPlace(op, [&] { op.getWeightsMutable().clear(); });
    return success();
  }
};
} // namespace

void CombineOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<DropUnitWeights, DropUnitRouteWeights>(context);
}
