//===- DotProducts.cpp - few rows times weights [E,out,in] ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// K is the dimension of the vectors: a tile of rows and columns has a vector of
// sums for each product, and every vector of weights serves all of the tile's
// rows. At the end the sums of four columns are transposed while they are
// added, which makes one vector of them.

#include "InPlaceKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace moe;

namespace {

class DotProducts {
public:
  DotProducts(KernelBuilder &b, const InPlaceShape &shape,
              const InPlaceOperands &operands)
      : b(b), shape(shape), operands(operands), unit(shape.unit()),
        f32(VectorType::get(shape.lanes, b.getF32Type())) {}

  void emit() {
    forWeights(b, operands, [&](const MatrixView &weights, Value sum) {
      firstSum = sum;
      view = &weights;
      // One row waits for memory; with more, rows share what is read of four
      // columns.
      Value single = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                           operands.rows, b.index(1));
      b.ifElse(single, [&] { emitRow(wayOfRow()); }, [&] { emitRows(); });
    });
  }

private:
  /// How one row goes through the weights. It has 8 vectors of sums, as many as
  /// hide the latency of an FMA: `parts` of them for each of `columns`.
  struct Way {
    int64_t columns, parts;
    int64_t ahead; ///< asks for the weights so many elements further on, if any
    bool askForNext; ///< asks for the columns behind these
  };

  /// Short rows lie one behind the other like one stream: the hardware does not
  /// see far enough in streams of a row each, nor across the pages of one. Long
  /// rows are better off side by side. What is best where was measured; see
  /// docs/cpu.md.
  Way wayOfRow() const {
    int64_t bytes = shape.element.getIntOrFloatBitWidth() / 8;
    bool isShort = bytes * shape.k <= (bytes == 4 ? 2048 : 4096);
    if (isShort) {
      int64_t parts = 1;
      while (parts < 8 && 2 * parts * unit <= shape.k)
        parts *= 2;
      return {8 / parts, parts, 2048, false};
    }
    if (bytes == 4)
      return {4, 2, 0, false};
    return {8, 1, 0, shape.block >= shape.k};
  }

  void emitRow(const Way &way) {
    SmallVector<int64_t> sizes{4, 1};
    if (way.columns == 8)
      sizes.insert(sizes.begin(), 8);
    forColumns(b, shape, operands.numColumns, sizes,
               [&](Value column, int64_t columns) {
                 Way here = way;
                 here.columns = std::min(way.columns, columns);
                 here.askForNext = way.askForNext && columns > 1;
                 SmallVector<Value> sums;
                 for (int64_t j = 0; j < columns; j += here.columns)
                   sums.append(emitTile(b.index(0), 1, b.add(column, j), here));
                 addTileToSums(b.index(0), 1, column, sums);
               });
  }

  void emitRows() {
    forColumns(
        b, shape, operands.numColumns, {4, 1},
        [&](Value column, int64_t columns) {
          b.tiles(operands.rows, shape.sums / 4, [&](Value row, int64_t rows) {
            SmallVector<Value> sums =
                emitTile(row, rows, column, {columns, 1, 0, false});
            addTileToSums(row, rows, column, sums);
          });
        });
  }

