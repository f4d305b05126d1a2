//===- LoopShapes.cpp - sizes of a loop's results before it runs ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The buffer of a stacked result is made before the loop, so the sizes of what
// the body will yield to it are traced back: through the shapes that ops reify,
// to the state, which has the sizes of its init, and to values from outside.

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace moe;

namespace {
/// Remembers the ops that a builder inserts.
struct InsertedOps : OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    ops.push_back(op);
  }
  SmallVector<Operation *> ops;
};

/// Traces sizes of one loop; the results are null where that fails.
class SizeTracer {
public:
  SizeTracer(OpBuilder &builder, LoopOp loop) : builder(builder), loop(loop) {}

  /// Size of dimension `dim` of `tensor`.
  OpFoldResult traceDim(Value tensor, unsigned dim);

private:
  /// `index` as an attribute or a value from before the loop.
  OpFoldResult traceIndex(OpFoldResult index);

  bool isOutside(Value value) {
    return !loop.getBody().isAncestor(value.getParentRegion());
  }

  OpBuilder &builder;
  LoopOp loop;
};
} // namespace

/// The init of the state that `result` is the last value of, if `result` is
/// that of a loop; else null.
static Value getInitOf(OpResult result) {
  auto loop = dyn_cast<LoopLikeOpInterface>(result.getOwner());
  OpOperand *init = loop ? loop.getTiedLoopInit(result) : nullptr;
  return init ? init->get() : Value();
}

static bool hasShapeOf(Value value, BlockArgument state);

/// Returns true if the state that `result` is the last value of keeps its
/// shape.
static bool keepsShape(OpResult result) {
  auto loop = cast<LoopLikeOpInterface>(result.getOwner());
  BlockArgument state = loop.getTiedLoopRegionIterArg(result);
  return hasShapeOf(loop.getTiedLoopYieldedValue(state)->get(), state);
}

/// Returns true if `value` has the shape of `state`, because it is what ops
/// that write into a destination, loops and branches made of it.
static bool hasShapeOf(Value value, BlockArgument state) {
  if (value == state)
    return true;
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return false;
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return hasShapeOf(destination.getTiedOpOperand(result)->get(), state);
  if (Value init = getInitOf(result)) {
    return keepsShape(result) && hasShapeOf(init, state);
  }
  return isa<scf::IfOp>(op) &&
         llvm::all_of(op->getRegions(), [&](Region &region) {
           Operation *yield = region.front().getTerminator();
           return hasShapeOf(yield->getOperand(result.getResultNumber()),
                             state);
         });
}

OpFoldResult SizeTracer::traceDim(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  if (isOutside(tensor))
    return tensor::getMixedSize(builder, loop.getLoc(), tensor, dim);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return argument.getOwner() == &loop.getBody().front()
               ? traceDim(loop.getInit()[argument.getArgNumber() - 1], dim)
               : OpFoldResult();
  auto result = cast<OpResult>(tensor);
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return traceDim(destination.getTiedOpOperand(result)->get(), dim);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return traceDim(cast.getSource(), dim);
  auto reifiable = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
  if (!reifiable) {
    Value init = getInitOf(result);
    return init && keepsShape(result) ? traceDim(init, dim) : OpFoldResult();
  }
  // What is reified here, inside of the body, is traced further and dropped.
  InsertedOps inserted;
  OpBuilder scratch(op, &inserted);
  ReifiedRankedShapedTypeDims shapes;
  OpFoldResult size;
  unsigned number = result.getResultNumber();
  if (succeeded(reifiable.reifyResultShapes(scratch, shapes)) &&
      number < shapes.size() && dim < shapes[number].size())
    if (OpFoldResult local = shapes[number][dim])
      size = traceIndex(local);
  for (Operation *op : llvm::reverse(inserted.ops))
    op->erase();
  return size;
}

OpFoldResult SizeTracer::traceIndex(OpFoldResult index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return builder.getIndexAttr(*constant);
  auto value = cast<Value>(index);
  if (isOutside(value))
    return value;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> number = dim.getConstantIndex();
    return number ? traceDim(dim.getSource(), *number) : OpFoldResult();
  }
  // Arithmetic on sizes is done again outside.
  if (!isPure(op) || op->getNumRegions() != 0 ||
      !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<IndexType>))
    return {};
  IRMapping outside;
  for (Value operand : op->getOperands()) {
    OpFoldResult traced = traceIndex(operand);
    if (!traced)
      return {};
    outside.map(operand, getValueOrCreateConstantIndexOp(builder, loop.getLoc(),
                                                         traced));
  }
  return builder.clone(*op, outside)
      ->getResult(cast<OpResult>(value).getResultNumber());
}

OpFoldResult LoopOp::getSizeBeforeLoop(OpBuilder &builder, Value tensor,
                                       unsigned dim) {
  return SizeTracer(builder, *this).traceDim(tensor, dim);
}

OpFoldResult LoopOp::getNumIterations(OpBuilder &builder) {
  std::optional<int64_t> max = getMaxTripCount();
  if (std::optional<APInt> trips = getStaticTripCount())
    return builder.getIndexAttr(trips->getSExtValue());
  Value trips = getTripCount();
  if (!trips.getDefiningOp<tensor::DimOp>()) {
    Value zero = arith::ConstantIndexOp::create(builder, getLoc(), 0);
    trips = arith::MaxSIOp::create(builder, getLoc(), trips, zero);
  }
  if (max) {
    Value bound = arith::ConstantIndexOp::create(builder, getLoc(), *max);
    trips = arith::MinSIOp::create(builder, getLoc(), trips, bound);
  }
  return trips;
}

LogicalResult LoopOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  auto traceShape = [&](Value value, SmallVector<OpFoldResult> shape) {
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        shape.push_back(getSizeBeforeLoop(builder, value, dim));
    shapes.push_back(std::move(shape));
  };
  for (Value init : getInit())
    traceShape(init, {});
  for (auto [result, value] :
       llvm::zip(getStacked(), getYield().getStacked())) {
    auto type = cast<RankedTensorType>(result.getType());
    OpFoldResult trips =
        type.isDynamicDim(0)
            ? getNumIterations(builder)
            : OpFoldResult(builder.getIndexAttr(type.getDimSize(0)));
    traceShape(value, {trips});
  }
  return success();
}
