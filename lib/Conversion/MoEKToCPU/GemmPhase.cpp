//===- GemmPhase.cpp - which tasks there are ------------------------------===//
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

using namespace mlir;
using namespace moe;

/// Tasks a thread, so that one may take longer than others.
static constexpr int64_t kTasksOfThread = 2;

void GemmEmitter::emit() {
  if (op.getOutRows())
    emitOwnedColumns();
  else
    emitBlocks();
}

/// Rows of different groups meet in one row of the result: a task owns its
/// columns and goes through all groups in order. If a phase before has computed
/// the sums, it is their epilogue that is left.
void GemmEmitter::emitOwnedColumns() {
  // Whole panels go there, whose columns may end behind those of the weights.
  Value few, scratch = op.getScratch();
  if (scratch && streamed.rows &&
      panels * columns <= cast<MemRefType>(scratch.getType()).getDimSize(1))
    few = emitStreamedRows();
  b.parallel(b.index(chunks), [&](Value task) {
    allocateBuffers();
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

/// Every row of the result has its own task: (block of rows, chunk of panels),
/// or several chunks.
void GemmEmitter::emitBlocks() {
  Blocks blocks = countBlocks();
  bool wide = streamed.rows && !op.getTransposed();
  Value few = wide ? areFew(blocks) : Value();
  Value width = wide ? panelsOfTask(blocks.count, few) : b.index(chunkPanels);
  forBlocks(
      blocks.count, width, [&] { allocateBuffers(); },
      [&](const RowRange &range, Value firstPanel, Value count) {
        emitTask(range, firstPanel, count, few);
      });
}

/// One task for each of `blocks` blocks of rows and `width` panels. It
/// allocates its buffers first: behind a loop they would not be part of the
/// task's frame.
void GemmEmitter::forBlocks(
    Value blocks, Value width, llvm::function_ref<void()> allocate,
    llvm::function_ref<void(const RowRange &range, Value firstPanel,
                            Value count)>
        body) {
  Value pieces = b.ceilDiv(b.index(panels), width);
  b.parallel(b.mul(blocks, pieces), [&](Value task) {
    allocate();
    Value firstPanel = b.mul(b.rem(task, pieces), width);
    Value count = b.min(width, b.sub(b.index(panels), firstPanel));
    body(findBlock(b.div(task, pieces)), firstPanel, count);
  });
}

/// Where rows are few, a phase of tasks as wide as can be, which leaves the
/// sums in the scratch. Returns whether they are.
Value GemmEmitter::emitStreamedRows() {
  Blocks blocks = countBlocks();
  Value fits = b.lessThan(
      totalRows(), b.add(memref::DimOp::create(b, op.getScratch(), 0), 1));
  Value few = arith::AndIOp::create(b, areFew(blocks), fits);
  Value width = panelsOfTask(blocks.count, few);
  Value some = arith::SelectOp::create(b, few, blocks.count, b.index(0));
  forBlocks(
      some, width, [&] { allocateInPlace(/*both=*/false); },
      [&](const RowRange &range, Value firstPanel, Value count) {
        b.loop(range.first, range.last, streamed.rows, [&](Value first) {
          Value last = b.min(range.last, b.add(first, streamed.rows));
          RowRange here{range.group, first, last};
          emitInPlaceSums(streamed, here, firstPanel, count);
          keepSums(here, firstPanel, count);
        });
      });
  return few;
}

/// True if blocks have so few rows that memory decides: two in the mean, or
/// half of what is streamed at a time, and none has more than are multiplied in
/// place.
Value GemmEmitter::areFew(const Blocks &blocks) {
  Value mean = b.lessThan(b.mul(totalRows(), 2),
                          b.add(b.mul(blocks.count, streamed.rows), 1));
  Value most = b.lessThan(blocks.largest, b.index(inPlace.rows + 1));
  return arith::AndIOp::create(b, mean, most);
}

/// Panels of a task on weights [E,in,out] that are read where they lie. Their
/// rows are read in pieces as long as a task is wide, and memory likes them
/// long: so it is as many chunks as leave work for all threads.
Value GemmEmitter::panelsOfTask(Value blocks, Value few) {
  blocks = b.max(blocks, b.index(1));
  Value count = threads();
  Value pieces = b.ceilDiv(b.mul(count, kTasksOfThread), blocks);
  // Blocks of few rows take as long as each other.
  Value even = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     b.rem(blocks, count), b.index(0));
  even = arith::AndIOp::create(b, few, even);
  pieces = arith::SelectOp::create(b, even, b.index(1), pieces);
  Value width = b.mul(
      b.ceilDiv(b.ceilDiv(b.index(panels), pieces), chunkPanels), chunkPanels);
  Value inPlaceToo =
      b.lessThan(totalRows(), b.add(b.mul(blocks, inPlace.rows), 1));
  Value most = arith::SelectOp::create(b, inPlaceToo, b.index(inPlace.panels),
                                       b.index(chunkPanels));
  most = arith::SelectOp::create(b, few, b.index(streamed.panels), most);
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
  return b.max(arith::IndexCastUIOp::create(b, b.getIndexType(), count),
               b.index(1));
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

/// The blocks of kTaskRows rows of all groups.
GemmEmitter::Blocks GemmEmitter::countBlocks() {
  SmallVector<Value> found = b.iterate(
      b.index(0), b.index(op.getNumGroups()), 1, {b.index(0), b.index(0)},
      [&](Value group, ValueRange state) -> SmallVector<Value> {
        RowRange range = groupRows(group);
        Value rows = b.sub(range.last, range.first);
        return {b.add(state[0], b.ceilDiv(rows, kTaskRows)),
                b.max(state[1], rows)};
      });
  return {found[0], found[1]};
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
