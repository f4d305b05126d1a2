//===- SizeSlice.cpp - sizes as functions of the symbols ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeSlice.h"
#include "BufferFlow.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace moe;

SizeSlice::SizeSlice(func::FuncOp entry, const EntrySignature &signature,
                     ValueRange symbols)
    : body(entry.getBody().front()), symbols(symbols) {
  for (auto [i, symbol] : llvm::enumerate(symbols))
    mapping.map(body.getArgument(kFirstSymbol + i), symbol);
  unsigned position = kFirstSymbol + signature.symbols.size();
  for (MoertRole role : {MOERT_INPUT, MOERT_OUTPUT})
    for (const EntryArgument &argument : signature.withRole(role))
      dims[body.getArgument(position++)] = argument.dims;
}

FailureOr<Value> SizeSlice::clone(OpBuilder &b, Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast_or_null<memref::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    auto type = dyn_cast<MemRefType>(dim.getSource().getType());
    if (!index || !type || *index < 0 || *index >= type.getRank())
      return failure();
    FailureOr<Value> size = cloneSize(b, dim.getSource(), *index);
    if (succeeded(size))
      mapping.map(value, *size);
    return size;
  }
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return failure();
  // Only numbers travel: an op on a tensor or memref does not.
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndexOrFloat() || failed(clone(b, operand)))
      return failure();
  }
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

FailureOr<Value> SizeSlice::cloneFolded(OpBuilder &b, OpFoldResult size,
                                        Location loc) {
  if (auto value = dyn_cast<Value>(size))
    return clone(b, value);
  return getValueOrCreateConstantIndexOp(b, loc, size);
}

FailureOr<Value> SizeSlice::cloneSize(OpBuilder &b, Value buffer, int64_t dim) {
  Location loc = buffer.getLoc();
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return failure();
  if (!type.isDynamicDim(dim))
    return cloneFolded(b, b.getIndexAttr(type.getDimSize(dim)), loc);
  if (auto found = dims.find(buffer); found != dims.end())
    return symbols[~found->second[dim]];
  if (!active.insert(buffer).second)
    return failure();
  llvm::scope_exit done([&] { active.erase(buffer); });

  for (Value source : getSources(buffer))
    if (FailureOr<Value> size = cloneSize(b, source, dim); succeeded(size))
      return size;

  Operation *op = buffer.getDefiningOp();
  if (auto alloc = dyn_cast_or_null<memref::AllocOp>(op))
    return cloneFolded(b, alloc.getMixedSizes()[dim], loc);
  if (auto view = dyn_cast_or_null<memref::SubViewOp>(op)) {
    SmallVector<OpFoldResult> kept;
    llvm::SmallBitVector dropped = view.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
      if (!dropped.test(i))
        kept.push_back(size);
    return cloneFolded(b, kept[dim], loc);
  }
  if (auto view = dyn_cast_or_null<memref::ExpandShapeOp>(op))
    return cloneFolded(b, view.getMixedOutputShape()[dim], loc);
  if (auto view = dyn_cast_or_null<memref::ReinterpretCastOp>(op))
    return cloneFolded(b, view.getMixedSizes()[dim], loc);
  if (auto view = dyn_cast_or_null<memref::CollapseShapeOp>(op)) {
    Value product;
    for (int64_t part : view.getReassociationIndices()[dim]) {
      FailureOr<Value> size = cloneSize(b, view.getSrc(), part);
      if (failed(size))
        return failure();
      product = product ? arith::MulIOp::create(b, loc, product, *size)
                        : *size;
    }
    return product;
  }
  if (auto view = dyn_cast_or_null<memref::TransposeOp>(op)) {
    AffineMap map = view.getPermutation();
    return cloneSize(b, view.getIn(), map.getDimPosition(dim));
  }
  if (auto cast = dyn_cast_or_null<memref::CastOp>(op))
    return cloneSize(b, cast.getSource(), dim);
  return failure();
}

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
    auto require = func::FuncOp::create(
        b, (entry.getName() + kRequireSuffix).str(),
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
    WalkResult walked = entry.walk([&](Operation *op) {
      LogicalResult known = requireSources(op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          if (op != entry && succeeded(known))
            known = requireSources(block.getArguments());
      return WalkResult(known);
    });
    func::ReturnOp::create(b, entry.getLoc(), all);
    return failure(walked.wasInterrupted());
  }

private:
  static LogicalResult unknown(Location loc, const Twine &what) {
    return emitError(loc) << what
                          << ": a size does not follow from the dimensions of "
                             "the entry's arguments";
  }

  /// The buffers that one value can be have the same sizes, unless none of them
  /// is known: then nothing was concluded from it.
  LogicalResult requireSources(ValueRange values) {
    for (Value value : values) {
      auto type = dyn_cast<MemRefType>(value.getType());
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
      callRuntime(
          b, module, "moert_fail", Type(),
          {context, status, stringAddress(b, module, what), i64(lhs), i64(rhs)});
    }
    all = arith::AndIOp::create(b, all, holds);
  }

  func::FuncOp entry;
  ModuleOp module;
  ImplicitLocOpBuilder b;
  std::optional<SizeSlice> slice;
  Value context, all;
};
} // namespace

LogicalResult moe::outlineRequirements(func::FuncOp entry,
                                       const EntrySignature &signature) {
  return RequirementOutliner(entry, signature).run();
}
