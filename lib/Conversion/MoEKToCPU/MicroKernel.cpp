//===- MicroKernel.cpp - a register tile of a matrix product --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The sums of a tile are loop-carried vectors: LLVM keeps them in registers.
// Each step of the loop loads the vectors of one k (or one pair) of the panel,
// and broadcasts one value a row.

#include "MicroKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace moe;

namespace {

class MicroKernel {
public:
  MicroKernel(KernelBuilder &b, const Tile &tile, int64_t rows,
              const MicroKernelOperands &operands)
      : b(b), tile(tile), rows(rows), operands(operands),
        ofPanel(tile.panel / tile.lanes), vectors(tile.streams * ofPanel),
        f32(VectorType::get(tile.lanes, b.getF32Type())),
        element(cast<MemRefType>(operands.weights.getType()).getElementType()) {
    // Low tiles wait for memory, not for the loop. A pair is two steps of K,
    // and more of them widened at once do not fit into the registers.
    bool longer = tile.pair == 1 && 2 * rows > tile.rows;
    step = longer ? std::max<int64_t>(tile.unroll, 1) : tile.pair;
    if (tile.block % step)
      step = tile.pair;
  }

  void emit() {
    // The sums of a block wait in registers. Those of several begin at zero,
    // for they may be of the same columns.
    bool several = tile.streams > 1;
    SmallVector<Value> carried;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        carried.push_back(several ? b.zero(f32) : load(i, j));
    if (tile.prefetch) {
      planAsking();
      carried.push_back(operands.share);
    }
    carried = b.iterate(b.index(0), b.index(tile.block), step, carried,
                        [&](Value k, ValueRange state) {
                          SmallVector<Value> next(state);
                          emitSteps(k, next);
                          return next;
                        });
    // A loop that is as long as it shall be, or that has branches in it.
    if (step > tile.pair || (tile.prefetch && fewLines < lines))
      unroll(carried.front().getDefiningOp(), false);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j) {
        Value sum = carried[i * vectors + j];
        if (several)
          sum = arith::AddFOp::create(b, load(i, j), sum);
        vector::StoreOp::create(b, sum, operands.sums, at(i, j));
      }
  }

private:
  const TileBlock &blockOf(int64_t j) { return operands.blocks[j / ofPanel]; }

  /// Position of the vector of row i, column vector j among the sums.
  SmallVector<Value> at(int64_t i, int64_t j) {
    return {b.add(operands.row, i),
            b.add(blockOf(j).column, j % ofPanel * tile.lanes)};
  }
  Value load(int64_t i, int64_t j) {
    return vector::LoadOp::create(b, f32, operands.sums, at(i, j));
  }

  /// Position in the weights of column vector j of `k`, or of the pair from `k`
  /// on.
  SmallVector<Value> weightsAt(Value k, int64_t j) {
    Value start = b.add(blockOf(j).offset, b.mul(k, tile.panel));
    return {operands.group, b.add(start, j % ofPanel * tile.lanes * tile.pair)};
  }

  /// One step of the loop. `carried` are the sums, and what to ask for next.
  void emitSteps(Value k, SmallVectorImpl<Value> &carried) {
    Value ask;
    if (tile.prefetch)
      ask = askAhead(carried.pop_back_val());
    if (step == tile.pair) {
      emitStep(k, carried);
    } else {
      carried = b.iterate(b.index(0), b.index(step), tile.pair, carried,
                          [&](Value i, ValueRange state) {
                            SmallVector<Value> next(state);
                            emitStep(b.add(k, i), next);
                            return next;
                          });
      unroll(carried.front().getDefiningOp(), true);
    }
    if (ask)
      carried.push_back(ask);
  }

