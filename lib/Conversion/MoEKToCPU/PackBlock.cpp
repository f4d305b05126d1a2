//===- PackBlock.cpp - one block of a panel from plain weights ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The unit of a panel is a word: one value of K, or a pair of them, for each
// column. Whole squares of lanes x lanes words go through registers; what is
// left at the edges of the weights goes element by element.

#include "PackBlock.h"
#include "MatrixView.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

namespace {

class BlockPacker {
public:
  BlockPacker(KernelBuilder &b, const PlainWeights &weights,
              const PlainBlock &block, const PackTarget &target)
      : b(b), weights(weights), group(block.group), target(target),
        columns(weights.columns()), lanes(weights.lanes) {
    element = cast<MemRefType>(target.memref.getType()).getElementType();
    firstK = b.mul(block.kBlock, weights.block);
    firstColumn = block.column;
    assert((weights.panels == 1 || weights.operands.size() == 1) &&
           "several panels are of one accumulator");
    // How much of the block and of the panels the weights fill.
    bool wholeBlocks = weights.k % weights.block == 0;
    depth = b.index(weights.block);
    if (!wholeBlocks)
      depth = b.min(depth, b.sub(b.index(weights.k), firstK));
    width = b.index(columns);
    if (!weights.whole)
      width = b.max(b.index(0),
                    b.min(width, b.sub(b.index(weights.n), firstColumn)));
  }

  void emit(int64_t number, Value weight) {
    acc = number;
    MatrixView view(b, weight);
    source = &view;
    // Squares, where both sides are whole multiples of the lanes, and rows can
    // be read as vectors.
    int64_t side = lanes * weights.pair, stride = view.columnStride();
    bool squares = (stride == 1 || stride == 2) && weights.block >= side &&
                   columns % lanes == 0;
    Value wholeK = b.index(0), wholeColumns = b.index(0);
    if (squares) {
      wholeK = b.mul(b.div(depth, side), side);
      wholeColumns = b.mul(b.div(width, lanes), lanes);
      b.loop(b.index(0), wholeK, side, [&](Value k) {
        b.loop(b.index(0), wholeColumns, lanes,
               [&](Value column) { copySquare(k, column); });
      });
    }
    // Columns beside the squares, then K below them, then zeros.
    b.loop(b.index(0), wholeK, 1, [&](Value k) {
      b.loop(wholeColumns, width, 1,
             [&](Value column) { copyElement(k, column); });
    });
    b.loop(wholeK, depth, 1, [&](Value k) {
      b.loop(b.index(0), width, 1,
             [&](Value column) { copyElement(k, column); });
    });
    Value zero = b.zero(element);
    b.loop(b.index(0), depth, 1, [&](Value k) {
      b.loop(width, b.index(columns), 1,
             [&](Value column) { store(zero, k, column); });
    });
    b.loop(depth, b.index(weights.block), 1, [&](Value k) {
      b.loop(columns, [&](Value column) { store(zero, k, column); });
    });
  }

private:
  /// Where the word of `k` and `column` begins in the target.
  Value wordAt(Value k, Value column) {
    Value row = b.mul(b.div(k, weights.pair), weights.panel * weights.pair);
    Value start = target.offset;
    if (weights.panels > 1) {
      start = b.add(start, b.mul(b.div(column, weights.panel),
                                 weights.block * weights.panel));
      column = b.rem(column, weights.panel);
    }
    Value lane = b.mul(b.add(column, acc * columns), weights.pair);
    return b.add(start, b.add(row, lane));
  }

  /// Position of element (k, column) of the block in the weights.
  Value sourceAt(Value k, Value column) {
    Value down = b.add(firstK, k), across = b.add(firstColumn, column);
    if (weights.transposed)
      std::swap(down, across);
    return source->at(b, group, down, across);
  }

  /// A vector of a row of the weights, in the type of the target.
  Value loadRow(Value k, Value column, int64_t size) {
    Value vector = source->load(b, sourceAt(k, column), size, size);
    if (source->element() == element)
      return vector;
    return arith::ExtFOp::create(b, VectorType::get(size, element), vector);
  }

