//===- Constraints.cpp - checks shared by the verifiers -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

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

int64_t moe::dimSize(Value value, unsigned dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}

int64_t moe::multiplySizes(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b)
             ? ShapedType::kDynamic
             : a * b;
}

LogicalResult moe::expectShape(Operation *op, StringRef name, Value value,
                               ArrayRef<int64_t> expected) {
  if (!value)
    return success();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  bool agrees = shape.size() == expected.size() &&
                llvm::all_of_zip(shape, expected, [](int64_t a, int64_t b) {
                  return a == b || ShapedType::isDynamic(a) ||
                         ShapedType::isDynamic(b);
                });
  if (agrees)
    return success();
  InFlightDiagnostic diag = op->emitOpError() << name << ": expected ";
  printShape(*diag.getUnderlyingDiagnostic(), expected);
  diag << ", got ";
  printShape(*diag.getUnderlyingDiagnostic(), shape);
  return diag;
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

OpFoldResult moe::reifyDim(OpBuilder &builder, Location loc, Value source,
                           unsigned dim) {
  return tensor::getMixedSize(builder, loc, source, dim);
}
