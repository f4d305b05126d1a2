//===- GemmEmitter.cpp - tasks of a moek.gemm -----------------------------===//
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

GemmEmitter::GemmEmitter(KernelBuilder &b, moek::GemmOp op,
                         const CpuKernelOptions &options)
    : b(b), op(op), k(op.getK()), n(op.getN()),
      accumulators(op.getNumAccumulators()) {
  Type element = elementOfWeights();
  Type source = cast<MemRefType>(op.getA().getType()).getElementType();
  bool dot =
      options.dot && options.lanes == 16 && source.isBF16() && element.isBF16();
  auto layout = op.getLayoutAttr();
  if (!layout) {
    // Pairs along K cost more than they save where K are rows apart.
    bool pairs = element.isBF16() && (op.getTransposed() || dot);
    layout = moek::LayoutAttr::get(
        op.getContext(), options.panel,
        op.getTransposed() ? options.block : options.blockInOut,
        moek::panelsOfTask(op, options.panel, options.chunk), pairs ? 2 : 1);
  }
  moek::KBlocks blocks = moek::splitK(layout, k);
  tile = {options.lanes,     options.rowsPerTile,
          layout.getPanel(), blocks.size,
          layout.getPair(),  dot ? Bf16Method::Dot : Bf16Method::Expand};
  // Only packed weights are one stream.
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  aheadL2 = options.prefetchL2 / bytes;
  aheadL1 = options.prefetchL1 / bytes;
  tile.prefetch = (aheadL2 || aheadL1) && op.getLayoutAttr();
  tile.unroll = options.unroll;
  leftType = dot ? source : Type(b.getF32Type());
  kBlocks = blocks.count;
  columns = tile.panel / accumulators;
  panels = llvm::divideCeil(n, columns);
  chunkPanels = std::min(layout.getChunk(), panels);
  chunks = llvm::divideCeil(panels, chunkPanels);
  if (op.getLayoutAttr())
    return;
  plain = {
      SmallVector<Value>(op.getWeights()),
      op.getTransposed(),
      k,
      n,
      tile.panel,
      tile.block,
      tile.pair,
      tile.lanes,
      std::max<int64_t>(
          std::min(chunkPanels * columns / tile.panel, options.packPanels), 1)};
  int64_t together = plain.panels * tile.panel;
  plain.whole = n % together == 0 && chunkPanels * columns % together == 0;
  planInPlace(options);
}

/// The type of all weights; f32 if they differ.
Type GemmEmitter::elementOfWeights() {
  auto elementOf = [](Value weight) {
    return cast<MemRefType>(weight.getType()).getElementType();
  };
  Type element = elementOf(op.getWeights()[0]);
  bool same = llvm::all_of(op.getWeights(), [&](Value weight) {
    return elementOf(weight) == element;
  });
  return same ? element : b.getF32Type();
}

Value GemmEmitter::allocate(ArrayRef<int64_t> shape, Type element) {
  return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                  b.getI64IntegerAttr(64));
}

void GemmEmitter::allocateBuffers() {
  left = allocate({std::max(kBufferRows, fewBlocks()), tile.block}, leftType);
  int64_t width = op.getLayoutAttr() ? chunkPanels * tile.panel
                                     : accumulators * plainWidth();
  sums = allocate({kBufferRows, width}, b.getF32Type());
  if (!op.getLayoutAttr())
    // What has to be widened is widened once, not once a tile.
    packed = allocate({1, plain.panels * tile.block * tile.panel},
                      tile.pair == 2 ? Type(b.getBF16Type()) : b.getF32Type());
  if (inPlace.rows)
    allocateInPlace(/*both=*/true);
}

/// The columns of `count` panels from `firstPanel` on, of some rows of a group.
/// They are a chunk, but if `few` says whether rows are few: then they may be
/// several, which few rows take all at once.
void GemmEmitter::emitTask(const RowRange &range, Value firstPanel, Value count,
                           Value few) {
  auto pieces = [&](int64_t size, llvm::function_ref<void(Value, Value)> body) {
    if (!few)
      return body(firstPanel, count);
    b.loop(b.index(0), count, size, [&](Value panel) {
      Value rest = b.min(b.index(size), b.sub(count, panel));
      body(b.add(firstPanel, panel), rest);
    });
  };
  auto emitChunks = [&] {
    pieces(chunkPanels,
           [&](Value first, Value size) { emitChunk(range, first, size); });
  };
  if (!inPlace.rows)
    return emitChunks();
  auto emitInPlaceRows = [&](const RowRange &here) {
    auto emitPieces = [&] {
      pieces(inPlace.panels, [&](Value first, Value size) {
        emitInPlace(inPlace, here, first, size);
      });
    };
    Value rows = b.sub(here.last, here.first);
    Value streams = b.lessThan(rows, b.index(streamed.rows + 1));
    if (few)
      streams = arith::AndIOp::create(b, streams, few);
    else if (!op.getTransposed())
      return emitPieces();
    b.ifElse(
        streams, [&] { emitInPlace(streamed, here, firstPanel, count); },
        emitPieces);
  };
  // Where a buffer of rows is multiplied in place, more rows are several.
  if (inPlace.rows >= kBufferRows)
    return b.loop(range.first, range.last, inPlace.rows, [&](Value first) {
      Value last = b.min(range.last, b.add(first, inPlace.rows));
      emitInPlaceRows({range.group, first, last});
    });
  Value rows = b.sub(range.last, range.first);
  b.ifElse(
      b.lessThan(rows, b.index(inPlace.rows + 1)),
      [&] {
        b.ifThen(b.lessThan(b.index(0), rows), [&] { emitInPlaceRows(range); });
      },
      emitChunks);
}