  void store(Value value, Value k, Value column) {
    Value at = b.add(wordAt(k, column), b.rem(k, weights.pair));
    memref::StoreOp::create(b, value, target.memref,
                            ValueRange{target.row, at});
  }

  void copyElement(Value k, Value column) {
    Value value = source->loadElement(b, sourceAt(k, column));
    store(b.convertFloat(value, element), k, column);
  }

  /// lanes x lanes words: `lanes` columns, lanes * pair of K.
  void copySquare(Value k, Value column) {
    SmallVector<Value> rows = weights.transposed
                                  ? transpose(loadAlongK(k, column))
                                  : loadAlongColumns(k, column);
    for (auto [i, row] : llvm::enumerate(rows)) {
      Value at = wordAt(b.add(k, i * weights.pair), column);
      vector::StoreOp::create(b, row, target.memref,
                              ValueRange{target.row, at});
    }
  }

  /// Words of each k (or pair), whose columns lie side by side in memory.
  SmallVector<Value> loadAlongColumns(Value k, Value column) {
    auto load = [&](int64_t shift) {
      return loadRow(b.add(k, shift), column, lanes);
    };
    SmallVector<Value> words;
    for (int64_t i = 0; i < lanes; ++i)
      words.push_back(weights.pair == 1 ? load(i)
                                        : vector::InterleaveOp::create(
                                              b, load(2 * i), load(2 * i + 1))
                                              .getResult());
    return words;
  }

  /// Words of each column, whose K lie side by side in memory.
  SmallVector<Value> loadAlongK(Value k, Value column) {
    SmallVector<Value> words;
    for (int64_t i = 0; i < lanes; ++i)
      words.push_back(loadRow(k, b.add(column, i), lanes * weights.pair));
    return words;
  }

  /// The square transposed: after log2(lanes) rounds of interleaving row i with
  /// row i + lanes/2, columns are rows.
  SmallVector<Value> transpose(SmallVector<Value> rows) {
    auto stored = cast<VectorType>(rows[0].getType());
    auto words = VectorType::get(lanes, b.getI32Type());
    bool pairs = weights.pair == 2;
    if (pairs)
      for (Value &row : rows)
        row = vector::BitCastOp::create(b, words, row);
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i) {
      low.append({i, lanes + i});
      high.append({lanes / 2 + i, lanes + lanes / 2 + i});
    }
    for (int64_t round = 1; round < lanes; round *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < lanes / 2; ++i) {
        Value upper = rows[i], lower = rows[i + lanes / 2];
        next.push_back(vector::ShuffleOp::create(b, upper, lower, low));
        next.push_back(vector::ShuffleOp::create(b, upper, lower, high));
      }
      rows = next;
    }
    if (pairs)
      for (Value &row : rows)
        row = vector::BitCastOp::create(b, stored, row);
    return rows;
  }

  KernelBuilder &b;
  const PlainWeights &weights;
  Value group;
  const PackTarget &target;
  int64_t columns, lanes, acc = 0;
  Type element; ///< of the target; the weights may be narrower
  const MatrixView *source = nullptr;
  Value firstK, firstColumn, depth, width;
};

} // namespace

void moe::emitPackBlock(KernelBuilder &b, const PlainWeights &weights,
                        const PlainBlock &block, const PackTarget &target) {
  BlockPacker packer(b, weights, block, target);
  for (auto [acc, weight] : llvm::enumerate(weights.operands))
    packer.emit(acc, weight);
}

BlockAhead moe::rowsAhead(KernelBuilder &b, const PlainWeights &weights,
                          const PlainBlock &block, int64_t acc) {
  MatrixView view(b, weights.operands[0]);
  Value row = b.mul(block.kBlock, weights.block), column = block.column;
  if (weights.transposed)
    std::swap(row, column);
  Value place = view.at(b, block.group, row, column);
  if (!weights.transposed && view.columnStride() == 2)
    place = b.add(place, acc * weights.columns());
  return {view.elements(),
          Value(),
          place,
          /*locality=*/2,
          weights.transposed ? weights.block : weights.columns(),
          view.rowStride(b)};
}
