//===- SplitPrepare.cpp - compute once what depends on weights alone ------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOESPLITPREPARE
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Splits one entry.
class Splitter {
public:
  Splitter(func::FuncOp function, bool enabled)
      : function(function), enabled(enabled) {}

  /// Creates F.prepare and changes F; returns how many ops moved.
  unsigned run() {
    Block &body = function.getBody().front();
    for (BlockArgument argument : body.getArguments())
      if (function.getArgAttr(argument.getArgNumber(), kWeightAttr))
        weights.insert(argument);
    fromWeights.insert_range(weights);
    for (Operation &op : body.without_terminator())
      classify(op);
    SmallVector<Value> packed = frontier();
    createPrepare(packed);
    replaceByArguments(packed);
    return moved.size();
  }

private:
  /// Values that `op` reads, those of its regions included.
  static SetVector<Value> readValues(Operation &op) {
    SetVector<Value> values(op.getOperands().begin(), op.getOperands().end());
    getUsedValuesDefinedAbove(op.getRegions(), values);
    return values;
  }

  /// Sorts an op into: constant (cheap, cloned where needed), computed from
  /// weights alone (moves), or the rest.
  void classify(Operation &op) {
    // Errors can be reported from F.prepare as well.
    if (!moek::hasNoEffectButStatus(&op))
      return;
    SetVector<Value> values = readValues(op);
    auto isConstant = [&](Value value) { return constants.contains(value); };
    auto isKnown = [&](Value value) {
      return isConstant(value) || fromWeights.contains(value);
    };
    auto isStatic = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.hasStaticShape();
    };
    if (llvm::all_of(values, isConstant)) {
      constants.insert_range(op.getResults());
    } else if (enabled && llvm::all_of(values, isKnown) &&
               llvm::all_of(op.getResultTypes(), isStatic)) {
      fromWeights.insert_range(op.getResults());
      moved.insert(&op);
    }
  }

  /// Values computed from weights, or weights, that the rest of F reads.
  SmallVector<Value> frontier() {
    SmallVector<Value> values;
    Block *body = &function.getBody().front();
    for (Value value : fromWeights)
      if (llvm::any_of(value.getUsers(), [&](Operation *user) {
            return !moved.contains(body->findAncestorOpInBlock(*user));
          }))
        values.push_back(value);
    return values;
  }

  /// F.prepare: weights -> packed values.
  void createPrepare(ArrayRef<Value> packed) {
    OpBuilder b(function);
    b.setInsertionPointAfter(function);
    SmallVector<Type> inputs(ValueRange(weights.getArrayRef()).getTypes());
    SmallVector<Type> results(ValueRange(packed).getTypes());
    auto prepare = func::FuncOp::create(
        b, function.getLoc(), (function.getName() + kPrepareSuffix).str(),
        b.getFunctionType(inputs, results));
    prepare.setPrivate();
    Block *body = prepare.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping mapping;
    mapping.map(weights.getArrayRef(), body->getArguments());
    // Constants that moved ops read come along; unused ones fold away.
    for (Operation &op : function.getBody().front().without_terminator())
      if (moved.contains(&op) ||
          (op.getNumResults() && constants.contains(op.getResult(0))))
        b.clone(op, mapping);
    SmallVector<Value> values;
    for (Value value : packed)
      values.push_back(mapping.lookup(value));
    func::ReturnOp::create(b, function.getLoc(), values);
  }

  /// Gives F the packed values in place of the weights.
  void replaceByArguments(ArrayRef<Value> packed) {
    Block &body = function.getBody().front();
    unsigned count = function.getNumArguments();
    for (auto [i, packedValue] : llvm::enumerate(packed)) {
      Value value = packedValue;
      LogicalResult inserted = function.insertArgument(
          count + i, value.getType(), DictionaryAttr(), value.getLoc());
      assert(succeeded(inserted) && "the entry's type is a function type");
      (void)inserted;
      value.replaceUsesWithIf(body.getArgument(count + i), [&](OpOperand &use) {
        return !moved.contains(body.findAncestorOpInBlock(*use.getOwner()));
      });
    }
    for (Operation *op : llvm::reverse(moved))
      op->erase();
    BitVector erased(function.getNumArguments());
    for (Value weight : weights)
      erased.set(cast<BlockArgument>(weight).getArgNumber());
    LogicalResult done = function.eraseArguments(erased);
    assert(succeeded(done) && "no use of a weight is left");
    (void)done;
  }

  func::FuncOp function;
  bool enabled;
  SetVector<Value> weights;
  SetVector<Value> fromWeights;
  DenseSet<Value> constants;
  SetVector<Operation *> moved;
};

struct SplitPreparePass : moe::impl::MoESplitPrepareBase<SplitPreparePass> {
  using MoESplitPrepareBase::MoESplitPrepareBase;

  /// The names that the compiled forms of `entry` get are free.
  LogicalResult checkNames(func::FuncOp entry) {
    if (entry->hasAttr(kSignatureAttr))
      return entry.emitError("is split already");
    std::string scratch = (kPrepareSuffix + kWorkspaceSuffix).str();
    for (StringRef suffix :
         {StringRef(kPrepareSuffix), StringRef(kWorkspaceSuffix),
          StringRef(kRequireSuffix), StringRef(scratch)}) {
      std::string name = (entry.getName() + suffix).str();
      if (Operation *other = getOperation().lookupSymbol(name))
        return other->emitError()
               << "the name '" << name << "' is needed for what '"
               << entry.getName() << "' is compiled to; choose another one";
    }
    return success();
  }

  /// The same for names that belong to the runtime and to our own constants.
  LogicalResult checkReserved() {
    for (auto symbol : getOperation().getOps<SymbolOpInterface>())
      for (StringRef prefix : {"moert_", "moe."})
        if (symbol.getName().starts_with(prefix))
          return symbol.emitError()
                 << "the name '" << symbol.getName() << "' starts with '"
                 << prefix
                 << "', as those of the runtime do; choose another one";
    return success();
  }

  void runOnOperation() override {
    if (failed(checkReserved()))
      return signalPassFailure();
    for (func::FuncOp entry : getEntries(getOperation())) {
      if (failed(checkNames(entry)))
        return signalPassFailure();
      if (!entry.getBody().hasOneBlock()) {
        entry.emitError("an entry must have a single block; use scf for "
                        "control flow");
        return signalPassFailure();
      }
      WalkResult calls = entry.walk([](CallOpInterface call) {
        call->emitError("this call was not inlined (recursive, or a function "
                        "without a body)");
        return WalkResult::interrupt();
      });
      FailureOr<EntrySignature> signature = EntrySignature::of(entry);
      if (calls.wasInterrupted() || failed(signature))
        return signalPassFailure();
      entry->setAttr(kSignatureAttr, signature->write(&getContext()));
      numMoved += Splitter(entry, enabled).run();
    }
  }
};

} // namespace
