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
  inPlaceRows = elementOfWeights().isBF16() ? most.bf16 : most.plain;
  // Sums of different accumulators must not share a vector.
  if (columns % tile.lanes != 0)
    inPlaceRows = 0;
  if (!inPlaceRows)
    return;
  bool dot = op.getTransposed() && tile.bf16 == Bf16Method::Dot;
  inPlace = {op.getTransposed(),
             dot,
             tile.lanes,
             tile.rows * tile.panel / tile.lanes,
             k,
             n,
             k,
             chunkPanels * columns,
             elementOfWeights(),
             options.prefetchFew};
  int64_t longest = std::min(kBlock, kLeft / inPlaceRows);
  if (k > longest) {
    int64_t size = llvm::divideCeil(k, llvm::divideCeil(k, longest));
    inPlace.block = llvm::alignTo(size, 4 * tile.lanes);
  }
}

/// Views of the weights and buffers for a task's few rows.
void GemmEmitter::allocateInPlace() {
  Type type = inPlace.dot ? Type(b.getBF16Type()) : Type(b.getF32Type());
  int64_t depth = llvm::alignTo(inPlace.block, inPlace.unit());
  fewLeft = allocate({inPlaceRows, depth}, type);
  int64_t width = widestTask * columns;
  fewSums = allocate({inPlaceRows, accumulators * width}, b.getF32Type());
}

/// Copies one block of K of the rows side by side, as the kernel reads them.
void GemmEmitter::copyFewRows(const MatrixView &source, const RowRange &range,
                              Value firstK, Value depth) {
  int64_t unit = inPlace.unit();
  Type type = cast<MemRefType>(fewLeft.getType()).getElementType();
  auto copyUnit = [&](Value from, Value row, Value at, int64_t valid) {
    Value vector = source.load(b, from, unit, valid);
    if (source.element() != type)
      vector = arith::ExtFOp::create(b, VectorType::get(unit, type), vector);
    if (!inPlace.splitsPairs()) {
      vector::StoreOp::create(b, vector, fewLeft, ValueRange{row, at});
      return;
    }
    for (int64_t i : {0, 1}) {
      SmallVector<int64_t> every;
      for (int64_t lane = 0; lane < inPlace.lanes; ++lane)
        every.push_back(2 * lane + i);
      Value half = vector::ShuffleOp::create(b, vector, vector, every);
      vector::StoreOp::create(b, half, fewLeft,
                              ValueRange{row, b.add(at, i * inPlace.lanes)});
    }
  };
  b.loop(b.sub(range.last, range.first), [&](Value row) {
    Value start =
        source.at(b, Value(), sourceRow(b.add(range.first, row)), firstK);
    Value whole = b.mul(b.div(depth, unit), unit);
    b.loop(b.index(0), whole, unit, [&](Value at) {
      copyUnit(source.along(b, start, at), row, at, unit);
    });
    if (int64_t rest = k % unit)
      ifLastBlock(b, inPlace, firstK, [&] {
        copyUnit(source.along(b, start, whole), row, whole, rest);
      });
  });
}

/// A task whose rows are few: nothing of the weights is copied.
void GemmEmitter::emitInPlace(const RowRange &range, Value firstPanel,
                              Value count) {
  Value rows = b.sub(range.last, range.first);
  Value numColumns = b.min(b.mul(count, columns),
                           b.sub(b.index(n), b.mul(firstPanel, columns)));
  int64_t width = widestTask * columns;
  Value zero = b.zero(VectorType::get(tile.lanes, b.getF32Type()));
  b.loop(rows, [&](Value row) {
    for (int64_t acc = 0; acc < accumulators; ++acc)
      b.loop(b.index(0), b.mul(count, columns), tile.lanes, [&](Value column) {
        vector::StoreOp::create(b, zero, fewSums,
                                ValueRange{row, b.add(column, acc * width)});
      });
  });
  MatrixView source(b, op.getA());
  SmallVector<MatrixView> weights;
  for (Value weight : op.getWeights())
    weights.emplace_back(b, weight);
  InPlaceOperands operands{weights,    range.group, b.mul(firstPanel, columns),
                           numColumns, {},          {},
                           fewLeft,    rows,        fewSums,
                           width};
  b.loop(b.index(0), b.index(k), inPlace.block, [&](Value firstK) {
    operands.firstK = firstK;
    operands.depth = inPlace.block >= k ? b.index(k)
                                        : b.min(b.index(inPlace.block),
                                                b.sub(b.index(k), firstK));
    copyFewRows(source, range, firstK, operands.depth);
    if (inPlace.alongK)
      emitDotProducts(b, inPlace, operands);
    else
      emitScaledSums(b, inPlace, operands);
  });
  emitEpilogue(range.group, range.first, rows, firstPanel, count,
               {fewSums, columns, width});
}
