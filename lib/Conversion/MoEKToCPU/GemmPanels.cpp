//===- GemmPanels.cpp - rows of a task times a block of its panels --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"

using namespace mlir;
using namespace moe;

/// How many rows of blocks a tile of few rows multiplies. With 16 registers
/// there are 8 sums.
static constexpr int64_t kFewProducts = 4;
/// Rows of the copied ones, a block of K each, that a task has room for: 128
/// KiB of f32, K up to 16384.
static constexpr int64_t kFewBlocks = 256;

/// Lays down the blocks ahead of the one that the tiles read. Those behind the
/// end of the task's weights, `size` from `start` on, are of the next group's,
/// or whatever lies there: the next task's, if a thread takes one after the
/// other.
void GemmEmitter::lookAhead(MicroKernelOperands &operands,
                            const RowRange &range, Value start, Value size) {
  auto add = [&](int64_t distance, unsigned locality) {
    if (!distance)
      return;
    Value group = range.group;
    Value place = b.add(operands.blocks[0].offset, distance);
    if (range.nextGroup) {
      Value inside = b.lessThan(place, b.add(start, size));
      group = arith::SelectOp::create(b, inside, group, range.nextGroup);
      place = arith::SelectOp::create(b, inside, place, b.sub(place, size));
    }
    operands.ahead.push_back({operands.weights, group, place, locality});
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
  operands.weights = op.getWeights()[0];
  operands.group = range.group;
  // Chunks before this one are whole; in this one a block of K has `count`
  // panels.
  Value task = b.mul(firstPanel, kBlocks * blockSize);
  Value start = b.add(task, b.mul(b.mul(kBlock, count), blockSize));
  b.loop(count, [&](Value panel) {
    operands.blocks = {{b.add(start, b.mul(panel, blockSize)), b.index(0),
                        b.mul(panel, tile.panel)}};
    operands.share = b.index(0);
    operands.shareSize = b.index(blockSize);
    if (tile.prefetch)
      lookAhead(operands, range, task, b.mul(count, kBlocks * blockSize));
    multiplyPanel(tile, rows, operands);
  });
}

/// Rows of copied blocks that a task of few rows needs, which holds all of K; 0
/// if there is no room for them.
int64_t GemmEmitter::fewBlocks() {
  int64_t needed = kBlocks * kFewRows;
  return op.getLayoutAttr() && needed <= kFewBlocks ? needed : 0;
}

/// Few rows times all blocks of a task. Memory decides there, and gives most to
/// a few streams that each go on where they are: so the line of blocks is cut
/// into as many as a tile multiplies beside each other. Asking ahead would only
/// disturb them.
void GemmEmitter::multiplyStreams(const RowRange &range, Value firstPanel,
                                  Value count, Value rows) {
  int64_t blockSize = tile.block * tile.panel;
  Value task = b.mul(firstPanel, kBlocks * blockSize);
  Value blocks = b.mul(count, kBlocks);
  b.loop(kBlocks, [&](Value kBlock) {
    copyRows(range.first, rows, kBlock, b.mul(kBlock, rows));
  });
  // There are one or two: `few` is `rows`.
  b.tiles(rows, kFewRows, [&](Value row, int64_t few) {
    Tile wide = tile;
    wide.prefetch = false;
    auto multiply = [&](ArrayRef<Value> numbers) {
      MicroKernelOperands operands;
      operands.left = left;
      operands.weights = op.getWeights()[0];
      operands.group = range.group;
      operands.sums = sums;
      operands.row = row;
      wide.streams = numbers.size();
      for (Value number : numbers) {
        Value kBlock = arith::DivUIOp::create(b, number, count);
        Value panel = arith::RemUIOp::create(b, number, count);
        operands.blocks.push_back({b.add(task, b.mul(number, blockSize)),
                                   b.mul(kBlock, few),
                                   b.mul(panel, tile.panel)});
      }
      emitMicroKernel(b, wide, few, operands);
    };
    int64_t streams = kFewProducts / few;
    Value length = b.div(blocks, streams);
    b.loop(length, [&](Value number) {
      SmallVector<Value> numbers;
      for (int64_t i = 0; i < streams; ++i)
        numbers.push_back(b.add(number, b.mul(length, i)));
      multiply(numbers);
    });
    b.loop(b.mul(length, streams), blocks, 1,
           [&](Value number) { multiply(number); });
  });
}

/// The same for one panel: as many tiles as it takes, of equal heights as far
/// as can be. 32 rows are 6 + 6 + 5 + 5 + 5 + 5: a tile of two rows would wait
/// for its sums.
void GemmEmitter::multiplyPanel(const Tile &tile, Value rows,
                                MicroKernelOperands operands) {
  Value tiles = b.ceilDiv(rows, tile.rows);
  Value height = b.div(rows, tiles), higher = b.rem(rows, tiles);
  Value share = operands.share;
  if (tile.prefetch) {
    operands.shareSize = b.div(operands.shareSize, tiles);
    operands.large = b.lessThan(tiles, b.index(4));
  }
  b.reduce(tiles, b.index(0), [&](Value i, Value row) {
    operands.row = operands.blocks[0].leftRow = row;
    if (tile.prefetch)
      operands.share =
          b.add(share, b.createOrFold<arith::MulIOp>(i, operands.shareSize));
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
