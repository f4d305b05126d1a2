//===- BufferFlow.cpp - buffers that regions pass on ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BufferFlow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

using namespace mlir;
using namespace moe;

/// Calls `edge(operands, inputs)` for each way into a region of `op` and out of
/// it: inputs[i] becomes operands[i].
static void forEachEdge(RegionBranchOpInterface op,
                        llvm::function_ref<void(ValueRange, ValueRange)> edge) {
  SmallVector<RegionSuccessor> successors;
  op.getSuccessorRegions(RegionBranchPoint::parent(), successors);
  for (const RegionSuccessor &successor : successors)
    edge(op.getEntrySuccessorOperands(successor),
         successor.getSuccessorInputs());
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      auto terminator =
          dyn_cast<RegionBranchTerminatorOpInterface>(block.getTerminator());
      if (!terminator)
        continue;
      successors.clear();
      op.getSuccessorRegions(RegionBranchPoint(terminator), successors);
      for (const RegionSuccessor &successor : successors)
        edge(terminator.getSuccessorOperands(successor),
             successor.getSuccessorInputs());
    }
}

SmallVector<Value> moe::getSources(Value value) {
  if (auto select = value.getDefiningOp<arith::SelectOp>())
    return {select.getTrueValue(), select.getFalseValue()};
  auto argument = dyn_cast<BlockArgument>(value);
  auto op = dyn_cast_or_null<RegionBranchOpInterface>(
      argument ? argument.getOwner()->getParentOp() : value.getDefiningOp());
  SmallVector<Value> sources;
  if (op)
    forEachEdge(op, [&](ValueRange operands, ValueRange inputs) {
      for (auto [operand, input] : llvm::zip(operands, inputs))
        if (input == value && !llvm::is_contained(sources, operand))
          sources.push_back(operand);
    });
  return sources;
}

SmallVector<Value> moe::getAliases(OpOperand &use) {
  Operation *user = use.getOwner();
  auto op = dyn_cast<RegionBranchOpInterface>(user);
  if (!op && isa<RegionBranchTerminatorOpInterface>(user))
    op = dyn_cast<RegionBranchOpInterface>(user->getParentOp());
  // Views, casts, a select.
  if (!op)
    return SmallVector<Value>(user->getResults());
  SmallVector<Value> aliases;
  forEachEdge(op, [&](ValueRange operands, ValueRange inputs) {
    for (auto [operand, input] : llvm::zip(operands, inputs))
      if (operand == use.get())
        aliases.push_back(input);
  });
  return aliases;
}
