//===- LoopState.cpp - loops that update their state in place -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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

/// True for uses that read a tensor and pass it on to nobody.
static bool isRead(OpOperand &use) {
  auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
  return op ? op.isDpsInput(&use)
            : isa<tensor::ExtractOp, tensor::DimOp>(use.getOwner());
}

namespace {
/// A tensor in the body of a loop, and the operand of the terminator that
/// becomes it in the next iteration.
struct State {
  OpOperand &next;
  BlockArgument now;
};

struct LoopStatePass : moe::impl::MoELoopStateBase<LoopStatePass> {
  void writeInPlace(ArrayRef<State> states) {
    SmallVector<State> written;
    for (State state : states)
      if (isa<RankedTensorType>(state.now.getType()) &&
          state.next.get() != state.now &&
          getDestination(state.next.get()) != state.now)
        written.push_back(state);
    // One that is more than read, by an op that writes into it or as another
    // state, is read from a copy, so that it can be overwritten.
    for (State state : written) {
      if (llvm::all_of(state.now.getUses(), isRead))
        continue;
      OpBuilder b = OpBuilder::atBlockBegin(state.now.getOwner());
      auto copy = bufferization::AllocTensorOp::create(
          b, state.now.getLoc(), cast<RankedTensorType>(state.now.getType()),
          /*dynamicSizes=*/ValueRange(), /*copy=*/state.now);
      state.now.replaceAllUsesExcept(copy, copy);
    }
    for (State state : written) {
      Operation *terminator = state.next.getOwner();
      OpBuilder b(terminator);
      state.next.set(bufferization::MaterializeInDestinationOp::create(
                         b, terminator->getLoc(), state.next.get(), state.now)
                         ->getResult(0));
      ++numWritten;
    }
  }

  /// Copies what `region`, a branch, yields of tensors that it did not compute.
  static void copyForeign(Region &region) {
    Operation *yield = region.front().getTerminator();
    for (OpOperand &operand : yield->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type || region.isAncestor(operand.get().getParentRegion()))
        continue;
      if (auto branch = dyn_cast<scf::IfOp>(yield->getParentOp()))
        if (unsigned i = operand.getOperandNumber();
            getDestination(branch.thenYield().getOperand(i)) ==
            getDestination(branch.elseYield().getOperand(i)))
          continue;
      OpBuilder b(yield);
      operand.set(bufferization::AllocTensorOp::create(
          b, yield->getLoc(), type, /*dynamicSizes=*/ValueRange(),
          /*copy=*/operand.get()));
    }
  }

  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      SmallVector<State> states;
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        for (auto [next, now] : llvm::zip_equal(*loop.getYieldedValuesMutable(),
                                                loop.getRegionIterArgs()))
          states.push_back({next, now});
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        // The state reaches the second region through the condition.
        for (auto [state, now] : llvm::zip_equal(
                 loop.getConditionOp().getArgs(), loop.getAfterArguments())) {
          auto before = dyn_cast<BlockArgument>(state);
          if (before && before.getOwner() == loop.getBeforeBody())
            states.push_back(
                {loop.getYieldOp()->getOpOperand(before.getArgNumber()), now});
        }
      }
      writeInPlace(states);
    });
    getOperation()->walk([&](Operation *op) {
      if (isa<scf::IfOp, scf::IndexSwitchOp, scf::ExecuteRegionOp>(op))
        for (Region &region : op->getRegions())
          if (region.hasOneBlock())
            copyForeign(region);
    });
  }
};
} // namespace
