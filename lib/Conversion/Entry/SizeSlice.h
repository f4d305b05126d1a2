//===- SizeSlice.h - sizes as functions of the symbols ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H
#define MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace moe {

/// Copies the arithmetic that computes a size in an entry to another place,
/// where `symbols` stand for the entry's symbols.
class SizeSlice {
public:
  SizeSlice(mlir::func::FuncOp entry, mlir::ValueRange symbols);

  /// `value` computed from the symbols at the builder's position; fails if it
  /// depends on anything else.
  mlir::FailureOr<mlir::Value> clone(mlir::OpBuilder &b, mlir::Value value);

private:
  mlir::func::FuncOp entry;
  mlir::IRMapping mapping;
};

/// Moves every moek.require of `entry` into the function F.require(context,
/// symbols...) -> i1, which reports the first that does not hold. Emits an error
/// and fails for one that does not follow from the symbols.
mlir::LogicalResult outlineRequirements(mlir::func::FuncOp entry, unsigned symbols);

} // namespace moe

#endif // MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H