  /// A vector of sums for each row and column of a tile.
  SmallVector<Value> emitTile(Value row, int64_t rows, Value column,
                              const Way &way) {
    SmallVector<Value> starts;
    for (int64_t j = 0; j < way.columns; ++j)
      starts.push_back(view->at(b, operands.group,
                                b.add(b.add(operands.firstColumn, column), j),
                                operands.firstK));
    int64_t products = rows * way.columns;
    SmallVector<Value> sums(products * way.parts, b.zero(f32));
    Value done = wholeSteps(unit * way.parts);
    sums = b.iterate(
        b.index(0), done, unit * way.parts, sums,
        [&](Value k, ValueRange state) {
          ask(way, starts, k);
          SmallVector<Value> added;
          for (int64_t part = 0; part < way.parts; ++part) {
            SmallVector<Value> sums(state.slice(part * products, products));
            multiply(starts, b.add(k, part * unit), unit, row, sums);
            added.append(sums);
          }
          return added;
        });
    addHalves(sums, products);
    Value whole = wholeSteps(unit);
    if (way.parts > 1)
      sums = b.iterate(done, whole, unit, sums, [&](Value k, ValueRange state) {
        SmallVector<Value> added(state);
        multiply(starts, k, unit, row, added);
        return added;
      });
    if (int64_t rest = shape.k % unit) {
      // The last block ends in the middle of a vector.
      if (shape.block >= shape.k) {
        multiply(starts, whole, rest, row, sums);
      } else {
        Value isLast = b.lessThan(whole, operands.depth);
        auto branch =
            scf::IfOp::create(b, ValueRange(sums).getTypes(), isLast, true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.elseBlock());
        scf::YieldOp::create(b, sums);
        b.setInsertionPointToStart(branch.thenBlock());
        multiply(starts, whole, rest, row, sums);
        scf::YieldOp::create(b, sums);
        sums.assign(branch.getResults().begin(), branch.getResults().end());
      }
    }
    return sums;
  }

  /// The K of this block in steps of `size`.
  Value wholeSteps(int64_t size) {
    return b.mul(b.div(operands.depth, size), size);
  }

  /// Asks for weights, as many cache lines as a step of the loop reads.
  void ask(const Way &way, ArrayRef<Value> starts, Value k) {
    int64_t line = 512 / shape.element.getIntOrFloatBitWidth();
    Value from;
    if (way.ahead)
      from = b.add(b.add(starts.front(), b.mul(k, way.columns)), way.ahead);
    else if (way.askForNext)
      from = b.add(view->along(b, starts.back(), b.index(shape.k)),
                   b.mul(k, way.columns));
    for (int64_t i = 0; from && i < way.columns * way.parts * unit; i += line)
      view->prefetch(b, b.add(from, i));
  }

  /// Adds the second half to the first one until `size` are left.
  void addHalves(SmallVectorImpl<Value> &vectors, size_t size) {
    while (vectors.size() > size) {
      size_t half = vectors.size() / 2;
      for (size_t i = 0; i < half; ++i)
        vectors[i] = arith::AddFOp::create(b, vectors[i], vectors[half + i]);
      vectors.resize(half);
    }
  }

