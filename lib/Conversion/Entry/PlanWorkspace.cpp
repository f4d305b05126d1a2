//===- PlanWorkspace.cpp - allocations as offsets of one workspace --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BufferFlow.h"
#include "SizeSlice.h"
#include "moe/Conversion/Passes.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace moe {
#define GEN_PASS_DEF_MOEPLANWORKSPACE
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// An allocation and the top-level ops of the entry between which it is in use.
struct Buffer {
  memref::AllocOp alloc;
  unsigned first, last;
};

/// Buffers that share one place: it is as big as the biggest.
struct Place {
  SmallVector<memref::AllocOp> members;
  unsigned last;
};

/// Plans one function.
class Planner {
public:
  /// `signature` is that of F, or an empty one for F.prepare.
  Planner(func::FuncOp function, const EntrySignature &signature, bool share)
      : function(function), signature(signature),
        body(function.getBody().front()), share(share) {
    for (auto [i, op] : llvm::enumerate(body))
      position[&op] = i;
  }

  /// Collects the buffers and assigns places; emits an error and fails if a
  /// buffer's life cannot be told.
  LogicalResult analyse() {
    SmallVector<memref::AllocOp> allocs;
    function.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs)
      if (failed(addBuffer(alloc)))
        return failure();
    llvm::stable_sort(buffers, [](const Buffer &a, const Buffer &b) {
      return a.first < b.first;
    });
    for (Buffer &buffer : buffers)
      assign(buffer);
    return success();
  }

  /// F.workspace: symbols -> bytes, -1 if they do not fit.
  LogicalResult createSizeFunction() {
    OpBuilder b(function.getContext());
    b.setInsertionPointAfter(function);
    Type i64 = b.getI64Type();
    SmallVector<Type> inputs(signature.symbols.size(), b.getIndexType());
    auto size = func::FuncOp::create(
        b, function.getLoc(), (function.getName() + kWorkspaceSuffix).str(),
        b.getFunctionType(inputs, i64));
    size.setPrivate();
    Block *entry = size.addEntryBlock();
    b.setInsertionPointToStart(entry);
    SizeSlice slice(function, signature, entry->getArguments());
    FailureOr<SmallVector<Value>> offsets = emitOffsets(b, slice);
    if (failed(offsets))
      return failure();
    Value invalid =
        arith::ConstantOp::create(b, size.getLoc(), b.getI64IntegerAttr(-1));
    Value bytes = offsets->back();
    if (overflow)
      bytes =
          arith::SelectOp::create(b, size.getLoc(), overflow, invalid, bytes);
    func::ReturnOp::create(b, size.getLoc(), bytes);
    return success();
  }

  /// Replaces each alloc by a view of `workspace`.
  void replaceAllocs(Value workspace) {
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    SizeSlice slice(
        function, signature,
        body.getArguments().slice(kFirstSymbol, signature.symbols.size()));
    FailureOr<SmallVector<Value>> offsets = emitOffsets(b, slice);
    assert(succeeded(offsets) && "the same sizes as in F.workspace");
    for (auto [place, offset] : llvm::zip(places, *offsets))
      for (memref::AllocOp alloc : place.members) {
        b.setInsertionPoint(alloc);
        Value shift = arith::IndexCastOp::create(b, alloc.getLoc(),
                                                 b.getIndexType(), offset);
        Value view =
            memref::ViewOp::create(b, alloc.getLoc(), alloc.getType(),
                                   workspace, shift, alloc.getDynamicSizes());
        alloc.replaceAllUsesWith(view);
        alloc.erase();
      }
  }

  unsigned numBuffers() const { return buffers.size(); }
  unsigned numPlaces() const { return places.size(); }

