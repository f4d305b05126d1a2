//===- GemmInPlace.cpp - tasks of few rows on weights as they lie ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

/// Numbers that a task holds of its rows at a time, and K, at most.
static constexpr int64_t kLeft = 48 * 1024, kBlock = 4096;
/// Numbers that it holds of sums.
static constexpr int64_t kSums = 32 * 1024;
/// Rows up to which [E,in,out] and [E,out,in] are read in streams: what one
/// tile has, so that nothing is read twice.
static constexpr int64_t kStreamedInOut = 4, kStreamedOutIn = 3;

void moe::forWeights(
    KernelBuilder &b, const InPlaceOperands &operands,
    llvm::function_ref<void(const MatrixView &weights, Value firstSum)> body) {
  ArrayRef<MatrixView> weights = operands.weights;
  if (weights.size() != 2 || !weights[0].isLike(weights[1])) {
    for (auto [i, view] : llvm::enumerate(weights))
      body(view, b.index(i * operands.width));
    return;
  }
  b.loop(2, [&](Value i) {
    Value first =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, i, b.index(0));
    body(MatrixView::select(b, first, weights[0], weights[1]),
         b.mul(i, operands.width));
  });
}

void moe::ifLastBlock(KernelBuilder &b, const InPlaceShape &shape, Value firstK,
                      llvm::function_ref<void()> body) {
  if (shape.block >= shape.k)
    return body();
  Value end = b.add(firstK, shape.block - 1);
  b.ifThen(b.lessThan(b.index(shape.k - 1), b.add(end, 1)), body);
}

Value moe::forColumns(
    KernelBuilder &b, const InPlaceShape &shape, Value numColumns,
    ArrayRef<int64_t> sizes,
    llvm::function_ref<void(Value first, int64_t size)> body) {
  Value done = b.index(0);
  for (int64_t size : sizes) {
    Value end = b.mul(b.div(numColumns, size), size);
    b.loop(done, end, size, [&](Value first) { body(first, size); });
    done = end;
    if (shape.columns % size == 0 && shape.n % size == 0)
      break;
  }
  return done;
}

/// Lays down how weights without a layout are multiplied where they lie.
void GemmEmitter::planInPlace(const CpuKernelOptions &options) {
  const InPlaceRows &most =
      op.getTransposed() ? options.inPlaceOutIn : options.inPlaceInOut;
  inPlace.rows = elementOfWeights().isBF16() ? most.bf16 : most.plain;
  // Sums of different accumulators must not share a vector.
  if (columns % tile.lanes != 0)
    inPlace.rows = 0;
  if (!inPlace.rows)
    return;
  bool dot = op.getTransposed() && tile.bf16 == Bf16Method::Dot;
  inPlace.shape = {op.getTransposed(),
                   dot,
                   tile.lanes,
                   tile.rows * tile.panel / tile.lanes,
                   k,
                   n,
                   k,
                   columns,
                   elementOfWeights(),
                   /*streams=*/false};
  int64_t longest = std::min(kBlock, kLeft / inPlace.rows);
  if (k > longest) {
    int64_t size = llvm::divideCeil(k, llvm::divideCeil(k, longest));
    inPlace.shape.block = llvm::alignTo(size, 4 * tile.lanes);
  }
  streamed = inPlace;
  streamed.shape.streams = true;
  inPlace.panels = streamed.panels = chunkPanels;
  if (op.getTransposed()) {
    // A chunk's columns are one stream.
    streamed.rows = std::min(kStreamedOutIn, inPlace.rows);
    inPlace.shape.columns = streamed.shape.columns = chunkPanels * columns;
  } else {
    streamed.rows = std::min(kStreamedInOut, inPlace.rows);
    // All columns, or whole chunks.
    auto widest = [&](int64_t rows) {
      int64_t most = kSums / (rows * tile.panel);
      return most >= panels
                 ? panels
                 : std::max<int64_t>(most / chunkPanels, 1) * chunkPanels;
    };
    inPlace.panels = widest(inPlace.rows);
    streamed.panels = widest(streamed.rows);
  }
  streamed.shape.block = std::min(k, kLeft / streamed.rows);
}

/// The buffers of `streamed`, or of it and of `inPlace`, which are never in use
/// at once and share their memory.
void GemmEmitter::allocateInPlace(bool both) {
  Type type = inPlace.shape.dot ? Type(b.getBF16Type()) : Type(b.getF32Type());
  auto sizesOf = [&](const InPlace &way) {
    int64_t depth = llvm::alignTo(way.shape.block, way.shape.unit());
    return std::pair(depth, way.panels * tile.panel);
  };
  SmallVector<InPlace *> ways{&streamed};
  if (both)
    ways.push_back(&inPlace);
  int64_t leftSize = 0, sumsSize = 0;
  for (InPlace *way : ways) {
    auto [depth, width] = sizesOf(*way);
    leftSize = std::max(leftSize, way->rows * depth);
    sumsSize = std::max(sumsSize, way->rows * width);
  }
  Value allLeft = allocate({leftSize}, type);
  Value allSums = allocate({sumsSize}, b.getF32Type());
  auto view = [&](Value memory, int64_t rows, int64_t width) -> Value {
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    return memref::ReinterpretCastOp::create(
        b, MemRefType::get({rows, width}, element), memory, /*offset=*/0,
        ArrayRef<int64_t>{rows, width}, ArrayRef<int64_t>{width, 1});
  };
  for (InPlace *way : ways) {
    auto [depth, width] = sizesOf(*way);
    way->left = view(allLeft, way->rows, depth);
    way->sums = view(allSums, way->rows, width);
  }
}

