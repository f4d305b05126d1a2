//===- LoopOps.cpp - verifiers, shapes and folds of the loop ops ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// loop
//===----------------------------------------------------------------------===//

YieldOp LoopOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

/// Checks the stacked results of `loop` against what `yield` passes to them.
static LogicalResult verifyStacks(LoopOp loop, YieldOp yield) {
  // loop_c4
  if (loop.getStacked().size() != yield.getStacked().size())
    return loop.emitOpError("has ")
           << loop.getStacked().size() << " stacked results, its body yields "
           << yield.getStacked().size() << " values to them";
  std::optional<APInt> trips = loop.getStaticTripCount();
  for (auto [i, result, value] :
       llvm::enumerate(loop.getStacked(), yield.getStacked())) {
    auto type = cast<RankedTensorType>(result.getType());
    auto part = dyn_cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape{trips ? trips->getSExtValue()
                                     : ShapedType::kDynamic};
    if (part)
      llvm::append_range(shape, part.getShape());
    auto expected =
        RankedTensorType::get(shape, getElementTypeOrSelf(value.getType()));
    if (type.getElementType() != expected.getElementType() ||
        type.getRank() != expected.getRank() ||
        type.getShape().drop_front() != expected.getShape().drop_front())
      return loop.emitOpError("stacked result ")
             << i << ": expected " << expected << ", got " << type;
    // loop_c5
    if (!type.isDynamicDim(0) && type.getDimSize(0) != shape[0])
      return loop.emitOpError("stacked result ")
             << i << ": expected " << expected
             << (trips ? "" : " for a trip count that is not constant")
             << ", got " << type;
  }
  return success();
}

LogicalResult LoopOp::verify() {
  TypeRange state = getInit().getTypes();
  // loop_c1
  if (state.empty())
    return emitOpError("expected at least one init value");
  if (state != getFinal().getTypes())
    return emitOpError("init: expected the types of the final results (")
           << getFinal().getTypes() << "), got (" << state << ")";
  // loop_c2
  SmallVector<Type> arguments{IndexType::get(getContext())};
  llvm::append_range(arguments, state);
  if (TypeRange(arguments) != getBody().getArgumentTypes())
    return emitOpError("body: expected arguments (")
           << arguments << "), got (" << getBody().getArgumentTypes() << ")";
  // loop_c3
  auto yield = dyn_cast<YieldOp>(getBody().front().back());
  if (!yield)
    return emitOpError("body: expected to end in moe.yield, got ")
           << getBody().front().back().getName();
  if (yield.getNext().getTypes() != state)
    return emitOpError("body: expected to yield the state (")
           << state << "), got (" << yield.getNext().getTypes() << ")";
  if (failed(verifyStacks(*this, yield)))
    return failure();
  // loop_c6
  std::optional<APInt> trips = getStaticTripCount();
  if (trips && trips->isNegative())
    return emitOpError("trip count: expected at least 0, got ")
           << trips->getSExtValue();
  // loop_c7
  if (std::optional<int64_t> max = getMaxTripCount()) {
    if (*max < 1)
      return emitOpError("max: expected at least 1, got ") << *max;
    if (trips && trips->sgt(*max))
      return emitOpError("trip count: expected at most max ")
             << *max << ", got " << trips->getSExtValue();
  } else if (isa<BlockArgument>(getTripCount())) {
    // loop_c8
    return emitOpError("trip count: an argument needs a max");
  }
  return success();
}

//===-- RegionBranchOpInterface: n or no times through the body -----------===//

OperandRange LoopOp::getEntrySuccessorOperands(RegionSuccessor) {
  return getInit();
}

void LoopOp::getSuccessorRegions(RegionBranchPoint,
                                 SmallVectorImpl<RegionSuccessor> &successors) {
  successors.push_back(RegionSuccessor(&getBody(), getRegionIterArgs()));
  successors.push_back(RegionSuccessor(getOperation(), getFinal()));
}

MutableOperandRange YieldOp::getMutableSuccessorOperands(RegionSuccessor) {
  return getNextMutable();
}

//===-- LoopLikeOpInterface -----------------------------------------------===//

SmallVector<Region *> LoopOp::getLoopRegions() { return {&getBody()}; }

std::optional<SmallVector<Value>> LoopOp::getLoopInductionVars() {
  return SmallVector<Value>{getInductionVar()};
}

std::optional<SmallVector<OpFoldResult>> LoopOp::getLoopLowerBounds() {
  return SmallVector<OpFoldResult>{Builder(getContext()).getIndexAttr(0)};
}

