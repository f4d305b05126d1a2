//===- InPlaceKernel.h - few rows times weights as they lie -----*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_INPLACEKERNEL_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_INPLACEKERNEL_H

#include "MatrixView.h"

namespace moe {

/// How the weights of a gemm are multiplied where they lie.
struct InPlaceShape {
  bool alongK;     ///< weights are [.., N, K]: dot products; else [.., K, N]
  bool dot;        ///< by vdpbf16ps
  int64_t lanes;   ///< f32 of a vector
  int64_t sums;    ///< vectors of sums that registers hold
  int64_t k, n;    ///< of the weights
  int64_t block;   ///< K of a block, a multiple of `unit`, or all of it
  int64_t columns; ///< of a task, a multiple of these or up to the last one
  mlir::Type element;
  bool streams; ///< rows are so few that memory decides

  /// Pairs of bf16 along K are widened by a shift and a mask, so that the first
  /// ones of all pairs come before the second ones.
  bool splitsPairs() const { return alongK && !dot && element.isBF16(); }
  /// Elements of a row that are multiplied at a time; rows are filled up with
  /// zeros to whole units.
  int64_t unit() const {
    return splitsPairs() || (alongK && dot) ? 2 * lanes : lanes;
  }
};

/// Adds the products of some rows with some columns of one block of K to sums
/// in memory:
///   sums[i, a * width + j] +=
///     sum over k of left[i, k] * weights_a[group, firstK + k, firstColumn + j]
struct InPlaceOperands {
  llvm::ArrayRef<MatrixView> weights;
  mlir::Value group, firstColumn, numColumns;
  mlir::Value firstK, depth; ///< depth is that of the block
  mlir::Value left, rows;    ///< f32, or bf16 for the dot method
  mlir::Value sums;
  int64_t width;
};

/// Emits the product along the dimension in which the weights are contiguous.
void emitDotProducts(KernelBuilder &b, const InPlaceShape &shape,
                     const InPlaceOperands &operands);
void emitScaledSums(KernelBuilder &b, const InPlaceShape &shape,
                    const InPlaceOperands &operands);

/// Emits `body` for each matrix of weights and the first column of its sums:
/// once, in a loop, if they are alike.
void forWeights(
    KernelBuilder &b, const InPlaceOperands &operands,
    llvm::function_ref<void(const MatrixView &weights, mlir::Value firstSum)>
        body);
/// Emits `body` for the last block of K only.
void ifLastBlock(KernelBuilder &b, const InPlaceShape &shape,
                 mlir::Value firstK, llvm::function_ref<void()> body);
/// Emits the columns of a task in tiles of the sizes, each of which divides the
/// one before, as far as there can be columns left over. Returns where the
/// tiles end.
mlir::Value
forColumns(KernelBuilder &b, const InPlaceShape &shape, mlir::Value numColumns,
           llvm::ArrayRef<int64_t> sizes,
           llvm::function_ref<void(mlir::Value first, int64_t size)> body);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_INPLACEKERNEL_H
