//===- LoopState.cpp - loops that update their state in place -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace moe {
#define GEN_PASS_DEF_MOELOOPSTATE
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;

/// True if nothing reads the tensor of `use`, a destination, after it is
/// written.
static bool isLastUse(OpOperand &use) {
  return llvm::all_of(use.get().getUses(), [&](OpOperand &other) {
    if (&other == &use)
      return true;
    Operation *writer = use.getOwner(), *reader = nullptr;
    while (!(reader =
                 writer->getBlock()->findAncestorOpInBlock(*other.getOwner())))
      writer = writer->getParentOp();
    // Of two branches one is taken.
    bool apart =
        reader == writer && isa<scf::IfOp>(writer) && writer != use.getOwner();
    return apart || (reader != writer && reader->isBeforeInBlock(writer));
  });
}

/// The tensor that `value` is computed into, by ops that say so and whose
/// destination nobody needs any more: the one that a chain of them starts with,
/// or `value` itself.
static Value getDestination(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    Operation *op = result.getOwner();
    OpOperand *destination = nullptr;
    if (auto write = dyn_cast<DestinationStyleOpInterface>(op)) {
      destination = write.getTiedOpOperand(result);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      destination = loop.getTiedLoopInit(result);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      unsigned number = result.getResultNumber();
      Value taken = getDestination(branch.thenYield().getOperand(number));
      if (taken != getDestination(branch.elseYield().getOperand(number)))
        return value;
      value = taken;
      continue;
    }
    if (!destination || !isLastUse(*destination))
      return value;
    value = destination->get();
  }
  return value;
}

namespace {
struct LoopStatePass : moe::impl::MoELoopStateBase<LoopStatePass> {
  /// Writes operand `next` of a terminator into `state`, one of `states`.
  void write(OpOperand &next, Value state, ValueRange states) {
    auto type = dyn_cast<RankedTensorType>(state.getType());
    Value destination = getDestination(next.get());
    if (!type || destination == state)
      return;
    OpBuilder b(next.getOwner());
    Location loc = next.getOwner()->getLoc();
    Value value = next.get();
    // Another state is overwritten, too: save this one first, before any is.
    if (llvm::is_contained(states, destination)) {
      b.setInsertionPointAfterValue(value);
      value = bufferization::AllocTensorOp::create(
          b, loc, type, /*dynamicSizes=*/ValueRange(), /*copy=*/value);
      b.setInsertionPoint(next.getOwner());
    }
    next.set(
        bufferization::MaterializeInDestinationOp::create(b, loc, value, state)
            ->getResult(0));
    ++numWritten;
  }

  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        for (auto [next, state] : llvm::zip_equal(
                 *loop.getYieldedValuesMutable(), loop.getRegionIterArgs()))
          write(next, state, loop.getRegionIterArgs());
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        // The state reaches the second region through the condition.
        for (auto [state, name] : llvm::zip_equal(
                 loop.getConditionOp().getArgs(), loop.getAfterArguments())) {
          auto before = dyn_cast<BlockArgument>(state);
          if (before && before.getOwner() == loop.getBeforeBody())
            write(loop.getYieldOp()->getOpOperand(before.getArgNumber()), name,
                  loop.getAfterArguments());
        }
      }
    });
  }
};
} // namespace