/// The same for the panels of one chunk.
void GemmEmitter::emitChunk(const RowRange &range, Value firstPanel,
                            Value count) {
  b.loop(range.first, range.last, kBufferRows, [&](Value first) {
    Value rows = b.min(b.index(kBufferRows), b.sub(range.last, first));
    clearSums(rows);
    RowRange here = range;
    if (range.nextGroup) {
      // More rows of the group read its weights again.
      Value isLast = b.lessThan(range.last, b.add(first, kBufferRows + 1));
      here.nextGroup =
          arith::SelectOp::create(b, isLast, range.nextGroup, range.group);
    }
    auto emitBlocks = [&] {
      b.loop(kBlocks, [&](Value kBlock) {
        copyRows(first, rows, kBlock, b.index(0));
        if (op.getLayoutAttr())
          multiplyPanels(here, firstPanel, count, kBlock, rows);
        else
          multiplyPlain(range, firstPanel, count, kBlock, rows);
      });
    };
    if (fewBlocks())
      b.ifElse(
          b.lessThan(rows, b.index(kFewRows + 1)),
          [&] {
            multiplyStreams({range.group, first, range.last}, firstPanel, count,
                            rows);
          },
          emitBlocks);
    else
      emitBlocks();
    emitEpilogue(range.group, first, rows, firstPanel, count,
                 op.getLayoutAttr() ? Sums{sums, tile.panel, columns}
                                    : Sums{sums, columns, plainWidth()});
  });
}

void GemmEmitter::clearSums(Value rows) {
  Value zero = b.zero(VectorType::get(tile.lanes, b.getF32Type()));
  int64_t width = cast<MemRefType>(sums.getType()).getDimSize(1);
  b.loop(rows, [&](Value row) {
    b.loop(b.index(0), b.index(width), tile.lanes, [&](Value column) {
      vector::StoreOp::create(b, zero, sums, ValueRange{row, column});
    });
  });
}

/// The row of `a` that row `row` reads.
Value GemmEmitter::sourceRow(Value row) {
  if (!op.getRows())
    return row;
  // A slot out of range was reported; it reads some row.
  Value slot = b.loadIndex(op.getRows(), row);
  Value token = b.div(slot, op.getSlots());
  Value last = b.add(memref::DimOp::create(b, op.getA(), 0), -1);
  return arith::MinUIOp::create(b, token, last);
}

/// Copies block `kBlock` of `rows` rows to those from `leftRow` on, widened if
/// need be, with zeros behind the end of K.
void GemmEmitter::copyRows(Value first, Value rows, Value kBlock,
                           Value leftRow) {
  auto type = cast<MemRefType>(op.getA().getType());
  Type element = type.getElementType();
  Value firstK = b.mul(kBlock, tile.block);
  Value depth = b.min(b.index(tile.block), b.sub(b.index(k), firstK));
  // Whole vectors need neighbours in memory.
  int64_t lanes = type.isLastDimUnitStride() ? tile.lanes : 1;
  Value whole = b.mul(b.div(depth, lanes), lanes);
  if (lanes == 1)
    whole = b.index(0);
  auto widen = [&](Value value, Type to) -> Value {
    if (element == leftType)
      return value;
    return arith::ExtFOp::create(b, to, value);
  };
  b.loop(rows, [&](Value row) {
    Value source = sourceRow(b.add(first, row)), to = b.add(leftRow, row);
    b.loop(b.index(0), whole, tile.lanes, [&](Value at) {
      Value vector = vector::LoadOp::create(
          b, VectorType::get(tile.lanes, element), op.getA(),
          ValueRange{source, b.add(firstK, at)});
      vector = widen(vector, VectorType::get(tile.lanes, leftType));
      vector::StoreOp::create(b, vector, left, ValueRange{to, at});
    });
    b.loop(whole, depth, 1, [&](Value at) {
      Value scalar = memref::LoadOp::create(
          b, op.getA(), ValueRange{source, b.add(firstK, at)});
      memref::StoreOp::create(b, widen(scalar, leftType), left,
                              ValueRange{to, at});
    });
    b.loop(depth, b.index(tile.block), 1, [&](Value at) {
      memref::StoreOp::create(b, b.zero(leftType), left, ValueRange{to, at});
    });
  });
}
