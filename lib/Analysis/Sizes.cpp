//===- Sizes.cpp - sizes of tensors for given dimensions ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Analysis/Sizes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace moe;

std::optional<int64_t> SizeEvaluator::size(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto result = dyn_cast<OpResult>(tensor))
    return sizeOfResult(result, dim);
  auto argument = cast<BlockArgument>(tensor);
  Operation *parent = argument.getOwner()->getParentOp();
  if (parent == function) {
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                      kDimsAttr);
    auto known = names ? named.find(cast<StringAttr>(names[dim]).getValue())
                       : named.end();
    return known == named.end() ? std::nullopt : std::optional(known->second);
  }
  auto loop = dyn_cast<LoopLikeOpInterface>(parent);
  OpOperand *init = loop ? loop.getTiedLoopInit(argument) : nullptr;
  return init ? size(init->get(), dim) : std::nullopt;
}

std::optional<int64_t> SizeEvaluator::sizeOfResult(OpResult result,
                                                   unsigned dim) {
  Operation *op = result.getOwner();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return size(destination.getTiedOpOperand(result)->get(), dim);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return size(cast.getSource(), dim);
  // The state of a loop keeps its shape.
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    if (OpOperand *init = loop.getTiedLoopInit(result))
      return size(init->get(), dim);
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder builder(op);
  auto reifiable = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
  if (!reifiable || failed(reifiable.reifyResultShapes(builder, shapes)))
    return std::nullopt;
  OpFoldResult reified = shapes[result.getResultNumber()][dim];
  return reified ? index(reified) : std::nullopt;
}

std::optional<SmallVector<int64_t>> SizeEvaluator::sizes(Value tensor) {
  SmallVector<int64_t> result;
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  for (int64_t dim = 0; type && dim < type.getRank(); ++dim) {
    std::optional<int64_t> known = size(tensor, dim);
    if (!known)
      return std::nullopt;
    result.push_back(*known);
  }
  return result;
}

std::optional<int64_t> SizeEvaluator::index(OpFoldResult value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return constant;
  auto operand = dyn_cast<Value>(value);
  if (!operand || !operand.getType().isIntOrIndex())
    return std::nullopt;
  Operation *op = operand.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> number = index(dim.getIndex());
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    return number && type && *number >= 0 && *number < type.getRank()
               ? size(dim.getSource(), *number)
               : std::nullopt;
  }
  // Arithmetic on what is known folds.
  if (op->getNumRegions() != 0 || !isPure(op) ||
      !llvm::all_of(op->getOperandTypes(),
                    [](Type type) { return type.isIntOrIndex(); }))
    return std::nullopt;
  SmallVector<Attribute> operands;
  for (Value input : op->getOperands()) {
    std::optional<int64_t> known = index(input);
    if (!known)
      return std::nullopt;
    operands.push_back(IntegerAttr::get(input.getType(), *known));
  }
  SmallVector<OpFoldResult> folded;
  if (failed(op->fold(operands, folded)) || folded.empty())
    return std::nullopt;
  OpFoldResult result = folded[cast<OpResult>(operand).getResultNumber()];
  return isa<Attribute>(result) ? getConstantIntValue(result)
                                : index(cast<Value>(result));
}

std::optional<int64_t> SizeEvaluator::iterations(LoopOp loop) {
  std::optional<int64_t> trips = index(loop.getTripCount());
  std::optional<int64_t> max = loop.getMaxTripCount();
  if (!trips)
    return max;
  return std::max<int64_t>(0, max ? std::min(*trips, *max) : *trips);
}
