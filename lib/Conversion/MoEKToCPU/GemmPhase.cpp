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
