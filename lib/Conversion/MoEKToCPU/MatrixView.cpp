//===- MatrixView.cpp - a matrix as it lies in memory ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixView.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

MatrixView::MatrixView(KernelBuilder &b, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  elementType = type.getElementType();
  int64_t staticOffset;
  LogicalResult strided = type.getStridesAndOffset(staticStrides, staticOffset);
  assert(succeeded(strided) && "kernels take strided memrefs only");
  (void)strided;
  auto parts = memref::ExtractStridedMetadataOp::create(b, memref);
  for (auto [known, value] : llvm::zip(staticStrides, parts.getStrides()))
    strides.push_back(ShapedType::isDynamic(known) ? value : Value());
  offset = ShapedType::isDynamic(staticOffset) ? parts.getOffset()
                                               : b.index(staticOffset);
  // The length of the line does not matter: nobody reads past the matrices.
  constexpr int64_t kLength = std::numeric_limits<int64_t>::max();
  line = memref::ReinterpretCastOp::create(
      b, MemRefType::get({kLength}, elementType), parts.getBaseBuffer(),
      /*offset=*/0, /*sizes=*/ArrayRef<int64_t>{kLength},
      /*strides=*/ArrayRef<int64_t>{1});
}

bool MatrixView::isLike(const MatrixView &other) const {
  return elementType == other.elementType &&
         staticStrides == other.staticStrides &&
         !llvm::is_contained(staticStrides, ShapedType::kDynamic) &&
         line.getType() == other.line.getType();
}

MatrixView MatrixView::select(KernelBuilder &b, Value first,
                              const MatrixView &x, const MatrixView &y) {
  MatrixView result = x;
  result.line = arith::SelectOp::create(b, first, x.line, y.line);
  result.offset = b.createOrFold<arith::SelectOp>(first, x.offset, y.offset);
  return result;
}

Value MatrixView::scale(KernelBuilder &b, Value by, size_t dim) const {
  if (!strides[dim])
    return b.mul(by, staticStrides[dim]);
  return b.createOrFold<arith::MulIOp>(by, strides[dim]);
}

Value MatrixView::at(KernelBuilder &b, Value group, Value row,
                     Value column) const {
  size_t rank = staticStrides.size();
  Value position = offset;
  if (rank == 3)
    position = b.add(position, scale(b, group, 0));
  position = b.add(position, scale(b, row, rank - 2));
  return b.add(position, scale(b, column, rank - 1));
}

Value MatrixView::along(KernelBuilder &b, Value at, Value columns) const {
  return b.add(at, scale(b, columns, staticStrides.size() - 1));
}

Value MatrixView::rowStride(KernelBuilder &b) const {
  return scale(b, b.index(1), staticStrides.size() - 2);
}

void MatrixView::prefetch(KernelBuilder &b, Value at,
                          unsigned localityHint) const {
  memref::PrefetchOp::create(b, line, at, /*isWrite=*/false, localityHint,
                             /*isDataCache=*/true);
}

Value MatrixView::loadElement(KernelBuilder &b, Value at) const {
  return memref::LoadOp::create(b, line, at);
}

Value MatrixView::loadVector(KernelBuilder &b, Value at, int64_t size) const {
  return vector::LoadOp::create(b, VectorType::get(size, elementType), line,
                                at);
}

Value MatrixView::load(KernelBuilder &b, Value at, int64_t size,
                       int64_t valid) const {
  auto type = VectorType::get(size, elementType);
  if (columnStride() == 1) {
    if (valid == size)
      return loadVector(b, at, size);
    SmallVector<bool> bits(size, false);
    std::fill_n(bits.begin(), valid, true);
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(VectorType::get(size, b.getI1Type()), bits));
    return vector::MaskedLoadOp::create(b, type, line, at, mask, b.zero(type));
  }
  if (columnStride() == 2 && valid == size && size % 2 == 0) {
    // Every other element of two vectors. The second ends with the last one
    // that is wanted: what comes after it may not be there.
    SmallVector<int64_t> every;
    for (int64_t i = 0; i < size; ++i)
      every.push_back(i < size / 2 ? 2 * i : 2 * i + 1);
    return vector::ShuffleOp::create(b, loadVector(b, at, size),
                                     loadVector(b, b.add(at, size - 1), size),
                                     every);
  }
  SmallVector<Value> elements;
  for (int64_t i = 0; i < size; ++i)
    elements.push_back(i < valid ? loadElement(b, along(b, at, b.index(i)))
                                 : b.zero(elementType));
  return vector::FromElementsOp::create(b, type, elements);
}

Value MatrixView::loadWide(KernelBuilder &b, Value at, int64_t size,
                           int64_t valid) const {
  Value vector = load(b, at, size, valid);
  if (elementType.isF32())
    return vector;
  return arith::ExtFOp::create(b, VectorType::get(size, b.getF32Type()),
                               vector);
}