std::optional<SmallVector<OpFoldResult>> LoopOp::getLoopUpperBounds() {
  return SmallVector<OpFoldResult>{getAsOpFoldResult(getTripCount())};
}

std::optional<SmallVector<OpFoldResult>> LoopOp::getLoopSteps() {
  return SmallVector<OpFoldResult>{Builder(getContext()).getIndexAttr(1)};
}

MutableArrayRef<OpOperand> LoopOp::getInitsMutable() {
  return getInitMutable();
}

Block::BlockArgListType LoopOp::getRegionIterArgs() {
  return getBody().getArguments().drop_front();
}

std::optional<MutableArrayRef<OpOperand>> LoopOp::getYieldedValuesMutable() {
  return getYield().getNextMutable();
}

std::optional<ResultRange> LoopOp::getLoopResults() { return getFinal(); }

std::optional<APInt> LoopOp::getStaticTripCount() {
  APInt trips;
  if (matchPattern(getTripCount(), m_ConstantInt(&trips)))
    return trips;
  return std::nullopt;
}

/// The stack of one iteration: `value` with a leading dimension 1, as `type`.
static Value stackOnce(OpBuilder &builder, Location loc, Value value,
                       RankedTensorType type) {
  auto part = dyn_cast<RankedTensorType>(value.getType());
  Value stack;
  if (!part) {
    stack = tensor::FromElementsOp::create(
        builder, loc, RankedTensorType::get({1}, value.getType()), value);
  } else {
    SmallVector<ReassociationIndices> groups;
    for (int64_t dim = 0; dim < part.getRank(); ++dim)
      groups.push_back(dim == 0 ? ReassociationIndices{0, 1}
                                : ReassociationIndices{dim + 1});
    SmallVector<int64_t> shape{1};
    llvm::append_range(shape, part.getShape());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, value);
    sizes.insert(sizes.begin(), builder.getIndexAttr(1));
    stack = tensor::ExpandShapeOp::create(
        builder, loc, RankedTensorType::get(shape, part.getElementType()),
        value, groups, sizes);
  }
  if (stack.getType() != type)
    stack = tensor::CastOp::create(builder, loc, type, stack);
  return stack;
}

LogicalResult LoopOp::promoteIfSingleIteration(RewriterBase &rewriter) {
  std::optional<APInt> trips = getStaticTripCount();
  if (!trips || !trips->isOne())
    return failure();
  YieldOp yield = getYield();
  rewriter.setInsertionPoint(getOperation());
  SmallVector<Value> arguments{
      arith::ConstantIndexOp::create(rewriter, getLoc(), 0)};
  llvm::append_range(arguments, getInit());
  rewriter.inlineBlockBefore(&getBody().front(), getOperation(), arguments);
  SmallVector<Value> results(yield.getNext());
  for (auto [value, result] : llvm::zip(yield.getStacked(), getStacked()))
    results.push_back(stackOnce(rewriter, getLoc(), value,
                                cast<RankedTensorType>(result.getType())));
  rewriter.eraseOp(yield);
  rewriter.replaceOp(getOperation(), results);
  return success();
}

namespace {
/// A loop of one iteration is its body.
struct InlineSingleIteration : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp loop,
                                PatternRewriter &rewriter) const override {
    return loop.promoteIfSingleIteration(rewriter);
  }
};

/// A loop without an iteration passes its init on and stacks nothing.
struct DropEmptyLoop : OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoopOp loop,
                                PatternRewriter &rewriter) const override {
    std::optional<APInt> trips = loop.getStaticTripCount();
    if (!trips || !trips->isZero())
      return rewriter.notifyMatchFailure(loop, "may have an iteration");
    SmallVector<Value> results(loop.getInit());
    Operation *before = loop->getPrevNode();
    for (auto [result, value] :
         llvm::zip(loop.getStacked(), loop.getYield().getStacked())) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<OpFoldResult> sizes{rewriter.getIndexAttr(0)};
      for (int64_t dim = 1; dim < type.getRank(); ++dim)
        sizes.push_back(loop.getSizeBeforeLoop(rewriter, value, dim - 1));
      if (llvm::is_contained(sizes, OpFoldResult())) {
        while (loop->getPrevNode() != before)
          rewriter.eraseOp(loop->getPrevNode());
        return rewriter.notifyMatchFailure(loop, "a stack of unknown size");
      }
      Value stack = tensor::EmptyOp::create(rewriter, loop.getLoc(), sizes,
                                            type.getElementType());
      if (stack.getType() != type)
        stack = tensor::CastOp::create(rewriter, loop.getLoc(), type, stack);
      results.push_back(stack);
    }
    rewriter.replaceOp(loop, results);
    return success();
  }
};

