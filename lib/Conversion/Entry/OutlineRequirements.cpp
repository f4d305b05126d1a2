//===- OutlineRequirements.cpp - what must hold before a run --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BufferFlow.h"
#include "SizeSlice.h"
#include "moe/Conversion/Passes.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace moe {
#define GEN_PASS_DEF_MOEOUTLINEREQUIREMENTS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {
/// Writes F.require.
class RequirementOutliner {
public:
  RequirementOutliner(func::FuncOp entry, const EntrySignature &signature)
      : entry(entry), module(entry->getParentOfType<ModuleOp>()),
        b(entry.getLoc(), entry.getContext()) {
    b.setInsertionPointAfter(entry);
    SmallVector<Type> inputs(signature.symbols.size(), b.getIndexType());
    inputs.insert(inputs.begin(), LLVM::LLVMPointerType::get(b.getContext()));
    auto require =
        func::FuncOp::create(b, (entry.getName() + kRequireSuffix).str(),
                             b.getFunctionType(inputs, b.getI1Type()));
    require.setPrivate();
    Block *body = require.addEntryBlock();
    b.setInsertionPointToStart(body);
    context = body->getArgument(0);
    slice.emplace(entry, signature, body->getArguments().drop_front());
    all = arith::ConstantOp::create(b, b.getBoolAttr(true));
  }

  LogicalResult run() {
    SmallVector<moek::RequireOp> requirements;
    entry.walk([&](moek::RequireOp op) { requirements.push_back(op); });
    for (moek::RequireOp op : requirements) {
      FailureOr<Value> lhs = slice->clone(b, op.getLhs());
      FailureOr<Value> rhs = failed(lhs) ? lhs : slice->clone(b, op.getRhs());
      if (failed(rhs))
        return unknown(op.getLoc(), op.getWhat());
      require(op.getLoc(), op.getRelation(), op.getWhat(), *lhs, *rhs);
      op.erase();
    }
    SmallVector<Operation *> ops;
    entry.getBody().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (failed(requireSources(op->getResults())))
        return failure();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          if (failed(requireSources(block.getArguments())))
            return failure();
    }
    func::ReturnOp::create(b, entry.getLoc(), all);
    return success();
  }

private:
  static LogicalResult unknown(Location loc, const Twine &what) {
    return emitError(loc) << what
                          << ": a size does not follow from the dimensions of "
                             "the entry's arguments";
  }

  /// What one value can be has the same sizes, unless none of them is known:
  /// then nothing was concluded from it.
  LogicalResult requireSources(ValueRange values) {
    for (Value value : values) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (!type || type.hasStaticShape())
        continue;
      SmallVector<Value> sources = getSources(value);
      if (sources.size() < 2)
        continue;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim) && failed(requireSame(value, sources, dim)))
          return failure();
    }
    return success();
  }

  LogicalResult requireSame(Value value, ArrayRef<Value> sources, int64_t dim) {
    auto sizes = llvm::map_to_vector(sources, [&](Value source) {
      return slice->cloneSize(b, source, dim);
    });
    auto isKnown = [](FailureOr<Value> size) { return succeeded(size); };
    if (llvm::none_of(sizes, isKnown))
      return success();
    auto *op = value.getDefiningOp();
    if (!op)
      op = cast<BlockArgument>(value).getOwner()->getParentOp();
    std::string what = ("sizes of " + op->getName().getStringRef()).str();
    if (!llvm::all_of(sizes, isKnown))
      return unknown(op->getLoc(), what);
    for (FailureOr<Value> size : ArrayRef(sizes).drop_front())
      require(op->getLoc(), moek::Relation::eq, what, *size, *sizes[0]);
    return success();
  }

  /// Emits the check of one requirement.
  void require(Location loc, moek::Relation relation, StringRef what, Value lhs,
               Value rhs) {
    if (lhs == rhs)
      return;
    b.setLoc(loc);
    bool equal = relation == moek::Relation::eq;
    Value holds = arith::CmpIOp::create(
        b, equal ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sle, lhs,
        rhs);
    Value fails = arith::XOrIOp::create(
        b, holds, arith::ConstantOp::create(b, b.getBoolAttr(true)));
    auto branch = scf::IfOp::create(b, fails, /*withElse=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      auto i64 = [&](Value value) -> Value {
        return arith::IndexCastOp::create(b, b.getI64Type(), value);
      };
      Value status = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(equal ? MOERT_INVALID_ARGUMENT
                                       : MOERT_TOO_LARGE));
      callRuntime(b, module, "moert_fail", Type(),
                  {context, status, stringAddress(b, module, what), i64(lhs),
                   i64(rhs)});
    }
    all = arith::AndIOp::create(b, all, holds);
  }

  func::FuncOp entry;
  ModuleOp module;
  ImplicitLocOpBuilder b;
  std::optional<SizeSlice> slice;
  Value context, all;
};

struct OutlineRequirementsPass
    : moe::impl::MoEOutlineRequirementsBase<OutlineRequirementsPass> {
  void runOnOperation() override {
    for (func::FuncOp entry : getEntries(getOperation())) {
      FailureOr<LoweredEntry> lowered =
          LoweredEntry::of(entry, /*planned=*/false);
      if (failed(lowered) ||
          failed(RequirementOutliner(entry, lowered->signature).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
