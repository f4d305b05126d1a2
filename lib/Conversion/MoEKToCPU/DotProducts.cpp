//===- DotProducts.cpp - few rows times weights [E,out,in] ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// K is the dimension of the vectors: a tile of rows and columns has a vector of
// sums for each product, and every vector of weights serves all of the tile's
// rows. At the end the sums of each four columns are transposed while they are
// added, which makes one vector of them.

#include "InPlaceKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace moe;

/// Rows of a tile.
static constexpr int64_t kRows = 3;
/// Columns that a tile of few rows reads at a time.
static constexpr int64_t kStreams = 4;

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
      if (shape.streams)
        return emitStreams();
      Value few = b.lessThan(operands.rows, b.index(2 * kRows + 1));
      b.ifElse(few, [&] { emitRows(true); }, [&] { emitRows(false); });
    });
  }

private:
  /// How a tile goes through the weights: a step of the loop takes `units` of
  /// K. With `parts` > 1 each of them has sums of its own.
  struct Way {
    int64_t units, parts;
  };
  /// What each step of the loop asks for: the cache lines at `places`, which
  /// move on by `stride` elements of K.
  struct Ask {
    SmallVector<Value> places;
    Value stride;
  };

  /// A tile of few rows waits for memory alone, which gives most to a few
  /// streams that each go on where they are: so its columns are a quarter of
  /// the task's apart.
  void emitStreams() {
    Value quarter = b.div(operands.numColumns, kStreams);
    b.tiles(operands.rows, kRows, [&](Value row, int64_t rows) {
      Way way{2, rows == 1 ? 2 : 1};
      b.loop(quarter, [&](Value column) {
        SmallVector<Value> columns;
        for (int64_t i = 0; i < kStreams; ++i)
          columns.push_back(b.add(column, b.mul(quarter, i)));
        SmallVector<Value> sums = emitTile(row, rows, columns, way);
        for (int64_t i = 0; i < rows; ++i)
          addToSumsApart(b.add(row, i), columns,
                         ArrayRef(sums).slice(i * kStreams, kStreams));
      });
      if (shape.n % kStreams == 0)
        return;
      b.loop(
          b.mul(quarter, kStreams), operands.numColumns, 1, [&](Value column) {
            addTileToSums(row, rows, column, emitTile(row, rows, column, way));
          });
    });
  }

  SmallVector<Value> neighbours(Value column, int64_t count) {
    SmallVector<Value> columns;
    for (int64_t j = 0; j < count; ++j)
      columns.push_back(b.add(column, j));
    return columns;
  }

  /// With more rows, a tile of three reads as many columns as there are
  /// registers for, and asks for some of those to come.
  void emitRows(bool few) {
    SmallVector<int64_t> sizes{4, 1};
    if (shape.sums / kRows >= 8)
      sizes.insert(sizes.begin(), 8);
    int64_t units = std::max<int64_t>(elementsOfLine(shape.element) / unit, 1);
    forColumns(b, shape, operands.numColumns, sizes,
               [&](Value column, int64_t columns) {
                 b.tiles(operands.rows, kRows, [&](Value row, int64_t rows) {
                   Ask ask = shareOf(row, b.add(column, columns), columns,
                                     units * unit, few);
                   SmallVector<Value> sums = emitTile(
                       row, rows, neighbours(column, columns), {units, 1}, ask);
                   addTileToSums(row, rows, column, sums);
                 });
               });
  }

  /// What the tile of `row` and the next ones asks for of `columns` columns
  /// from `column` on. In a step of `step` of K it asks for a line of each of
  /// them, or of a quarter of them if tiles are not few. Where that makes more
  /// lines than there are, several tiles share a column.
  Ask shareOf(Value row, Value column, int64_t columns, int64_t step,
              bool few) {
    int64_t lines = few ? columns : std::max<int64_t>(columns / 4, 1);
    Value tile = b.div(row, kRows), tiles = b.ceilDiv(operands.rows, kRows);
    Value sharers = b.max(b.div(b.mul(tiles, lines), columns), b.index(1));
    Value first = b.add(column, b.mul(b.div(tile, sharers), lines));
    Value part = b.mul(b.rem(tile, sharers), operands.depth);
    Ask ask{{}, b.div(b.index(step), sharers)};
    for (int64_t i = 0; i < lines; ++i)
      ask.places.push_back(
          view->along(b, startOf(b.add(first, i)), b.div(part, sharers)));
    return ask;
  }

  /// Where the block of K of a column begins.
  Value startOf(Value column) {
    return view->at(b, operands.group, b.add(operands.firstColumn, column),
                    operands.firstK);
  }

  /// A vector of sums for each row and column of a tile.
  SmallVector<Value> emitTile(Value row, int64_t rows, ArrayRef<Value> columns,
                              const Way &way, const Ask &ask = {}) {
    SmallVector<Value> starts;
    for (Value column : columns)
      starts.push_back(startOf(column));
    int64_t products = rows * columns.size(), step = way.units * unit;
    SmallVector<Value> sums(products * way.parts, b.zero(f32));
    Value done = wholeSteps(step);
    sums =
        b.iterate(b.index(0), done, step, sums, [&](Value k, ValueRange state) {
          askFor(ask, b.div(k, step));
          SmallVector<Value> added(state);
          for (int64_t i = 0; i < way.units; ++i)
            multiply(starts, b.add(k, i * unit), unit, row,
                     MutableArrayRef(added).slice(i % way.parts * products,
                                                  products));
          return added;
        });
    addHalves(sums, products);
    Value whole = wholeSteps(unit);
    if (way.units > 1)
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

  void askFor(const Ask &ask, Value step) {
    for (Value place : ask.places)
      view->prefetch(b, view->along(b, place, b.mul(step, ask.stride)),
                     /*localityHint=*/2);
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
                MutableArrayRef<Value> sums) {
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
    Value sum = sumsOfFour(vectors);
    auto four = VectorType::get(4, b.getF32Type());
    Value old = vector::LoadOp::create(b, four, operands.sums, at);
    vector::StoreOp::create(b, arith::AddFOp::create(b, old, sum),
                            operands.sums, at);
  }

  /// The same for four columns, wherever they are.
  void addToSumsApart(Value row, ArrayRef<Value> columns,
                      ArrayRef<Value> vectors) {
    Value four = sumsOfFour(vectors);
    for (auto [i, column] : llvm::enumerate(columns)) {
      SmallVector<Value> at{row, b.add(firstSum, column)};
      Value sum = vector::ExtractOp::create(b, four, int64_t(i));
      Value old = memref::LoadOp::create(b, operands.sums, at);
      memref::StoreOp::create(b, arith::AddFOp::create(b, old, sum),
                              operands.sums, at);
    }
  }

  /// What four vectors sum up to, as one.
  Value sumsOfFour(ArrayRef<Value> vectors) {
    assert(vectors.size() == 4);
    // [a b a b ..] and [c d c d ..], then [a b c d ..].
    Value ab = addNeighbours(vectors[0], vectors[1], 1),
          cd = addNeighbours(vectors[2], vectors[3], 1);
    return fold(addNeighbours(ab, cd, 2), 4);
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