private:
  LogicalResult addBuffer(memref::AllocOp alloc) {
    if (!alloc.getType().getLayout().isIdentity() ||
        !alloc.getSymbolOperands().empty())
      return alloc.emitError("cannot be placed in the workspace: its layout is "
                             "not the identity");
    unsigned at = position.lookup(body.findAncestorOpInBlock(*alloc));
    Buffer buffer{alloc, at, at};
    SmallVector<Value> aliases{alloc};
    DenseSet<Value> seen{alloc};
    auto alias = [&](Value value) {
      if (isa<MemRefType>(value.getType()) && seen.insert(value).second)
        aliases.push_back(value);
    };
    while (!aliases.empty()) {
      Value value = aliases.pop_back_val();
      for (OpOperand &use : value.getUses()) {
        Operation *user = use.getOwner();
        unsigned where = position.lookup(body.findAncestorOpInBlock(*user));
        buffer.last = std::max(buffer.last, where);
        // A buffer that a loop's body allocates and passes on is one of its
        // own in each iteration, which no fixed place can be.
        Operation *parent = user->getParentOp();
        if (user->hasTrait<OpTrait::IsTerminator>() &&
            isa<LoopLikeOpInterface>(parent) && parent->isProperAncestor(alloc))
          return alloc.emitError(
              "is allocated in each iteration of a loop and outlives it");
        llvm::for_each(getAliases(use), alias);
      }
    }
    buffers.push_back(buffer);
    return success();
  }

  /// Puts a buffer where a place is free, one of the same sizes if there is
  /// one.
  void assign(Buffer &buffer) {
    Place *free = nullptr;
    for (Place &place : places) {
      if (!share || place.last >= buffer.first)
        continue;
      bool same = place.members.front().getType() == buffer.alloc.getType() &&
                  llvm::equal(place.members.front().getDynamicSizes(),
                              buffer.alloc.getDynamicSizes());
      if (!free || same)
        free = &place;
      if (same)
        break;
    }
    if (!free) {
      places.push_back({{}, 0});
      free = &places.back();
    }
    free->members.push_back(buffer.alloc);
    free->last = buffer.last;
  }

  /// Bytes of an allocation as i64; `overflow` collects what does not fit.
  FailureOr<Value> emitBytes(OpBuilder &b, SizeSlice &slice,
                             memref::AllocOp alloc) {
    Location loc = alloc.getLoc();
    MemRefType type = alloc.getType();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
    };
    std::optional<int64_t> known = getStaticBytes(type);
    if (!known)
      return alloc.emitError()
             << "is too large for any memory: " << type.getElementType()
             << " of [" << type.getShape() << "]";
    Value bytes = constant(*known);
    for (Value size : alloc.getDynamicSizes()) {
      FailureOr<Value> cloned = slice.clone(b, size);
      if (failed(cloned))
        return alloc.emitError("has a size that does not follow from the "
                               "dimensions of the entry's arguments");
      Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), *cloned);
      auto product = arith::MulUIExtendedOp::create(b, loc, bytes, wide);
      bytes = product.getLow();
      addOverflow(b, loc,
                  arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                        product.getHigh(), constant(0)));
    }
    addTooLarge(b, loc, bytes);
    Value padded =
        arith::AddIOp::create(b, loc, bytes, constant(MOERT_ALIGNMENT - 1));
    return arith::AndIOp::create(b, loc, padded,
                                 constant(-int64_t(MOERT_ALIGNMENT)))
        .getResult();
  }

  void addOverflow(OpBuilder &b, Location loc, Value condition) {
    overflow =
        overflow ? arith::OrIOp::create(b, loc, overflow, condition).getResult()
                 : condition;
  }

  void addTooLarge(OpBuilder &b, Location loc, Value bytes) {
    Value limit = arith::ConstantOp::create(
        b, loc, b.getI64IntegerAttr(int64_t(1) << 60));
    addOverflow(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, bytes, limit));
  }

  /// Offset of each place in bytes, then the sum of all.
  FailureOr<SmallVector<Value>> emitOffsets(OpBuilder &b, SizeSlice &slice) {
    overflow = {};
    Location loc = function.getLoc();
    SmallVector<Value> offsets{
        arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0))};
    for (Place &place : places) {
      Value size;
      for (memref::AllocOp alloc : place.members) {
        FailureOr<Value> bytes = emitBytes(b, slice, alloc);
        if (failed(bytes))
          return failure();
        size = size ? arith::MaxUIOp::create(b, loc, size, *bytes).getResult()
                    : *bytes;
      }
      offsets.push_back(arith::AddIOp::create(b, loc, offsets.back(), size));
      addTooLarge(b, loc, offsets.back());
    }
    return offsets;
  }

  func::FuncOp function;
  const EntrySignature &signature;
  Block &body;
  bool share;
  DenseMap<Operation *, unsigned> position;
  SmallVector<Buffer> buffers;
  SmallVector<Place> places;
  Value overflow;
};

struct PlanWorkspacePass : moe::impl::MoEPlanWorkspaceBase<PlanWorkspacePass> {
  using MoEPlanWorkspaceBase::MoEPlanWorkspaceBase;

  /// Plans F, or F.prepare with an empty signature: it has no symbols.
  LogicalResult plan(func::FuncOp function, const EntrySignature &signature) {
    Planner planner(function, signature, share);
    if (failed(planner.analyse()) || failed(planner.createSizeFunction()))
      return failure();
    Block &body = function.getBody().front();
    Builder b(&getContext());
    Value workspace =
        body.addArgument(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
                         function.getLoc());
    planner.replaceAllocs(workspace);
    function.setType(b.getFunctionType(body.getArgumentTypes(), {}));
    numBuffers += planner.numBuffers();
    numPlaces += planner.numPlaces();
    return success();
  }

  void runOnOperation() override {
    for (func::FuncOp entry : getEntries(getOperation())) {
      FailureOr<LoweredEntry> lowered =
          LoweredEntry::of(entry, /*planned=*/false);
      if (failed(lowered) || failed(plan(entry, lowered->signature)) ||
          failed(plan(lowered->prepare, EntrySignature())))
        return signalPassFailure();
    }
  }
};

} // namespace
