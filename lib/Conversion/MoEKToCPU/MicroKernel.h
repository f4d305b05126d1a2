//===- MicroKernel.h - a register tile of a matrix product ------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_MICROKERNEL_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_MICROKERNEL_H

#include "KernelBuilder.h"

namespace moe {

/// How bf16 weights are multiplied.
enum class Bf16Method {
  Expand, ///< widened into f32 FMAs
  Dot,    ///< vdpbf16ps on pairs
};

/// The shape of a register tile and of the panels it reads.
struct Tile {
  int64_t lanes; ///< f32 of a vector
  int64_t rows;  ///< at most
  int64_t panel; ///< columns, a multiple of lanes
  int64_t block; ///< K of a block, a multiple of pair
  int64_t pair;  ///< values of K that lie side by side
  Bf16Method bf16;
  int64_t unroll = 1;    ///< K of a step of the loop, but for pairs
  bool prefetch = false; ///< ask for weights that come later
  int64_t streams = 1;   ///< blocks that a tile multiplies beside each other
};

/// Weights that are to come, and the level of cache that they shall be in by
/// then: some packed blocks, or as many elements in rows, which have no group.
struct BlockAhead {
  mlir::Value weights, group, offset;
  unsigned locality;       ///< as of memref.prefetch
  int64_t columns = 0;     ///< of a row, if they lie in rows
  mlir::Value stride = {}; ///< elements from row to row
};

/// A block of K of a panel, the first of the rows that it is multiplied with,
/// and the first column that it belongs to.
struct TileBlock {
  mlir::Value offset, leftRow, column;
};

/// Adds the product of `tile.rows` (or fewer) rows and a block to sums in
/// memory, where w(k, j) is an element of the block:
///   sums[row + i, column + j] += sum over k of left[leftRow + i, k] * w(k, j)
/// or of each of `tile.streams` blocks, one after the other; they may belong to
/// the same columns. `left` is [?, block] of f32 (of bf16 for the dot method),
/// `sums` f32.
struct MicroKernelOperands {
  mlir::Value left, weights, group, sums, row;
  llvm::SmallVector<TileBlock, 4> blocks;
  /// What the tile asks for, if it prefetches: the first element and the size
  /// of its share in each of these, and whether that is `large`, more than a
  /// quarter of a block.
  llvm::SmallVector<BlockAhead, 2> ahead;
  mlir::Value share, shareSize, large;
};
void emitMicroKernel(KernelBuilder &b, const Tile &tile, int64_t rows,
                     const MicroKernelOperands &operands);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_MICROKERNEL_H
