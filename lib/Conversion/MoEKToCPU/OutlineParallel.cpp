//===- OutlineParallel.cpp - parallel phases as calls of the pool ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Conversion/RuntimeCalls.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

namespace moe {
#define GEN_PASS_DEF_MOEOUTLINEPARALLEL
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

class Outliner {
public:
  Outliner(ModuleOp module, bool sharesBodies)
      : module(module), sharesBodies(sharesBodies),
        converter(module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  /// Replaces `forall` by a call of the pool.
  void outline(scf::ForallOp forall) {
    ImplicitLocOpBuilder b(forall.getLoc(), forall);
    SetVector<Value> used;
    getUsedValuesDefinedAbove(forall.getRegion(), used);
    SmallVector<Value> captured;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      // Constants are cheaper made again than carried along.
      Operation *op = value.getDefiningOp();
      if (op && op->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(op);
      else
        captured.push_back(value);
    }
    auto structType = LLVM::LLVMStructType::getLiteral(
        b.getContext(), llvm::map_to_vector(captured, [&](Value value) {
          return converter.convertType(value.getType());
        }));
    LLVM::LLVMFuncOp body = createBody(forall, captured, constants, structType);
    if (sharesBodies)
      body = share(body);

    // The struct lives as long as the function; one that is in a loop is made
    // once.
    Value frame;
    {
      OpBuilder::InsertionGuard guard(b);
      auto function = forall->getParentOfType<func::FuncOp>();
      b.setInsertionPointToStart(&function.getBody().front());
      Value one =
          LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(1));
      frame = LLVM::AllocaOp::create(b, pointer, structType, one);
    }
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value field = LLVM::GEPOp::create(b, pointer, structType, frame,
                                        ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, toLlvm(b, value), field);
    }
    Value count = arith::IndexCastOp::create(
        b, b.getI64Type(),
        getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                        forall.getMixedUpperBound()[0]));
    Value context =
        forall->getParentOfType<func::FuncOp>().getBody().getArgument(0);
    Value address = LLVM::AddressOfOp::create(b, pointer, body.getName());
    callRuntime(b, module, "moert_parallel_for", Type(),
                {context, count, address, frame});
    forall.erase();
  }

  unsigned numBodies() const { return emitted; }

private:
  Value toLlvm(ImplicitLocOpBuilder &b, Value value) {
    Type type = converter.convertType(value.getType());
    if (type == value.getType())
      return value;
    return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
  }

  /// A function (struct of captured values, index) with the body of `forall`.
  LLVM::LLVMFuncOp createBody(scf::ForallOp forall, ArrayRef<Value> captured,
                              ArrayRef<Operation *> constants,
                              Type structType) {
    ImplicitLocOpBuilder b(forall.getLoc(), module.getContext());
    b.setInsertionPointToEnd(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), {pointer, b.getI64Type()});
    auto function =
        LLVM::LLVMFuncOp::create(b, "moe.phase." + std::to_string(counter++),
                                 type, LLVM::Linkage::Internal);
    ++emitted;
    Block *entry = function.addEntryBlock(b);
    b.setInsertionPointToStart(entry);
    IRMapping mapping;
    for (Operation *constant : constants)
      b.clone(*constant, mapping);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value field =
          LLVM::GEPOp::create(b, pointer, structType, entry->getArgument(0),
                              ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      Value loaded = LLVM::LoadOp::create(
          b, converter.convertType(value.getType()), field);
      if (loaded.getType() != value.getType())
        loaded = UnrealizedConversionCastOp::create(b, value.getType(), loaded)
                     .getResult(0);
      mapping.map(value, loaded);
    }
    Value index =
        arith::IndexCastOp::create(b, b.getIndexType(), entry->getArgument(1));
    mapping.map(forall.getInductionVar(0), index);
    for (Operation &op : forall.getBody()->without_terminator())
      b.clone(op, mapping);
    LLVM::ReturnOp::create(b, ValueRange());
    return function;
  }

  /// An earlier function with the same body, in place of `function`.
  LLVM::LLVMFuncOp share(LLVM::LLVMFuncOp function) {
    std::string text;
    llvm::raw_string_ostream os(text);
    StringAttr name = function.getSymNameAttr();
    function.setName("body");
    function.print(os, OpPrintingFlags().useLocalScope());
    function.setSymNameAttr(name);
    auto [entry, isNew] = bodies.try_emplace(text, function);
    if (!isNew) {
      function.erase();
      --emitted;
    }
    return entry->second;
  }

  ModuleOp module;
  bool sharesBodies;
  LLVMTypeConverter converter;
  Type pointer;
  unsigned counter = 0, emitted = 0;
  llvm::StringMap<LLVM::LLVMFuncOp> bodies;
};

struct OutlineParallelPass
    : moe::impl::MoEOutlineParallelBase<OutlineParallelPass> {
  using MoEOutlineParallelBase::MoEOutlineParallelBase;
  void runOnOperation() override {
    SmallVector<scf::ForallOp> outer, inner;
    getOperation().walk([&](scf::ForallOp forall) {
      bool nested = forall->getParentOfType<scf::ForallOp>() ||
                    forall.getRank() != 1 || !forall.isNormalized();
      (nested ? inner : outer).push_back(forall);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ForallOp forall : inner)
      if (failed(scf::forallToForLoop(rewriter, forall)))
        return signalPassFailure();
    Outliner outliner(getOperation(), share);
    for (scf::ForallOp forall : outer) {
      outliner.outline(forall);
      ++numPhases;
    }
    numBodies += outliner.numBodies();
  }
};

} // namespace