/// The state keeps its shape: its sizes in the body are those of the init.
struct TakeSizeOfInit : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    auto state = dyn_cast<BlockArgument>(dim.getSource());
    auto loop =
        state ? dyn_cast_if_present<LoopOp>(state.getOwner()->getParentOp())
              : LoopOp();
    if (!loop)
      return rewriter.notifyMatchFailure(dim, "not a size of a loop's state");
    Value init = loop.getInit()[state.getArgNumber() - 1];
    rewriter.modifyOpInPlace(dim, [&] { dim.getSourceMutable().assign(init); });
    return success();
  }
};
} // namespace

void LoopOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<InlineSingleIteration, DropEmptyLoop, TakeSizeOfInit>(context);
}

//===----------------------------------------------------------------------===//
// iter_encode
//===----------------------------------------------------------------------===//

LogicalResult IterEncodeOp::verify() {
  // iter_encode_c1
  if (failed(expectStatic(*this, "code", getCode(), 0)))
    return failure();
  if (int64_t size = dimSize(getCode(), 0); size % 2 != 0)
    return emitOpError("code: expected an even size, got ") << size;
  // iter_encode_c2
  if (!getMaxPeriod().isFinite() || !(getMaxPeriod().convertToDouble() > 0))
    return emitOpError("max_period: expected a finite value > 0, got ")
           << getMaxPeriod().convertToDouble();
  return success();
}

LogicalResult
IterEncodeOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{builder.getIndexAttr(dimSize(getCode(), 0))}};
  return success();
}

OpFoldResult IterEncodeOp::fold(FoldAdaptor adaptor) {
  auto k = dyn_cast_if_present<IntegerAttr>(adaptor.getK());
  auto type = cast<RankedTensorType>(getCode().getType());
  if (!k || !isFoldable(type))
    return {};
  auto element = cast<FloatType>(type.getElementType());
  int64_t half = type.getDimSize(0) / 2;
  double iteration = static_cast<double>(k.getInt()),
         period = getMaxPeriod().convertToDouble();
  SmallVector<Attribute> code(2 * half);
  for (int64_t i = 0; i < half; ++i) {
    double angle = iteration * std::pow(period, -static_cast<double>(i) / half);
    code[i] = FloatAttr::get(element, std::cos(angle));
    code[half + i] = FloatAttr::get(element, std::sin(angle));
  }
  return DenseElementsAttr::get(type, code);
}

//===----------------------------------------------------------------------===//
// iter_adaln
//===----------------------------------------------------------------------===//

LogicalResult IterAdaLNOp::verify() {
  // iter_adaln_c1
  if (failed(expectStatic(*this, "h", getH(), 1)))
    return failure();
  int64_t tokens = dimSize(getH(), 0), width = dimSize(getH(), 1);
  // iter_adaln_c2
  if (failed(expectStatic(*this, "v", getV(), 0)))
    return failure();
  int64_t codes = dimSize(getV(), 0);
  // iter_adaln_c3
  if (failed(expectStaticShape(*this, "project", getProject(), {width, codes})))
    return failure();
  // iter_adaln_c4
  int64_t modulation = multiplySizes(getAlpha() ? 3 : 2, width);
  if (failed(expectStaticShape(*this, "modulate", getModulate(),
                               {codes, modulation})))
    return failure();
  // iter_adaln_c5
  if (failed(expectStaticShape(*this, "bias", getBias(), {modulation})))
    return failure();
  // iter_adaln_c6
  if (failed(expectEpsilon(*this, getEpsilon())))
    return failure();
  // iter_adaln_c7
  for (auto [name, value] :
       {std::pair("n", Value(getN())), std::pair("alpha", Value(getAlpha()))})
    if (value && (failed(expectStatic(*this, name, value, 1)) ||
                  failed(expectShape(*this, name, value, {tokens, width}))))
      return failure();
  return success();
}

LogicalResult
IterAdaLNOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult tokens = reifyDim(builder, getLoc(), getH(), 0);
  OpFoldResult width = builder.getIndexAttr(dimSize(getH(), 1));
  shapes.assign(getNumResults(), {tokens, width});
  return success();
}
