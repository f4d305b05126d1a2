//===- PackBlock.h - one block of a panel from plain weights ----*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_PACKBLOCK_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_PACKBLOCK_H

#include "MicroKernel.h"

namespace moe {

/// What is packed: weights of `acc` accumulators, [E,K,N] or [K,N], or with the
/// last two dimensions swapped, as panels of `panel` columns in blocks of
/// `block` of K. Several panels at a time are of one accumulator.
struct PlainWeights {
  llvm::SmallVector<mlir::Value> operands;
  bool transposed;
  int64_t k, n, panel, block, pair, lanes;
  int64_t panels = 1;
  /// Panels that are packed together never end behind the weights.
  bool whole = false;

  int64_t columns() const { return panels * panel / operands.size(); }
};

/// Where a packed block goes: memref[row, offset ..], of the weights' type or
/// (unless they are pairs) of f32.
struct PackTarget {
  mlir::Value memref, row, offset;
};

/// A block of K of the panels of a group whose columns are those from `column`
/// on.
struct PlainBlock {
  mlir::Value group, kBlock, column;
};

/// Copies `block` to `target`, with zeros where the weights end.
void emitPackBlock(KernelBuilder &b, const PlainWeights &weights,
                   const PlainBlock &block, const PackTarget &target);

/// A block as what there is to ask for, row by row as it lies, if the weights
/// are of one accumulator, number `acc`. Where the columns of two alternate,
/// each asks for half of the lines of both.
BlockAhead rowsAhead(KernelBuilder &b, const PlainWeights &weights,
                     const PlainBlock &block, int64_t acc);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_PACKBLOCK_H
