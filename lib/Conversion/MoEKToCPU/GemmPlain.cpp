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

/// sums += the copied rows times block `kBlock` of `count` panels of plain
/// weights, one accumulator after the other.
void GemmEmitter::multiplyPlain(const RowRange &range, Value firstPanel,
                                Value count, Value kBlock, Value rows) {
  int64_t together = plain.panels * tile.panel;
  int64_t blockSize = tile.block * tile.panel;
  Value firstColumn = b.mul(firstPanel, columns);
  Value end = b.min(b.mul(count, columns), b.sub(b.index(n), firstColumn));
  Tile asking = tile;
  asking.prefetch = true;
  MicroKernelOperands operands;
  operands.left = left;
  operands.weights = packed;
  operands.group = b.index(0);
  operands.sums = sums;
  operands.shareSize = b.index(blockSize);
  b.loop(b.index(0), end, together, [&](Value column) {
    Value next = b.add(column, together);
    Value inBlock = b.lessThan(next, end);
    Value nextK = arith::SelectOp::create(b, inBlock, kBlock, b.add(kBlock, 1));
    next = arith::SelectOp::create(b, inBlock, next, b.index(0));
    PlainBlock here{range.group, kBlock, b.add(firstColumn, column)},
        ahead{range.group, nextK, b.add(firstColumn, next)};
    Value number = b.index(plain.panels);
    if (!plain.whole)
      number = b.min(number, b.ceilDiv(b.sub(end, column), tile.panel));
    // Not in a loop: choosing between two weights made bf16 a third slower.
    for (auto [acc, weight] : llvm::enumerate(op.getWeights())) {
      PlainWeights one = plain;
      one.operands = {weight};
      emitPackBlock(b, one, here, {packed, b.index(0), b.index(0)});
      operands.ahead = {rowsAhead(b, one, ahead, acc)};
      Value first = b.add(column, acc * plainWidth());
      b.loop(number, [&](Value panel) {
        operands.share = b.mul(panel, blockSize);
        operands.blocks = {{operands.share, b.index(0),
                            b.add(first, b.mul(panel, tile.panel))}};
        multiplyPanel(asking, rows, operands);
      });
    }
  });
}
