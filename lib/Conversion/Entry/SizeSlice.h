//===- SizeSlice.h - sizes as functions of the symbols ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H
#define MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H

#include "moe/Conversion/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace moe {

/// Copies the arithmetic that computes a size in an entry to another place,
/// where `symbols` stand for the entry's symbols.
///
/// The size of what a branch or a loop passes on is that of any value it can
/// be: F.require checks that these agree.
class SizeSlice {
public:
  SizeSlice(mlir::func::FuncOp entry, const EntrySignature &signature,
            mlir::ValueRange symbols);

  /// `value` computed from the symbols at the builder's position; fails if it
  /// depends on anything else.
  mlir::FailureOr<mlir::Value> clone(mlir::OpBuilder &b, mlir::Value value);
  /// The same for the size of dimension `dim` of a tensor or memref.
  mlir::FailureOr<mlir::Value> cloneSize(mlir::OpBuilder &b, mlir::Value value,
                                         int64_t dim);

private:
  mlir::FailureOr<mlir::Value>
  cloneFolded(mlir::OpBuilder &b, mlir::OpFoldResult size, mlir::Location loc);

  mlir::Block &body;
  mlir::IRMapping mapping;
  /// For each memref argument of the entry that has symbols among its sizes.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> dims;
  llvm::SmallVector<mlir::Value> symbols;
  /// Values whose size is being looked for: loops pass theirs to themselves.
  llvm::DenseSet<mlir::Value> active;
};

} // namespace moe

#endif // MOE_LIB_CONVERSION_ENTRY_SIZESLICE_H
