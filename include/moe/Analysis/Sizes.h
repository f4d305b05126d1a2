//===- Sizes.h - sizes of tensors for given dimensions ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ANALYSIS_SIZES_H
#define MOE_ANALYSIS_SIZES_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

#include <optional>

namespace moe {

/// Sizes of dimensions by their name (`moe.dims`).
using NamedSizes = llvm::StringMap<int64_t>;

/// Sizes and indices in one function, for one call of it. Functions it calls
/// must have been inlined. Asking adds ops to the function: use a copy of it.
class SizeEvaluator {
public:
  /// Dynamic sizes of arguments are those of their names.
  SizeEvaluator(mlir::func::FuncOp function, const NamedSizes &named)
      : function(function), named(named) {}

  /// Size of dimension `dim` of `tensor`, or nothing if it is not known.
  std::optional<int64_t> size(mlir::Value tensor, unsigned dim);
  /// All sizes of `tensor`, none for a scalar; nothing if one is not known.
  std::optional<llvm::SmallVector<int64_t>> sizes(mlir::Value tensor);
  /// The value of an index or integer, or nothing if it is not known.
  std::optional<int64_t> index(mlir::OpFoldResult value);
  /// Iterations of a loop: the trip count, or as many as it can have.
  std::optional<int64_t> iterations(LoopOp loop);

private:
  std::optional<int64_t> sizeOfResult(mlir::OpResult result, unsigned dim);

  mlir::func::FuncOp function;
  const NamedSizes &named;
};

} // namespace moe

#endif // MOE_ANALYSIS_SIZES_H
