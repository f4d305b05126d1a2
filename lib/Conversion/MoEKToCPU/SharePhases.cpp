//===- SharePhases.cpp - one function for phases that are the same --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

namespace moe {
#define GEN_PASS_DEF_MOESHAREPHASES
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

/// True for an op on buffers that becomes the code of a phase.
static bool isPhase(Operation *op) {
  if (op->getNumResults() != 0)
    return false;
  if (isa<scf::ForallOp>(op))
    return true; // within a task no other tasks begin
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return linalg.hasPureBufferSemantics();
  return isa_and_present<moek::MoEKDialect>(op->getDialect());
}

namespace {

/// A phase, and what it reads: `arguments` from outside, `constants` that are
/// cheaper made again than passed.
struct Phase {
  explicit Phase(Operation *op) : op(op) {
    SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    arguments.push_back(
        op->getParentOfType<func::FuncOp>().getBody().getArgument(0));
    for (Value value : used) {
      Operation *producer = value.getDefiningOp();
      if (producer && producer->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(producer);
      else if (value != arguments.front())
        arguments.push_back(value);
    }
  }

  Operation *op;
  SmallVector<Value> arguments; ///< The first is the context of the call.
  SmallVector<Operation *> constants;
};

struct SharePhasesPass : moe::impl::MoESharePhasesBase<SharePhasesPass> {
  using MoESharePhasesBase::MoESharePhasesBase;

  void runOnOperation() override {
    SmallVector<Phase> phases;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.getNumArguments() == 0 ||
          !isa<LLVM::LLVMPointerType>(function.getArgumentTypes().front()))
        continue; // does not run in a call
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (isPhase(op))
          phases.emplace_back(op);
        else if (!isa<scf::ForallOp>(op))
          return WalkResult::advance();
        return WalkResult::skip();
      });
    }
    // By what a function would say, in the order of the module.
    SmallVector<SmallVector<Phase *>> groups;
    llvm::StringMap<size_t> known;
    for (Phase &phase : phases) {
      OwningOpRef<func::FuncOp> function = createFunction(phase, "phase");
      std::string text;
      llvm::raw_string_ostream os(text);
      function->print(os, OpPrintingFlags().useLocalScope());
      auto [group, isNew] = known.try_emplace(text, groups.size());
      if (isNew)
        groups.emplace_back();
      groups[group->second].push_back(&phase);
    }
    SymbolTable symbols(getOperation());
    for (ArrayRef<Phase *> group : groups) {
      if (group.size() == 1)
        continue;
      func::FuncOp function =
          createFunction(*group.front(), "moe.shared").release();
      symbols.insert(function); // with a name that nothing has
      for (Phase *phase : group) {
        OpBuilder b(phase->op);
        func::CallOp::create(b, phase->op->getLoc(), function,
                             phase->arguments);
        phase->op->erase();
        ++numCalls;
      }
      ++numFunctions;
    }
  }

private:
  /// A function (context, what the phase reads) that does what the phase does.
  static OwningOpRef<func::FuncOp> createFunction(const Phase &phase,
                                                  StringRef name) {
    OpBuilder b(phase.op->getContext());
    Location loc = phase.op->getLoc();
    auto function = func::FuncOp::create(
        loc, name,
        b.getFunctionType(TypeRange(ValueRange(phase.arguments)), {}));
    function.setPrivate();
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    IRMapping mapping;
    mapping.map(ValueRange(phase.arguments), entry->getArguments());
    for (Operation *constant : phase.constants)
      b.clone(*constant, mapping);
    b.clone(*phase.op, mapping);
    func::ReturnOp::create(b, loc);
    return function;
  }
};

} // namespace
