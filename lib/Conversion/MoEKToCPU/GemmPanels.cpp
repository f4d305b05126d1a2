//===- GemmPanels.cpp - rows of a task times a block of its panels --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"

using namespace mlir;
using namespace moe;

/// Rows up to which a tile spans two panels. With 16 registers that is 8 sums
/// and 4 vectors of the panels.
static constexpr int64_t kFewRows = 2;

/// Lays down the blocks ahead of the one that the tiles read. Those behind the
/// end of the task's weights, `size` from `start` on, are of the next group's,
/// or whatever lies there: the next task's, if a thread takes one after the
/// other.
void GemmEmitter::lookAhead(MicroKernelOperands &operands,
                            const RowRange &range, Value start, Value size) {
  auto add = [&](int64_t distance, unsigned locality) {
    if (!distance)
      return;
    Value group = range.group, place = b.add(operands.offset, distance);
    if (range.nextGroup) {
      Value inside = b.lessThan(place, b.add(start, size));
      group = arith::SelectOp::create(b, inside, group, range.nextGroup);
      place = arith::SelectOp::create(b, inside, place, b.sub(place, size));
    }
    operands.ahead.push_back({group, place, locality});
  };
  operands.ahead.clear();
  add(aheadL2, /*locality=*/2);
  add(aheadL1, /*locality=*/3);
}

/// sums += the copied rows times block `kBlock` of all panels of a task.
void GemmEmitter::multiplyPanels(const RowRange &range, Value firstPanel,
                                 Value count, Value kBlock, Value rows) {
  MicroKernelOperands operands;
  operands.left = left;
  operands.sums = sums;
  int64_t blockSize = tile.block * tile.panel;
  if (!op.getLayoutAttr()) {
    b.loop(count, [&](Value panel) {
      Value next = b.add(panel, 1);
      Value inBlock = b.lessThan(next, count);
      Value nextK =
          arith::SelectOp::create(b, inBlock, kBlock, b.add(kBlock, 1));
      next = arith::SelectOp::create(b, inBlock, next, b.index(0));
      emitPackBlock(b, plain, {range.group, kBlock, b.add(firstPanel, panel)},
                    {packed, b.index(0), b.index(0)},
                    PlainBlock{range.group, nextK, b.add(firstPanel, next)});
      operands.weights = packed;
      operands.group = operands.offset = b.index(0);
      operands.column = b.mul(panel, tile.panel);
      multiplyPanel(rows, operands);
    });
    return;
  }
  operands.weights = op.getWeights()[0];
  operands.group = range.group;
  // Chunks before this one are whole; in this one a block of K has `count`
  // panels.
  Value task = b.mul(firstPanel, kBlocks * blockSize);
  Value start = b.add(task, b.mul(b.mul(kBlock, count), blockSize));
  auto lookAt = [&](Value panel) {
    operands.offset = b.add(start, b.mul(panel, blockSize));
    operands.column = b.mul(panel, tile.panel);
  };
  Value twos = b.index(0);
  if (chunkPanels > 1) {
    Value few = b.lessThan(rows, b.index(kFewRows + 1));
    Value even = b.mul(b.div(count, 2), 2);
    twos = arith::SelectOp::create(b, few, even, twos);
    b.loop(b.index(0), twos, 2, [&](Value panel) {
      lookAt(panel);
      multiplyTwoPanels(rows, operands);
    });
  }
  b.loop(twos, count, 1, [&](Value panel) {
    lookAt(panel);
    if (tile.prefetch)
      lookAhead(operands, range, task, b.mul(count, kBlocks * blockSize));
    multiplyPanel(rows, operands);
  });
}

/// The same for two panels and few rows. Memory decides there, and two streams
/// get more out of it than one. Asking ahead only disturbs them, but where the
/// weights are narrow and arithmetic takes as long as memory.
void GemmEmitter::multiplyTwoPanels(Value rows, MicroKernelOperands operands) {
  Tile two = tile;
  two.rows = kFewRows;
  two.panels = 2;
  two.prefetch = false;
  if (askFew)
    two.lookAhead = two.panels * tile.block * tile.panel;
  operands.row = b.index(0);
  emitTile(two, rows, operands);
}

/// The same for one panel: as many tiles as it takes, of equal heights as far
/// as can be. 32 rows are 6 + 6 + 5 + 5 + 5 + 5: a tile of two rows would wait
/// for its sums.
void GemmEmitter::multiplyPanel(Value rows, MicroKernelOperands operands) {
  Value tiles = b.ceilDiv(rows, tile.rows);
  Value height = b.div(rows, tiles), higher = b.rem(rows, tiles);
  if (tile.prefetch) {
    operands.shareSize = b.div(b.index(tile.block * tile.panel), tiles);
    operands.large = b.lessThan(tiles, b.index(4));
  }
  b.reduce(tiles, b.index(0), [&](Value i, Value row) {
    operands.row = row;
    if (tile.prefetch)
      operands.share = b.mul(i, operands.shareSize);
    Value size = arith::SelectOp::create(b, b.lessThan(i, higher),
                                         b.add(height, 1), height);
    emitTile(tile, size, operands);
    return b.add(row, size);
  });
}

/// The tile of `rows` rows, one of the heights from 1 on.
void GemmEmitter::emitTile(const Tile &tile, Value rows,
                           const MicroKernelOperands &operands) {
  SmallVector<int64_t> cases;
  for (int64_t i = 1; i < tile.rows; ++i)
    cases.push_back(i);
  auto choice =
      scf::IndexSwitchOp::create(b, TypeRange(), rows, cases, cases.size());
  OpBuilder::InsertionGuard guard(b);
  for (auto [i, region] : llvm::enumerate(choice.getCaseRegions())) {
    b.createBlock(&region);
    emitMicroKernel(b, tile, cases[i], operands);
    scf::YieldOp::create(b);
  }
  b.createBlock(&choice.getDefaultRegion());
  emitMicroKernel(b, tile, tile.rows, operands);
  scf::YieldOp::create(b);
}
