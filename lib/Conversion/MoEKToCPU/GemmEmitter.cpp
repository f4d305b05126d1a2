//===- GemmEmitter.cpp - moek.gemm as one parallel phase ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"
#include "moe/Conversion/RuntimeCalls.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

/// Rows that a task holds in its buffers at a time: with 128 of K and 128
/// columns, 24 KiB each of rows and of sums, which stay near the core.
static constexpr int64_t kBufferRows = 48;
/// Rows of a task: a group with more is cut, so that one task is never long.
static constexpr int64_t kTaskRows = 8 * kBufferRows;
/// Tasks a thread, so that one may take longer than others.
static constexpr int64_t kTasksOfThread = 2;

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
  plain = {SmallVector<Value>(op.getWeights()),
           op.getTransposed(),
           k,
           n,
           tile.panel,
           tile.block,
           tile.pair,
           tile.lanes,
           std::clamp<int64_t>(chunkPanels * columns / tile.panel, 1,
                               options.packPanels)};
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

void GemmEmitter::emit() {
  if (op.getOutRows())
    emitOwnedColumns();
  else
    emitBlocks();
}

//===----------------------------------------------------------------------===//
// The phase
//===----------------------------------------------------------------------===//

/// Rows of different groups meet in one row of the result: a task owns its
/// columns and goes through all groups in order. If a phase before has computed
/// the sums, it is their epilogue that is left.
void GemmEmitter::emitOwnedColumns() {
  Value few;
  if (op.getScratch() && streamed.rows)
    few = emitStreamedRows();
  b.parallel(b.index(chunks), [&](Value task) {
    Value firstPanel = b.mul(task, chunkPanels);
    Value count =
        b.min(b.index(chunkPanels), b.sub(b.index(panels), firstPanel));
    auto forGroups = [&](llvm::function_ref<void(const RowRange &range)> body) {
      b.loop(op.getNumGroups(), [&](Value group) {
        RowRange range = groupRows(group);
        range.nextGroup =
            b.min(b.add(group, 1), b.index(op.getNumGroups() - 1));
        body(range);
      });
    };
    auto emitTasks = [&] {
      allocateBuffers();
      forGroups(
          [&](const RowRange &range) { emitTask(range, firstPanel, count); });
    };
    if (!few)
      return emitTasks();
    b.ifElse(
        few,
        [&] {
          forGroups([&](const RowRange &range) {
            Value rows = b.sub(range.last, range.first);
            Value sums = keptSums(range.first, rows, firstPanel, count);
            emitEpilogue(range.group, range.first, rows, firstPanel, count,
                         {sums, columns, 0});
          });
        },
        emitTasks);
  });
}

/// Every row of the result has its own task: (block of rows, chunk of panels).
void GemmEmitter::emitBlocks() {
  Value blocks = countBlocks(), width = panelsOfTask(blocks);
  Value few = streamed.rows && !op.getTransposed() ? areFew(blocks) : Value();
  Value wide = b.ceilDiv(b.index(panels), width);
  b.parallel(b.mul(blocks, wide), [&](Value task) {
    allocateBuffers();
    Value block = b.div(task, wide);
    Value firstPanel = b.mul(b.rem(task, wide), width);
    Value count = b.min(width, b.sub(b.index(panels), firstPanel));
    emitTask(findBlock(block), firstPanel, count, few);
  });
}

/// Where rows are few, a phase of tasks as wide as can be, which leaves the
/// sums in the scratch. Returns whether they are.
Value GemmEmitter::emitStreamedRows() {
  Value blocks = countBlocks(), width = panelsOfTask(blocks);
  Value fits = b.lessThan(
      totalRows(), b.add(memref::DimOp::create(b, op.getScratch(), 0), 1));
  Value few = arith::AndIOp::create(b, areFew(blocks), fits);
  Value wide = b.ceilDiv(b.index(panels), width);
  Value tasks =
      arith::SelectOp::create(b, few, b.mul(blocks, wide), b.index(0));
  b.parallel(tasks, [&](Value task) {
    allocateInPlace(/*both=*/false);
    Value firstPanel = b.mul(b.rem(task, wide), width);
    Value count = b.min(width, b.sub(b.index(panels), firstPanel));
    RowRange range = findBlock(b.div(task, wide));
    b.loop(range.first, range.last, streamed.rows, [&](Value first) {
      Value last = b.min(range.last, b.add(first, streamed.rows));
      RowRange here{range.group, first, last};
      emitInPlaceSums(streamed, here, firstPanel, count);
      keepSums(here, firstPanel, count);
    });
  });
  return few;
}

