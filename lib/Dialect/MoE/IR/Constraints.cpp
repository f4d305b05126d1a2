//===- Constraints.cpp - checks shared by the verifiers -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;

static constexpr int64_t kLargestSize = std::numeric_limits<int64_t>::max();

/// Prints a shape as it is written in a tensor type: "[?, 64]".
static void printShape(Diagnostic &diag, ArrayRef<int64_t> shape) {
  diag << "[";
  for (auto [i, size] : llvm::enumerate(shape)) {
    if (i)
      diag << ", ";
    if (ShapedType::isDynamic(size))
      diag << "?";
    else
      diag << size;
  }
  diag << "]";
}

/// Reports "NAME: expected [a, b], got [c, d]" on `op` and fails.
static LogicalResult reportShape(Operation *op, StringRef name,
                                 ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> expected) {
  InFlightDiagnostic diag = op->emitOpError() << name << ": expected ";
  printShape(*diag.getUnderlyingDiagnostic(), expected);
  diag << ", got ";
  printShape(*diag.getUnderlyingDiagnostic(), shape);
  return diag;
}

int64_t moe::dimSize(Value value, unsigned dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}

int64_t moe::multiplySizes(int64_t a, int64_t b) {
  if (ShapedType::isDynamic(a) || ShapedType::isDynamic(b))
    return ShapedType::kDynamic;
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? kLargestSize : product;
}

LogicalResult moe::expectShape(Operation *op, StringRef name, Value value,
                               ArrayRef<int64_t> expected) {
  if (!value)
    return success();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  bool agrees =
      shape.size() == expected.size() &&
      llvm::all_of_zip(shape, expected, [](int64_t a, int64_t b) {
        return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
      });
  if (agrees)
    return success();
  return reportShape(op, name, shape, expected);
}

LogicalResult moe::expectStaticShape(Operation *op, StringRef name, Value value,
                                     ArrayRef<int64_t> expected) {
  if (!value)
    return success();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  if (shape == expected && ShapedType::isStaticShape(shape))
    return success();
  return reportShape(op, name, shape, expected);
}

LogicalResult moe::expectStatic(Operation *op, StringRef name, Value value,
                                unsigned dim) {
  int64_t size = dimSize(value, dim);
  if (!ShapedType::isDynamic(size) && size >= 1)
    return success();
  InFlightDiagnostic diag = op->emitOpError()
                            << name << ": dimension " << dim
                            << " must be static and at least 1, got ";
  if (ShapedType::isDynamic(size))
    return diag << "?";
  return diag << size;
}

LogicalResult moe::expectOffsets(Operation *op, Value offsets,
                                 int64_t experts) {
  if (failed(expectStatic(op, "offsets", offsets, 0)))
    return failure();
  return expectShape(op, "offsets", offsets,
                     {std::min(experts, kLargestSize - 1) + 1});
}

LogicalResult moe::expectEpsilon(Operation *op, const APFloat &epsilon) {
  if (epsilon.isFinite() && epsilon.convertToDouble() >= 0)
    return success();
  return op->emitOpError("epsilon: expected a finite value >= 0, got ")
         << epsilon.convertToDouble();
}

bool moe::isFoldable(RankedTensorType type) {
  constexpr int64_t kLargestConstant = 65536;
  int64_t elements = 1;
  for (int64_t size : type.getShape())
    elements = multiplySizes(elements, size);
  return !ShapedType::isDynamic(elements) && elements <= kLargestConstant;
}

OpFoldResult moe::reifyDim(OpBuilder &builder, Location loc, Value source,
                           unsigned dim) {
  return getSize(builder, loc, source, dim);
}

OpFoldResult moe::getSize(OpBuilder &builder, Location loc, Value tensor,
                          unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[dim];
  if (auto cast = dyn_cast_or_null<tensor::CastOp>(op))
    if (isa<RankedTensorType>(cast.getSource().getType()))
      return getSize(builder, loc, cast.getSource(), dim);
  auto result = dyn_cast<OpResult>(tensor);
  if (auto destination = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    return getSize(builder, loc, destination.getTiedOpOperand(result)->get(),
                   dim);
  ReifiedRankedShapedTypeDims shapes;
  if (op && isa<MoEDialect>(op->getDialect()))
    if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op))
      if (succeeded(reify.reifyResultShapes(builder, shapes)))
        return shapes[result.getResultNumber()][dim];
  return tensor::getMixedSize(builder, loc, tensor, dim);
}