/// Copies one block of K of the rows side by side, as the kernel reads them.
void GemmEmitter::copyFewRows(const InPlaceShape &shape,
                              const InPlaceOperands &operands,
                              const MatrixView &source, const RowRange &range) {
  int64_t unit = shape.unit();
  Value left = operands.left;
  Type type = cast<MemRefType>(left.getType()).getElementType();
  auto copyUnit = [&](Value from, Value row, Value at, int64_t valid) {
    Value vector = source.load(b, from, unit, valid);
    if (source.element() != type)
      vector = arith::ExtFOp::create(b, VectorType::get(unit, type), vector);
    if (!shape.splitsPairs()) {
      vector::StoreOp::create(b, vector, left, ValueRange{row, at});
      return;
    }
    for (int64_t i : {0, 1}) {
      SmallVector<int64_t> every;
      for (int64_t lane = 0; lane < shape.lanes; ++lane)
        every.push_back(2 * lane + i);
      Value half = vector::ShuffleOp::create(b, vector, vector, every);
      vector::StoreOp::create(b, half, left,
                              ValueRange{row, b.add(at, i * shape.lanes)});
    }
  };
  b.loop(operands.rows, [&](Value row) {
    Value start = source.at(b, Value(), sourceRow(b.add(range.first, row)),
                            operands.firstK);
    Value whole = b.mul(b.div(operands.depth, unit), unit);
    b.loop(b.index(0), whole, unit, [&](Value at) {
      copyUnit(source.along(b, start, at), row, at, unit);
    });
    if (int64_t rest = k % unit)
      ifLastBlock(b, shape, operands.firstK, [&] {
        copyUnit(source.along(b, start, whole), row, whole, rest);
      });
  });
}

/// A task whose rows are few: nothing of the weights is copied.
void GemmEmitter::emitInPlace(const InPlace &way, const RowRange &range,
                              Value firstPanel, Value count) {
  emitInPlaceSums(way, range, firstPanel, count);
  emitEpilogue(range.group, range.first, b.sub(range.last, range.first),
               firstPanel, count, {way.sums, columns, way.panels * columns});
}

/// The sums of such a task.
void GemmEmitter::emitInPlaceSums(const InPlace &way, const RowRange &range,
                                  Value firstPanel, Value count) {
  const InPlaceShape &shape = way.shape;
  Value rows = b.sub(range.last, range.first);
  Value numColumns = b.min(b.mul(count, columns),
                           b.sub(b.index(n), b.mul(firstPanel, columns)));
  int64_t width = way.panels * columns;
  Value zero = b.zero(VectorType::get(tile.lanes, b.getF32Type()));
  b.loop(rows, [&](Value row) {
    for (int64_t acc = 0; acc < accumulators; ++acc)
      b.loop(b.index(0), b.mul(count, columns), tile.lanes, [&](Value column) {
        vector::StoreOp::create(b, zero, way.sums,
                                ValueRange{row, b.add(column, acc * width)});
      });
  });
  MatrixView source(b, op.getA());
  SmallVector<MatrixView> weights;
  for (Value weight : op.getWeights())
    weights.emplace_back(b, weight);
  InPlaceOperands operands{weights,    range.group, b.mul(firstPanel, columns),
                           numColumns, {},          {},
                           way.left,   rows,        way.sums,
                           width};
  b.loop(b.index(0), b.index(k), shape.block, [&](Value firstK) {
    operands.firstK = firstK;
    operands.depth = shape.block >= k ? b.index(k)
                                      : b.min(b.index(shape.block),
                                              b.sub(b.index(k), firstK));
    copyFewRows(shape, operands, source, range);
    if (shape.alongK)
      emitDotProducts(b, shape, operands);
    else
      emitScaledSums(b, shape, operands);
  });
}

/// Copies the sums of streamed rows to the scratch.
void GemmEmitter::keepSums(const RowRange &range, Value firstPanel,
                           Value count) {
  auto type = VectorType::get(tile.lanes, b.getF32Type());
  Value rows = b.sub(range.last, range.first);
  Value kept = keptSums(range.first, rows, firstPanel, count);
  b.loop(rows, [&](Value row) {
    b.loop(b.index(0), b.mul(count, columns), tile.lanes, [&](Value column) {
      SmallVector<Value> at{row, column};
      Value sum = vector::LoadOp::create(b, type, streamed.sums, at);
      vector::StoreOp::create(b, sum, kept, at);
    });
  });
}

/// The scratch's part of some rows and panels.
Value GemmEmitter::keptSums(Value first, Value rows, Value firstPanel,
                            Value count) {
  auto sizes = [&](Value height, Value width) -> SmallVector<OpFoldResult> {
    return {height, width};
  };
  return memref::SubViewOp::create(b, op.getScratch(),
                                   sizes(first, b.mul(firstPanel, columns)),
                                   sizes(rows, b.mul(count, columns)),
                                   {b.getIndexAttr(1), b.getIndexAttr(1)});
}
