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
        vectors(tile.panel / tile.lanes),
        f32(VectorType::get(tile.lanes, b.getF32Type())),
        element(cast<MemRefType>(operands.weights.getType()).getElementType()) {
  }

  void emit() {
    SmallVector<Value> sums;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        sums.push_back(vector::LoadOp::create(b, f32, operands.sums, at(i, j)));
    auto loop = scf::ForOp::create(b, b.index(0), b.index(tile.block),
                                   b.index(tile.pair), sums);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> next(loop.getRegionIterArgs());
      emitStep(loop.getInductionVar(), next);
      scf::YieldOp::create(b, next);
    }
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        vector::StoreOp::create(b, loop.getResult(i * vectors + j),
                                operands.sums, at(i, j));
  }

private:
  /// Position of the vector of row i, column vector j among the sums.
  SmallVector<Value> at(int64_t i, int64_t j) {
    return {b.add(operands.row, i), b.add(operands.column, j * tile.lanes)};
  }

  /// Position in the weights, `shift` elements past those of `k`.
  SmallVector<Value> weightsAt(Value k, int64_t shift) {
    Value start = b.add(operands.offset, b.mul(k, tile.panel));
    return {operands.group, b.add(start, shift)};
  }

  /// One k, or one pair of k.
  void emitStep(Value k, SmallVectorImpl<Value> &sums) {
    if (tile.prefetch)
      askAhead(k);
    if (tile.pair == 1)
      return multiplyRows(k, loadPlain(k), sums);
    SmallVector<Value> words = loadPairs(k);
    if (tile.bf16 == Bf16Method::Dot)
      return dotRows(k, words, sums);
    // A pair of bf16 in one word: the first widens by a shift, the second by
    // clearing the first.
    auto i32 = VectorType::get(tile.lanes, b.getI32Type());
    Value shift = splat(i32, 16), mask = splat(i32, 0xffff0000);
    SmallVector<Value> first, second;
    for (Value word : words) {
      Value bits = vector::BitCastOp::create(b, i32, word);
      Value low = arith::ShLIOp::create(b, bits, shift);
      Value high = arith::AndIOp::create(b, bits, mask);
      first.push_back(vector::BitCastOp::create(b, f32, low));
      second.push_back(vector::BitCastOp::create(b, f32, high));
    }
    multiplyRows(k, first, sums);
    multiplyRows(b.add(k, 1), second, sums);
  }

  /// Asks for one cache line of weights that come later. A stream beside the
  /// arithmetic hides memory that arithmetic alone would wait for.
  void askAhead(Value k) {
    int64_t line = 64 * 8 / element.getIntOrFloatBitWidth();
    Value at = b.add(operands.ahead, b.mul(b.div(k, tile.pair), line));
    memref::PrefetchOp::create(b, operands.weights,
                               ValueRange{operands.group, at},
                               /*isWrite=*/false, /*localityHint=*/2,
                               /*isDataCache=*/true);
  }

  Value splat(VectorType type, uint32_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(32, value)));
  }

  /// The panel's vectors of one k, as f32.
  SmallVector<Value> loadPlain(Value k) {
    SmallVector<Value> columns;
    for (int64_t j = 0; j < vectors; ++j) {
      Value vector = vector::LoadOp::create(
          b, VectorType::get(tile.lanes, element), operands.weights,
          weightsAt(k, j * tile.lanes));
      if (!element.isF32())
        vector = arith::ExtFOp::create(b, f32, vector);
      columns.push_back(vector);
    }
    return columns;
  }

  /// The panel's vectors of one pair, two bf16 a lane.
  SmallVector<Value> loadPairs(Value k) {
    auto type = VectorType::get(2 * tile.lanes, element);
    SmallVector<Value> columns;
    for (int64_t j = 0; j < vectors; ++j)
      columns.push_back(vector::LoadOp::create(
          b, type, operands.weights, weightsAt(k, 2 * j * tile.lanes)));
    return columns;
  }

  /// sums += rows[.., k] * columns.
  void multiplyRows(Value k, ArrayRef<Value> columns,
                    SmallVectorImpl<Value> &sums) {
    for (int64_t i = 0; i < rows; ++i) {
      Value scalar = memref::LoadOp::create(
          b, operands.left, ValueRange{b.add(operands.row, i), k});
      Value all = vector::BroadcastOp::create(b, f32, scalar);
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value &sum = sums[i * vectors + j];
        sum = vector::FMAOp::create(b, all, column, sum);
      }
    }
  }

  /// sums += the pairs of the rows times the pairs of the columns.
  void dotRows(Value k, ArrayRef<Value> columns, SmallVectorImpl<Value> &sums) {
    auto pair = VectorType::get(2, element);
    auto word = VectorType::get(1, b.getI32Type());
    auto words = VectorType::get(tile.lanes, b.getI32Type());
    for (int64_t i = 0; i < rows; ++i) {
      Value two = vector::LoadOp::create(b, pair, operands.left,
                                         ValueRange{b.add(operands.row, i), k});
      Value one = vector::BitCastOp::create(b, word, two);
      Value scalar = vector::ExtractOp::create(b, one, ArrayRef<int64_t>{0});
      Value all = vector::BroadcastOp::create(b, words, scalar);
      Value pairs = vector::BitCastOp::create(
          b, VectorType::get(2 * tile.lanes, element), all);
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value &sum = sums[i * vectors + j];
        sum =
            x86vector::DotBF16Op::create(b, sum.getType(), sum, pairs, column);
      }
    }
  }

  KernelBuilder &b;
  const Tile &tile;
  int64_t rows;
  const MicroKernelOperands &operands;
  int64_t vectors;
  VectorType f32;
  Type element;
};

} // namespace

void moe::emitMicroKernel(KernelBuilder &b, const Tile &tile, int64_t rows,
                          const MicroKernelOperands &operands) {
  MicroKernel(b, tile, rows, operands).emit();
}
