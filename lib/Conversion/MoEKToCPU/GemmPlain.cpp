//===- GemmPlain.cpp - many rows of a task on weights as they lie ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Each block is packed when its turn comes. By then it is in L2: the tiles
// before have asked for it, a line now and then, because a CPU drops what it is
// asked for while it waits for as much as it can, and row by row as it lies,
// because memory likes long pieces.

#include "GemmEmitter.h"

using namespace mlir;
using namespace moe;

/// Columns of an accumulator's sums: those of a chunk, filled up to whole
/// panels.
int64_t GemmEmitter::plainWidth() {
  return llvm::alignTo(chunkPanels * columns, plain.panels * tile.panel);
}

/// sums += the copied rows times block `kBlock` of a chunk of plain weights,
/// one accumulator beside the other.
void GemmEmitter::multiplyPlain(const RowRange &range, Value firstPanel,
                                Value kBlock, Value rows) {
  int64_t width = plainWidth(), together = plain.panels * tile.panel;
  int64_t blockSize = tile.block * tile.panel;
  Value firstColumn = b.mul(firstPanel, columns);
  Tile asking = tile;
  asking.prefetch = true;
  MicroKernelOperands operands;
  operands.left = left;
  operands.weights = packed;
  operands.group = b.index(0);
  operands.sums = sums;
  operands.shareSize = b.index(blockSize);
  b.loop(b.index(0), b.index(width), together, [&](Value column) {
    Value next = b.add(column, together);
    Value inBlock = b.lessThan(next, b.index(width));
    Value nextK = arith::SelectOp::create(b, inBlock, kBlock, b.add(kBlock, 1));
    next = arith::SelectOp::create(b, inBlock, next, b.index(0));
    for (auto [acc, weight] : llvm::enumerate(op.getWeights())) {
      PlainWeights one = plain;
      one.operands = {weight};
      emitPackBlock(b, one, {range.group, kBlock, b.add(firstColumn, column)},
                    {packed, b.index(0), b.index(0)});
      operands.ahead = {
          rowsAhead(b, one, {range.group, nextK, b.add(firstColumn, next)})};
      b.loop(plain.panels, [&](Value panel) {
        operands.share = b.mul(panel, blockSize);
        operands.blocks = {
            {operands.share, b.index(0),
             b.add(b.add(column, acc * width), b.mul(panel, tile.panel))}};
        multiplyPanel(asking, rows, operands);
      });
    }
  });
}
