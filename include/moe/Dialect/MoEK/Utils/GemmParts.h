//===- GemmParts.h - a moek.gemm as data, to build others from --*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_UTILS_GEMMPARTS_H
#define MOE_DIALECT_MOEK_UTILS_GEMMPARTS_H

#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

namespace moe {

/// An operand of an epilogue besides the accumulators: `map` is a projection of
/// (g, s, n).
struct Extra {
  mlir::Value value;
  mlir::AffineMap map;
  bool operator==(const Extra &other) const {
    return value == other.value && map == other.map;
  }
};

/// What a gemm on tensors consists of, but for its epilogue.
struct GemmParts {
  mlir::Value a, rows, offsets;
  llvm::SmallVector<mlir::Value> weights;
  llvm::SmallVector<Extra> extras;
  mlir::Value init, outRows;
  int64_t slots = 1, outSlots = 1;
  bool transposed = false;

  GemmParts() = default;
  /// Those of a gemm whose weights are not packed.
  explicit GemmParts(moek::GemmOp gemm);

  /// True if both multiply the same rows, by weights that lie the same way, to
  /// results of one shape: they can be one gemm.
  bool matches(const GemmParts &other) const;

  /// The position of `extra`, added unless it is there.
  unsigned addExtra(Extra extra);

  /// The new element from accumulators (f32), the extras' elements, and the old
  /// element.
  using Epilogue = llvm::function_ref<mlir::Value(
      mlir::ValueRange sums, mlir::ValueRange extras, mlir::Value old)>;
  /// Builds the gemm at the position of `b`, which then builds the epilogue.
  moek::GemmOp build(TensorBuilder &b, Epilogue epilogue) const;
};

/// Why a tensor that loops (s, n) read through `map` cannot be an extra; empty
/// if it can.
llvm::StringRef whyNoExtra(mlir::Value tensor, mlir::AffineMap map);
/// The tensor as an extra, looked at through broadcasts.
Extra extraOf(TensorBuilder &b, mlir::Value tensor, mlir::AffineMap map);
/// A number as an extra.
Extra extraOf(TensorBuilder &b, mlir::Value scalar);

/// (g, s, n) -> those of the three, by position.
mlir::AffineMap extraMap(mlir::MLIRContext *context,
                         llvm::ArrayRef<unsigned> positions);

/// What the epilogue of `gemm` yields for these accumulators, extras and old
/// element: a copy of its body at the position of `b`.
mlir::Value inlineEpilogue(TensorBuilder &b, moek::GemmOp gemm,
                           mlir::ValueRange sums, mlir::ValueRange extras,
                           mlir::Value old);

} // namespace moe

#endif // MOE_DIALECT_MOEK_UTILS_GEMMPARTS_H
