//===- ScaledSums.cpp - few rows times weights [E,in,out] -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The columns are the dimension of the vectors. Some of K are taken at a time:
// four, far apart, if rows are so few that memory decides, else eight
// neighbours. Sums wait in memory between them, and are in registers for as
// many steps.

#include "InPlaceKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

static constexpr int64_t kGroup = 8;
/// Rows of the weights that are read at a time, far apart, if rows are few.
static constexpr int64_t kStreams = 4;

namespace {

class ScaledSums {
public:
  ScaledSums(KernelBuilder &b, const InPlaceShape &shape,
             const InPlaceOperands &operands)
      : b(b), shape(shape), operands(operands), lanes(shape.lanes),
        f32(VectorType::get(shape.lanes, b.getF32Type())) {}

  void emit() {
    // Weights whose columns alternate lie in the same cache lines, and are read
    // at the same time.
    if (operands.weights[0].columnStride() != 1)
      return emitAlongK([&](ArrayRef<Value> group) {
        forWeights(b, operands, [&](const MatrixView &view, Value firstSum) {
          emitGroup(view, firstSum, group);
        });
      });
    forWeights(b, operands, [&](const MatrixView &view, Value firstSum) {
      emitAlongK(
          [&](ArrayRef<Value> group) { emitGroup(view, firstSum, group); });
    });
  }

private:
  void emitAlongK(llvm::function_ref<void(ArrayRef<Value> group)> body) {
    auto bodyOf = [&](Value k, int64_t size, Value apart) {
      SmallVector<Value> group;
      for (int64_t i = 0; i < size; ++i)
        group.push_back(b.add(k, b.mul(apart, i)));
      body(group);
    };
    Value one = b.index(1);
    if (shape.streams) {
      Value quarter = b.div(operands.depth, kStreams);
      b.loop(quarter, [&](Value k) { bodyOf(k, kStreams, quarter); });
      if (shape.k % kStreams || shape.block % kStreams)
        b.loop(b.mul(quarter, kStreams), operands.depth, 1,
               [&](Value k) { bodyOf(k, 1, one); });
      return;
    }
    Value whole = b.mul(b.div(operands.depth, kGroup), kGroup);
    b.loop(b.index(0), whole, kGroup, [&](Value k) { bodyOf(k, kGroup, one); });
    if (int64_t rest = shape.k % kGroup)
      ifLastBlock(b, shape, operands.firstK, [&] { bodyOf(whole, rest, one); });
  }

  /// sums += some of K, for all rows and columns.
  void emitGroup(const MatrixView &view, Value firstSum,
                 ArrayRef<Value> group) {
    if (!shape.streams) {
      // Where a group of K lies from where the one before does.
      Value zero = b.index(0);
      ahead = b.sub(view.at(b, operands.group, b.index(kGroup), zero),
                    view.at(b, operands.group, zero, zero));
    }
    SmallVector<Value> starts;
    for (Value k : group)
      starts.push_back(view.at(b, operands.group, b.add(operands.firstK, k),
                               operands.firstColumn));
    // Four rows at a time, then two, then one: what a tile reads again lies in
    // L1, and code for each number of rows would be long.
    Value done = b.index(0);
    for (int64_t rows : {4, 2, 1}) {
      Value end = b.mul(b.div(operands.rows, rows), rows);
      b.loop(done, end, rows, [&](Value row) {
        emitRows(view, firstSum, starts, group, row, rows);
      });
      done = end;
    }
  }

  /// The same for `rows` rows and all columns.
  void emitRows(const MatrixView &view, Value firstSum, ArrayRef<Value> starts,
                ArrayRef<Value> group, Value row, int64_t rows) {
    int64_t vectors = rows * 4 <= shape.sums ? 4 : 2;
    auto tile = [&](Value column, int64_t vectors, int64_t valid) {
      emitTile(view, firstSum, starts, group, row, rows, column, vectors,
               valid);
    };
    Value end = forColumns(
        b, shape, operands.numColumns, {vectors * lanes, lanes},
        [&](Value column, int64_t size) { tile(column, size / lanes, lanes); });
    if (int64_t rest = shape.n % lanes)
      b.ifThen(b.lessThan(end, operands.numColumns),
               [&] { tile(end, 1, rest); });
  }

  void emitTile(const MatrixView &view, Value firstSum, ArrayRef<Value> starts,
                ArrayRef<Value> group, Value row, int64_t rows, Value column,
                int64_t vectors, int64_t valid) {
    auto sumAt = [&](int64_t i, int64_t j) -> SmallVector<Value> {
      return {b.add(row, i), b.add(b.add(firstSum, column), j * lanes)};
    };
    SmallVector<Value> sums;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        sums.push_back(
            vector::LoadOp::create(b, f32, operands.sums, sumAt(i, j)));
    bool asks = !shape.streams;
    int64_t line = view.columnsOfLine();
    for (auto [start, k] : llvm::zip_equal(starts, group)) {
      for (int64_t j = 0; asks && j < vectors * lanes; j += line)
        view.prefetch(b, b.add(view.along(b, start, b.add(column, j)), ahead),
                      /*localityHint=*/2);
      SmallVector<Value> words;
      for (int64_t j = 0; j < vectors; ++j)
        words.push_back(view.loadWide(
            b, view.along(b, start, b.add(column, j * lanes)), lanes, valid));
      for (int64_t i = 0; i < rows; ++i) {
        Value scalar = memref::LoadOp::create(b, operands.left,
                                              ValueRange{b.add(row, i), k});
        Value all = vector::BroadcastOp::create(b, f32, scalar);
        for (int64_t j = 0; j < vectors; ++j) {
          Value &sum = sums[i * vectors + j];
          sum = vector::FMAOp::create(b, all, words[j], sum);
        }
      }
    }
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        vector::StoreOp::create(b, sums[i * vectors + j], operands.sums,
                                sumAt(i, j));
  }

  KernelBuilder &b;
  const InPlaceShape &shape;
  const InPlaceOperands &operands;
  int64_t lanes;
  VectorType f32;
  Value ahead;
};

} // namespace

void moe::emitScaledSums(KernelBuilder &b, const InPlaceShape &shape,
                         const InPlaceOperands &operands) {
  ScaledSums(b, shape, operands).emit();
}