  /// Tells LLVM to unroll `loop` fully, so that what passes of MLIR work on is
  /// a quarter of it, or not at all.
  void unroll(Operation *loop, bool fully) {
    BoolAttr yes = b.getBoolAttr(true), no;
    auto unroll =
        LLVM::LoopUnrollAttr::get(b.getContext(), /*disable=*/fully ? no : yes,
                                  /*count=*/{}, /*runtimeDisable=*/{},
                                  /*full=*/fully ? yes : no, {}, {}, {});
    loop->setAttr("llvm.loop_annotation",
                  LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {},
                                                unroll, {}, {}, {}, {}, {}, {},
                                                {}, {}, {}, {}, {}));
  }

  /// One k, or one pair of k: block by block, so that few vectors wait for
  /// their turn.
  void emitStep(Value k, SmallVectorImpl<Value> &sums) {
    for (int64_t first = 0; first < vectors; first += ofPanel)
      emitStep(k, first, sums);
  }

  /// The same of the block whose first column vector is `first`.
  void emitStep(Value k, int64_t first, SmallVectorImpl<Value> &sums) {
    if (tile.pair == 1)
      return multiplyRows(k, first, loadPlain(k, first), sums);
    SmallVector<Value> words = loadPairs(k, first);
    if (tile.bf16 == Bf16Method::Dot)
      return dotRows(k, first, words, sums);
    // A pair of bf16 in one word: the first widens by a shift, the second by
    // clearing the first.
    auto i32 = VectorType::get(tile.lanes, b.getI32Type());
    Value shift = splat(i32, 16), mask = splat(i32, 0xffff0000);
    SmallVector<Value> even, odd;
    for (Value word : words) {
      Value bits = vector::BitCastOp::create(b, i32, word);
      Value low = arith::ShLIOp::create(b, bits, shift);
      Value high = arith::AndIOp::create(b, bits, mask);
      even.push_back(vector::BitCastOp::create(b, f32, low));
      odd.push_back(vector::BitCastOp::create(b, f32, high));
    }
    multiplyRows(k, first, even, sums);
    multiplyRows(b.add(k, 1), first, odd, sums);
  }

  /// Lays down what a step of the loop asks for. All of the tile's share, for
  /// what nobody asks for is waited for; and each line about once, for more
  /// takes the loads' turns: a quarter of the lines that the step reads, or as
  /// many if the share is large.
  void planAsking() {
    Type asked =
        cast<MemRefType>(operands.ahead[0].weights.getType()).getElementType();
    lines = std::max<int64_t>(1, step * tile.panel / elementsOfLine(asked));
    fewLines = std::max<int64_t>(1, lines / 4);
    advance = b.div(operands.shareSize, tile.block / step);
    stride = b.div(advance, lines);
    if (fewLines < lines)
      stride = arith::SelectOp::create(b, operands.large, stride,
                                       b.div(advance, fewLines));
  }

  /// Asks for the cache lines of a step from `place` on, in each block ahead;
  /// returns the place of the next step.
  Value askAhead(Value place) {
    Value line = place;
    auto ask = [&](int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        for (const BlockAhead &block : operands.ahead)
          prefetch(block, line);
        line = b.add(line, stride);
      }
    };
    ask(fewLines);
    if (fewLines < lines)
      b.ifThen(operands.large, [&] { ask(lines - fewLines); });
    return b.add(place, advance);
  }

  void prefetch(const BlockAhead &block, Value place) {
    SmallVector<Value> at;
    if (block.columns) {
      Value row = b.createOrFold<arith::MulIOp>(b.div(place, block.columns),
                                                block.stride);
      place = b.add(row, b.rem(place, block.columns));
    } else {
      at.push_back(block.group);
    }
    at.push_back(b.add(block.offset, place));
    memref::PrefetchOp::create(b, block.weights, at, /*isWrite=*/false,
                               block.locality, /*isDataCache=*/true);
  }

  Value splat(VectorType type, uint32_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(32, value)));
  }

  Value leftRow(int64_t first, int64_t i) {
    return b.add(blockOf(first).leftRow, i);
  }

  /// The block's vectors of one k, as f32.
  SmallVector<Value> loadPlain(Value k, int64_t first) {
    SmallVector<Value> columns;
    for (int64_t j = first; j < first + ofPanel; ++j) {
      Value vector =
          vector::LoadOp::create(b, VectorType::get(tile.lanes, element),
                                 operands.weights, weightsAt(k, j));
      if (!element.isF32())
        vector = arith::ExtFOp::create(b, f32, vector);
      columns.push_back(vector);
    }
    return columns;
  }

  /// The block's vectors of one pair, two bf16 a lane.
  SmallVector<Value> loadPairs(Value k, int64_t first) {
    auto type = VectorType::get(2 * tile.lanes, element);
    SmallVector<Value> columns;
    for (int64_t j = first; j < first + ofPanel; ++j)
      columns.push_back(
          vector::LoadOp::create(b, type, operands.weights, weightsAt(k, j)));
    return columns;
  }

  /// sums += rows[.., k] * columns.
  void multiplyRows(Value k, int64_t first, ArrayRef<Value> columns,
                    SmallVectorImpl<Value> &sums) {
    for (int64_t i = 0; i < rows; ++i) {
      Value scalar = memref::LoadOp::create(b, operands.left,
                                            ValueRange{leftRow(first, i), k});
      Value all = vector::BroadcastOp::create(b, f32, scalar);
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value &sum = sums[i * vectors + first + j];
        sum = vector::FMAOp::create(b, all, column, sum);
      }
    }
  }

  /// sums += the pairs of the rows times the pairs of the columns.
  void dotRows(Value k, int64_t first, ArrayRef<Value> columns,
               SmallVectorImpl<Value> &sums) {
    auto pair = VectorType::get(2, element);
    auto word = VectorType::get(1, b.getI32Type());
    auto words = VectorType::get(tile.lanes, b.getI32Type());
    for (int64_t i = 0; i < rows; ++i) {
      Value two = vector::LoadOp::create(b, pair, operands.left,
                                         ValueRange{leftRow(first, i), k});
      Value one = vector::BitCastOp::create(b, word, two);
      Value scalar = vector::ExtractOp::create(b, one, ArrayRef<int64_t>{0});
      Value all = vector::BroadcastOp::create(b, words, scalar);
      Value pairs = vector::BitCastOp::create(
          b, VectorType::get(2 * tile.lanes, element), all);
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value &sum = sums[i * vectors + first + j];
        sum =
            x86vector::DotBF16Op::create(b, sum.getType(), sum, pairs, column);
      }
    }
  }

  KernelBuilder &b;
  const Tile &tile;
  int64_t rows;
  const MicroKernelOperands &operands;
  int64_t ofPanel, vectors; ///< of a panel, of all blocks
  int64_t step;             ///< K of a step of the loop, whole pairs
  int64_t lines, fewLines;  ///< that a step asks for of each block ahead
  Value advance, stride;    ///< elements from step to step, from line to line
  VectorType f32;
  Type element;
};

} // namespace

void moe::emitMicroKernel(KernelBuilder &b, const Tile &tile, int64_t rows,
                          const MicroKernelOperands &operands) {
  MicroKernel(b, tile, rows, operands).emit();
}
