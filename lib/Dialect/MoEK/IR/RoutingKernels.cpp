//===- RoutingKernels.cpp - verifiers, shapes, effects of routing kernels -===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moek;

//===----------------------------------------------------------------------===//
// Shared
//===----------------------------------------------------------------------===//

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Destinations of these ranks and kinds of element: true stands for i32.
static LogicalResult verifyInits(DestinationStyleOpInterface op,
                                 ArrayRef<std::pair<int64_t, bool>> expected) {
  SmallVector<Value> inits(op.getDpsInits());
  if (inits.size() != expected.size())
    return op->emitOpError("has ")
           << inits.size() << " destinations, expected " << expected.size();
  for (auto [i, init] : llvm::enumerate(inits)) {
    auto [rank, isIndex] = expected[i];
    ShapedType type = shaped(init);
    if (type.getRank() != rank ||
        isa<IntegerType>(type.getElementType()) != isIndex)
      return op->emitOpError("destination ")
             << i << ": expected " << (isIndex ? "i32" : "floats")
             << " of rank " << rank << ", got " << type;
    if (isa<MemRefType>(type) != isa<MemRefType>(inits[0].getType()))
      return op->emitOpError("has both tensors and memrefs as destinations");
  }
  if (isa<MemRefType>(inits[0].getType()) && op->getNumResults())
    return op->emitOpError("has results beside memrefs");
  return success();
}

/// Selections [T,K] of rows [T,E], K static and alike.
static LogicalResult verifySelection(DestinationStyleOpInterface op) {
  if (failed(verifyInits(op, {{2, true}, {2, false}})))
    return failure();
  ShapedType indices = shaped(op.getDpsInitOperand(0)->get()),
             selected = shaped(op.getDpsInitOperand(1)->get());
  if (indices.isDynamicDim(1) || indices.getDimSize(1) < 1 ||
      indices.getDimSize(1) != selected.getDimSize(1))
    return op->emitOpError("expected both destinations to have one static "
                           "number of slots of at least 1, got ")
           << indices << " and " << selected;
  return success();
}

static LogicalResult reifyInits(Operation *op, ValueRange inits,
                                OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  for (Value init : inits.take_front(op->getNumResults()))
    shapes.push_back(tensor::getMixedSizes(builder, op->getLoc(), init));
  return success();
}

/// A kernel on memrefs reads its inputs and writes its destinations.
static void
addEffects(DestinationStyleOpInterface op,
           SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

//===----------------------------------------------------------------------===//
// route
//===----------------------------------------------------------------------===//

LogicalResult RouteOp::verify() {
  if (failed(verifySelection(*this)))
    return failure();
  ShapedType logits = shaped(getLogits());
  if (logits.isDynamicDim(1) || getNumSlots() > getNumExperts())
    return emitOpError("selects ")
           << getNumSlots() << " of the experts of " << logits;
  if (getBias() && getKeys())
    return emitOpError("takes a bias or keys, not both");
  if (getBias() && shaped(getBias()).getDimSize(0) != getNumExperts())
    return emitOpError("bias: expected ")
           << getNumExperts() << " elements, got " << shaped(getBias());
  if (getKeys() && shaped(getKeys()).getDimSize(1) != getNumExperts())
    return emitOpError("keys: expected rows of ")
           << getNumExperts() << " elements, got " << shaped(getKeys());
  if (!getNumGroups())
    return success();
  int64_t groups = *getNumGroups(), kept = getKeptGroups().value_or(0),
          top = getGroupTop().value_or(0);
  if (groups < 1 || getNumExperts() % groups != 0 || kept < 1 ||
      kept > groups || top < 1 || top > getNumExperts() / groups)
    return emitOpError("groups: cannot keep ")
           << kept << " of " << groups << " groups of " << getNumExperts()
           << " experts by their " << top << " best";
  return success();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(*this, getInits(), builder, shapes);
}

void RouteOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(*this, effects);
}

//===----------------------------------------------------------------------===//
// top_k
//===----------------------------------------------------------------------===//

LogicalResult TopKOp::verify() {
  if (failed(verifySelection(*this)))
    return failure();
  if (getValues() &&
      failed(verifyCompatibleShape(shaped(getKeys()), shaped(getValues()))))
    return emitOpError("values: expected the shape of ")
           << shaped(getKeys()) << ", got " << shaped(getValues());
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(*this, getInits(), builder, shapes);
}

void TopKOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(*this, effects);
}

//===----------------------------------------------------------------------===//
// group
//===----------------------------------------------------------------------===//

MemRefType GroupOp::getScratchType() {
  // As many lanes as the widest vector has.
  constexpr int64_t kRow = 16;
  return MemRefType::get({kMaxBlocks + 1, static_cast<int64_t>(llvm::alignTo(
                                              getNumExperts(), kRow))},
                         IntegerType::get(getContext(), 32));
}

LogicalResult GroupOp::verify() {
  if (failed(verifyInits(*this, {{1, true}, {2, true}, {1, true}})))
    return failure();
  if (shaped(getIndices()).isDynamicDim(1) || getNumSlots() < 1 ||
      getInitType(2).isDynamicDim(0) || getNumExperts() < 1)
    return emitOpError("expected static numbers of slots and experts of at "
                       "least 1, got ")
           << shaped(getIndices()) << " and " << getInitType(2);
  bool lowered = isa<MemRefType>(getInits()[0].getType());
  if (lowered != static_cast<bool>(getScratch()))
    return emitOpError(lowered ? "on memrefs needs a scratch"
                               : "on tensors has no scratch");
  if (getScratch() && getScratch().getType() != getScratchType())
    return emitOpError("scratch: expected ")
           << getScratchType() << ", got " << getScratch().getType();
  return success();
}

LogicalResult GroupOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyInits(*this, getInits(), builder, shapes);
}

void GroupOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(*this, effects);
  if (getScratch())
    effects.emplace_back(MemoryEffects::Write::get(), &getScratchMutable()[0]);
}
