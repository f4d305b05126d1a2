//===- MatrixView.h - a matrix as it lies in memory -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_MATRIXVIEW_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_MATRIXVIEW_H

#include "KernelBuilder.h"

namespace moe {

/// A memref of matrices [group, row, column], or of one, as a line of elements:
/// vectors of a row can be read from it whatever its strides are.
class MatrixView {
public:
  MatrixView(KernelBuilder &b, mlir::Value memref);

  /// True if the two differ in nothing but where they begin.
  bool isLike(const MatrixView &other) const;
  /// One of two that are alike.
  static MatrixView select(KernelBuilder &b, mlir::Value first,
                           const MatrixView &x, const MatrixView &y);

  mlir::Type element() const { return elementType; }
  /// Elements between neighbours of a row; ShapedType::kDynamic if unknown.
  int64_t columnStride() const { return staticStrides.back(); }
  /// Columns that share a cache line of a row, at least one.
  int64_t columnsOfLine() const {
    int64_t stride = std::max<int64_t>(columnStride(), 1);
    return std::max<int64_t>(elementsOfLine(elementType) / stride, 1);
  }

  /// Position of an element. One matrix takes no group.
  mlir::Value at(KernelBuilder &b, mlir::Value group, mlir::Value row,
                 mlir::Value column) const;
  /// The position `columns` further along a row.
  mlir::Value along(KernelBuilder &b, mlir::Value at,
                    mlir::Value columns) const;

  /// Elements from a row to the next one.
  mlir::Value rowStride(KernelBuilder &b) const;
  /// The elements, of which `at` and `along` give the positions.
  mlir::Value elements() const { return line; }

  /// Asks for the cache line of the element at `at`, which need not exist.
  void prefetch(KernelBuilder &b, mlir::Value at, unsigned localityHint) const;
  mlir::Value loadElement(KernelBuilder &b, mlir::Value at) const;
  /// `size` neighbours of a row from `at` on, of which the first `valid` exist;
  /// the others are zeros, and are not touched.
  mlir::Value load(KernelBuilder &b, mlir::Value at, int64_t size,
                   int64_t valid) const;
  /// The same, widened to f32.
  mlir::Value loadWide(KernelBuilder &b, mlir::Value at, int64_t size,
                       int64_t valid) const;

private:
  mlir::Value scale(KernelBuilder &b, mlir::Value by, size_t dim) const;
  mlir::Value loadVector(KernelBuilder &b, mlir::Value at, int64_t size) const;

  mlir::Type elementType;
  mlir::Value line, offset;
  llvm::SmallVector<int64_t, 3> staticStrides;
  llvm::SmallVector<mlir::Value, 3> strides; ///< those that are not static
};

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_MATRIXVIEW_H
