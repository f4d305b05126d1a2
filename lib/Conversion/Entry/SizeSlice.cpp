//===- SizeSlice.cpp - sizes as functions of the symbols ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeSlice.h"
#include "BufferFlow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/CastInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace moe;

SizeSlice::SizeSlice(func::FuncOp entry, const EntrySignature &signature,
                     ValueRange symbols)
    : body(entry.getBody().front()), symbols(symbols) {
  for (auto [i, symbol] : llvm::enumerate(symbols))
    mapping.map(body.getArgument(kFirstSymbol + i), symbol);
  unsigned position = kFirstSymbol + signature.symbols.size();
  for (MoertRole role : {MOERT_INPUT, MOERT_OUTPUT})
    for (const EntryArgument &argument : signature.withRole(role))
      dims[body.getArgument(position++)] = argument.dims;
}

FailureOr<Value> SizeSlice::clone(OpBuilder &b, Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast_or_null<ShapedDimOpInterface>(op)) {
    std::optional<int64_t> index = getConstantIntValue(dim.getDimension());
    if (!index)
      return failure();
    FailureOr<Value> size = cloneSize(b, dim.getShapedValue(), *index);
    if (succeeded(size))
      mapping.map(value, *size);
    return size;
  }
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return failure();
  // Only numbers travel: an op on a tensor or memref does not.
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndexOrFloat() || failed(clone(b, operand)))
      return failure();
  }
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

FailureOr<Value> SizeSlice::cloneFolded(OpBuilder &b, OpFoldResult size,
                                        Location loc) {
  if (auto value = dyn_cast<Value>(size))
    return clone(b, value);
  return getValueOrCreateConstantIndexOp(b, loc, size);
}

FailureOr<Value> SizeSlice::cloneSize(OpBuilder &b, Value value, int64_t dim) {
  Location loc = value.getLoc();
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type || !type.hasRank() || dim < 0 || dim >= type.getRank())
    return failure();
  if (!type.isDynamicDim(dim))
    return cloneFolded(b, b.getIndexAttr(type.getDimSize(dim)), loc);
  if (auto found = dims.find(value); found != dims.end())
    return symbols[~found->second[dim]];
  if (!active.insert(value).second)
    return failure();
  llvm::scope_exit done([&] { active.erase(value); });

  for (Value source : getSources(value))
    if (FailureOr<Value> size = cloneSize(b, source, dim); succeeded(size))
      return size;
  Operation *op = value.getDefiningOp();
  if (auto tensor = dyn_cast_or_null<bufferization::ToTensorOp>(op))
    return cloneSize(b, tensor.getBuffer(), dim);
  if (auto cast = dyn_cast_or_null<CastOpInterface>(op))
    return cloneSize(b, cast->getOperand(0), dim);
  if (auto write = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    return cloneSize(b, write.getTiedOpOperand(cast<OpResult>(value))->get(),
                     dim);
  if (auto view = dyn_cast_or_null<memref::SubViewOp>(op)) {
    SmallVector<OpFoldResult> kept;
    llvm::SmallBitVector dropped = view.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
      if (!dropped.test(i))
        kept.push_back(size);
    return cloneFolded(b, kept[dim], loc);
  }
  if (auto view = dyn_cast_or_null<memref::CollapseShapeOp>(op)) {
    Value product;
    auto groups = view.getReassociationIndices();
    for (int64_t part : groups[dim]) {
      FailureOr<Value> size = cloneSize(b, view.getSrc(), part);
      if (failed(size))
        return failure();
      product = product ? arith::MulIOp::create(b, loc, product, *size) : *size;
    }
    return product;
  }
  if (auto view = dyn_cast_or_null<memref::ReinterpretCastOp>(op))
    return cloneFolded(b, view.getMixedSizes()[dim], loc);
  if (auto view = dyn_cast_or_null<memref::TransposeOp>(op))
    return cloneSize(b, view.getIn(),
                     view.getPermutation().getDimPosition(dim));
  // What else knows says it in IR, which is dead once it is cloned.
  auto known = dyn_cast_or_null<ReifyRankedShapedTypeOpInterface>(op);
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder before(b.getContext());
  if (known)
    before.setInsertionPoint(op);
  if (!known || failed(known.reifyResultShapes(before, shapes)))
    return failure();
  return cloneFolded(b, shapes[cast<OpResult>(value).getResultNumber()][dim],
                     loc);
}