  void addTileToSums(Value row, int64_t rows, Value column,
                     ArrayRef<Value> sums) {
    int64_t columns = sums.size() / rows;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; j += 4)
        addToSums(b.add(row, i), b.add(column, j),
                  sums.slice(i * columns + j, std::min<int64_t>(columns, 4)));
  }

  /// sums += one unit of K, of which the weights have `valid` elements.
  void multiply(ArrayRef<Value> starts, Value k, int64_t valid, Value row,
                SmallVectorImpl<Value> &sums) {
    int64_t columns = starts.size(), rows = sums.size() / columns;
    SmallVector<SmallVector<Value, 2>> left;
    for (int64_t i = 0; i < rows; ++i)
      left.push_back(loadLeft(b.add(row, i), k));
    for (int64_t j = 0; j < columns; ++j) {
      Value at = view->along(b, starts[j], k);
      SmallVector<Value, 2> words = loadWeights(at, valid);
      for (int64_t i = 0; i < rows; ++i) {
        Value &sum = sums[i * columns + j];
        for (auto [x, w] : llvm::zip_equal(left[i], words))
          sum =
              shape.dot
                  ? x86vector::DotBF16Op::create(b, f32, sum, x, w).getResult()
                  : vector::FMAOp::create(b, x, w, sum).getResult();
      }
    }
  }

  /// A unit of a row: a vector, or two of split pairs.
  SmallVector<Value, 2> loadLeft(Value row, Value k) {
    auto load = [&](VectorType type, Value at) -> Value {
      return vector::LoadOp::create(b, type, operands.left,
                                    ValueRange{row, at});
    };
    if (shape.dot)
      return {load(VectorType::get(unit, b.getBF16Type()), k)};
    if (shape.splitsPairs())
      return {load(f32, k), load(f32, b.add(k, shape.lanes))};
    return {load(f32, k)};
  }

  SmallVector<Value, 2> loadWeights(Value at, int64_t valid) {
    if (!shape.dot && !shape.splitsPairs())
      return {view->loadWide(b, at, unit, valid)};
    Value pairs = view->load(b, at, unit, valid);
    if (shape.dot)
      return {pairs};
    auto words = VectorType::get(shape.lanes, b.getI32Type());
    auto splat = [&](uint32_t value) -> Value {
      return arith::ConstantOp::create(
          b, DenseElementsAttr::get(words, APInt(32, value)));
    };
    Value bits = vector::BitCastOp::create(b, words, pairs);
    Value low = arith::ShLIOp::create(b, bits, splat(16));
    Value high = arith::AndIOp::create(b, bits, splat(0xffff0000));
    return {vector::BitCastOp::create(b, f32, low),
            vector::BitCastOp::create(b, f32, high)};
  }

  /// Adds what the vectors of neighbouring columns (four, or one) sum up to.
  void addToSums(Value row, Value column, ArrayRef<Value> vectors) {
    SmallVector<Value> at{row, b.add(firstSum, column)};
    if (vectors.size() == 1) {
      Value half = fold(vectors[0], 1);
      Value sum = vector::ExtractOp::create(b, half, ArrayRef<int64_t>{0});
      Value old = memref::LoadOp::create(b, operands.sums, at);
      memref::StoreOp::create(b, arith::AddFOp::create(b, old, sum),
                              operands.sums, at);
      return;
    }
    assert(vectors.size() == 4);
    // [a b a b ..] and [c d c d ..], then [a b c d ..].
    Value ab = addNeighbours(vectors[0], vectors[1], 1),
          cd = addNeighbours(vectors[2], vectors[3], 1);
    Value sum = fold(addNeighbours(ab, cd, 2), 4);
    auto four = VectorType::get(4, b.getF32Type());
    Value old = vector::LoadOp::create(b, four, operands.sums, at);
    vector::StoreOp::create(b, arith::AddFOp::create(b, old, sum),
                            operands.sums, at);
  }

  /// Of each four lanes: the `size` first and the `size` next ones of x side by
  /// side with those of y, and their sum with the same of the second half.
  Value addNeighbours(Value x, Value y, int64_t size) {
    SmallVector<int64_t> low, high;
    for (int64_t quad = 0; quad < shape.lanes; quad += 4)
      for (int64_t i = 0; i < 2; i += size)
        for (int64_t from : {int64_t(0), shape.lanes})
          for (int64_t j = 0; j < size; ++j) {
            low.push_back(quad + from + i + j);
            high.push_back(quad + from + i + j + 2);
          }
    return arith::AddFOp::create(b, vector::ShuffleOp::create(b, x, y, low),
                                 vector::ShuffleOp::create(b, x, y, high));
  }

  /// Halves added to each other until `size` lanes are left.
  Value fold(Value x, int64_t size) {
    for (int64_t lanes = shape.lanes / 2; lanes >= size; lanes /= 2) {
      SmallVector<int64_t> low, high;
      for (int64_t i = 0; i < lanes; ++i) {
        low.push_back(i);
        high.push_back(lanes + i);
      }
      x = arith::AddFOp::create(b, vector::ShuffleOp::create(b, x, x, low),
                                vector::ShuffleOp::create(b, x, x, high));
    }
    return x;
  }

  KernelBuilder &b;
  const InPlaceShape &shape;
  const InPlaceOperands &operands;
  int64_t unit;
  VectorType f32;
  const MatrixView *view = nullptr;
  Value firstSum;
};

} // namespace

void moe::emitDotProducts(KernelBuilder &b, const InPlaceShape &shape,
                          const InPlaceOperands &operands) {
  DotProducts(b, shape, operands).emit();
}
