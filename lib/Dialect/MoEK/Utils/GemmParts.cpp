//===- GemmParts.cpp - a moek.gemm as data, to build others from ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoEK/Utils/GemmParts.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moe;

GemmParts::GemmParts(moek::GemmOp gemm)
    : a(gemm.getA()), rows(gemm.getRows()), offsets(gemm.getOffsets()),
      weights(gemm.getWeights()), init(gemm.getInit()),
      outRows(gemm.getOutRows()), slots(gemm.getSlots()),
      outSlots(gemm.getOutSlots()), transposed(gemm.getTransposed()) {
  assert(!gemm.getLayout() && "packed weights belong to one gemm");
  for (auto [i, value] : llvm::enumerate(gemm.getExtras()))
    extras.push_back(
        {value, cast<AffineMapAttr>((*gemm.getExtraMaps())[i]).getValue()});
}

bool GemmParts::matches(const GemmParts &other) const {
  auto shapeOf = [](Value value) {
    return cast<ShapedType>(value.getType()).getShape();
  };
  return a == other.a && rows == other.rows && offsets == other.offsets &&
         outRows == other.outRows && slots == other.slots &&
         outSlots == other.outSlots && transposed == other.transposed &&
         shapeOf(init) == shapeOf(other.init) &&
         weights[0].getType() == other.weights[0].getType();
}

unsigned GemmParts::addExtra(Extra extra) {
  auto found = llvm::find(extras, extra);
  unsigned position = found - extras.begin();
  if (found == extras.end())
    extras.push_back(extra);
  return position;
}

moek::GemmOp GemmParts::build(TensorBuilder &b, Epilogue epilogue) const {
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Extra &extra : extras) {
    operands.push_back(extra.value);
    maps.push_back(extra.map);
  }
  auto gemm = moek::GemmOp::create(
      b, TypeRange{init.getType()}, a, rows, offsets, weights, operands, init,
      outRows, /*scratch=*/Value(), slots, outSlots,
      maps.empty() ? ArrayAttr() : b.getAffineMapArrayAttr(maps),
      moek::LayoutAttr(), transposed);
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&gemm.getEpilogue());
  for (size_t i = 0; i < weights.size(); ++i)
    block->addArgument(b.getF32Type(), b.getLoc());
  for (Value operand : operands)
    block->addArgument(getElementTypeOrSelf(operand), b.getLoc());
  block->addArgument(getElementTypeOrSelf(init), b.getLoc());
  ValueRange arguments = block->getArguments();
  Value result = epilogue(arguments.take_front(weights.size()),
                          arguments.slice(weights.size(), operands.size()),
                          arguments.back());
  moek::YieldOp::create(b, result);
  return gemm;
}

/// What `tensor`, read through `map`, holds: looks through ops that only repeat
/// or reorder elements.
static std::pair<Value, AffineMap> lookThroughCopies(Value tensor,
                                                     AffineMap map) {
  while (auto op = tensor.getDefiningOp<linalg::LinalgOp>()) {
    Block *body = op.getBlock();
    bool copies =
        op.getNumDpsInputs() == 1 &&
        op.getNumParallelLoops() == op.getNumLoops() &&
        body->getTerminator()->getOperand(0) == body->getArgument(0) &&
        op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() &&
        isa<RankedTensorType>(op->getOperand(0).getType());
    if (!copies)
      break;
    map = op.getMatchingIndexingMap(op.getDpsInputOperand(0)).compose(map);
    tensor = op->getOperand(0);
  }
  return {tensor, map};
}

StringRef moe::whyNoExtra(Value tensor, AffineMap map) {
  std::tie(tensor, map) = lookThroughCopies(tensor, map);
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return "an operand is not read by row, by column or both";
  // Vectors go along the columns.
  if (map.isFunctionOfDim(1) &&
      map.getResults().back() != getAffineDimExpr(1, map.getContext()))
    return "an operand does not have the columns as its last dimension";
  Type element = getElementTypeOrSelf(tensor);
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
    return "an operand holds no whole bytes";
  return "";
}

Extra moe::extraOf(TensorBuilder &b, Value tensor, AffineMap map) {
  std::tie(tensor, map) = lookThroughCopies(tensor, map);
  // A dimension that is read at 0 alone has one element.
  SmallVector<ReassociationIndices> groups;
  SmallVector<unsigned> positions;
  ReassociationIndices leading;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim) {
      groups.push_back(std::exchange(leading, {}));
      positions.push_back(dim.getPosition() + 1);
    }
    (groups.empty() ? leading : groups.back()).push_back(i);
  }
  if (positions.size() < map.getNumResults())
    tensor = tensor::CollapseShapeOp::create(b, tensor, groups);
  return {tensor, extraMap(b.getContext(), positions)};
}

Extra moe::extraOf(TensorBuilder &b, Value scalar) {
  auto type = RankedTensorType::get({}, scalar.getType());
  return {tensor::FromElementsOp::create(b, type, scalar),
          extraMap(b.getContext(), {})};
}

AffineMap moe::extraMap(MLIRContext *context, ArrayRef<unsigned> positions) {
  return AffineMap::getMultiDimMapWithTargets(3, positions, context);
}

Value moe::inlineEpilogue(TensorBuilder &b, moek::GemmOp gemm, ValueRange sums,
                          ValueRange extras, Value old) {
  Block *body = gemm.getBody();
  IRMapping mapping;
  SmallVector<Value> values(sums);
  llvm::append_range(values, extras);
  values.push_back(old);
  mapping.map(body->getArguments(), values);
  for (Operation &op : body->without_terminator())
    b.clone(op, mapping);
  return mapping.lookup(body->getTerminator()->getOperand(0));
}