/// True if the groups that have rows have so few that memory decides.
Value GemmEmitter::areFew(Value groups) {
  return b.lessThan(b.mul(totalRows(), 2),
                    b.add(b.mul(groups, streamed.rows), 1));
}

/// Panels of a task: a chunk. Rows of weights [E,in,out] are read in pieces as
/// long as the task is wide, and memory likes them long: so where rows are few,
/// it is as many as leave work for all threads. `groups` is how many have rows.
Value GemmEmitter::panelsOfTask(Value groups) {
  Value chunk = b.index(chunkPanels);
  if (!streamed.rows || op.getTransposed())
    return chunk;
  groups = b.max(groups, b.index(1));
  Value count = threads();
  Value even = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     b.rem(groups, count), b.index(0));
  Value pieces = arith::SelectOp::create(
      b, even, b.index(1), b.ceilDiv(b.mul(count, kTasksOfThread), groups));
  Value width = b.max(b.ceilDiv(b.index(panels), pieces), chunk);
  Value inPlaceToo =
      b.lessThan(totalRows(), b.add(b.mul(groups, inPlace.rows), 1));
  Value most = arith::SelectOp::create(
      b, areFew(groups), b.index(streamed.panels),
      arith::SelectOp::create(b, inPlaceToo, b.index(inPlace.panels), chunk));
  return b.min(width, most);
}

/// Threads of the call; one in a function that has no context.
Value GemmEmitter::threads() {
  auto function = op->getParentOfType<func::FuncOp>();
  if (function.getNumArguments() == 0 ||
      !isa<LLVM::LLVMPointerType>(function.getArgumentTypes().front()))
    return b.index(1);
  Value count = callRuntime(b, op->getParentOfType<ModuleOp>(), "moert_threads",
                            b.getI32Type(), function.getArgument(0));
  return arith::IndexCastUIOp::create(b, b.getIndexType(), count);
}

Value GemmEmitter::totalRows() {
  return memref::DimOp::create(b, op.getRows() ? op.getRows() : op.getA(), 0);
}

GemmEmitter::RowRange GemmEmitter::groupRows(Value group) {
  Value total = totalRows();
  if (!op.getOffsets())
    return {group, b.index(0), total};
  // Offsets that do not ascend were reported; here they must do no harm.
  Value first = b.loadIndex(op.getOffsets(), group);
  Value last = b.loadIndex(op.getOffsets(), b.add(group, 1));
  first = b.min(b.max(first, b.index(0)), total);
  return {group, first, b.max(first, b.min(last, total))};
}

/// Number of blocks of kTaskRows rows of all groups.
Value GemmEmitter::countBlocks() {
  auto blocksOf = [&](Value group) {
    RowRange rows = groupRows(group);
    return b.ceilDiv(b.sub(rows.last, rows.first), kTaskRows);
  };
  if (!op.getOffsets())
    return blocksOf(b.index(0));
  return b.reduce(
      b.index(op.getNumGroups()), b.index(0),
      [&](Value group, Value sum) { return b.add(sum, blocksOf(group)); });
}

/// The rows of a block. A group's first block comes after all blocks of the
/// groups before it; one pass over the offsets finds the group.
GemmEmitter::RowRange GemmEmitter::findBlock(Value number) {
  auto cut = [&](const RowRange &rows, Value block) -> RowRange {
    Value first = b.add(rows.first, b.mul(block, kTaskRows));
    return {rows.group, first, b.min(rows.last, b.add(first, kTaskRows))};
  };
  if (!op.getOffsets())
    return cut(groupRows(b.index(0)), number);
  // While the block lies behind the groups seen so far, move on.
  SmallVector<Value> init{b.index(0), number};
  auto search = scf::ForOp::create(
      b, b.index(0), b.index(op.getNumGroups() - 1), b.index(1), init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(search.getBody());
    Value group = search.getRegionIterArg(0),
          block = search.getRegionIterArg(1);
    RowRange rows = groupRows(group);
    Value count = b.ceilDiv(b.sub(rows.last, rows.first), kTaskRows);
    Value here = b.lessThan(block, count);
    Value nextGroup = arith::SelectOp::create(b, here, group, b.add(group, 1));
    Value nextBlock =
        arith::SelectOp::create(b, here, block, b.sub(block, count));
    scf::YieldOp::create(b, ValueRange{nextGroup, nextBlock});
  }
  return cut(groupRows(search.getResult(0)), search.getResult(1));
}

//===----------------------------------------------------------------------===//
// A task
//===----------------------------------------------------------------------===//

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
/// If `few`, a group of few rows takes them all at once.
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
          multiplyPlain(range, firstPanel, kBlock, rows);
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
  b.loop(rows, [&](Value row) {
    int64_t width = cast<MemRefType>(sums.getType()).getDimSize(1);
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
