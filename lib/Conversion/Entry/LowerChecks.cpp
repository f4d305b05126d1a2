//===- LowerChecks.cpp - moek checks as calls of the runtime --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace moe {
#define GEN_PASS_DEF_MOELOWERCHECKS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Calls `check` on each contiguous run of a memref: (pointer, length).
void forEachRun(ImplicitLocOpBuilder &b, Value buffer,
                llvm::function_ref<void(Value, Value)> check) {
  auto type = cast<MemRefType>(buffer.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, buffer);
  Value base = arith::IndexCastOp::create(
      b, b.getI64Type(),
      memref::ExtractAlignedPointerAsIndexOp::create(b, buffer));
  Value bytes =
      arith::ConstantIndexOp::create(b, type.getElementTypeBitWidth() / 8);
  // Outer loops over what is not contiguous.
  int64_t rank = type.getRank();
  int64_t outer = type.getLayout().isIdentity() ? 0
                  : type.isLastDimUnitStride()  ? rank - 1
                                                : rank;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value offset = metadata.getOffset(), length = one;
  for (int64_t dim = outer; dim < rank; ++dim)
    length = arith::MulIOp::create(b, length, metadata.getSizes()[dim]);
  OpBuilder::InsertionGuard guard(b);
  for (int64_t dim = 0; dim < outer; ++dim) {
    Value size = metadata.getSizes()[dim];
    auto loop = scf::ForOp::create(b, zero, size, one);
    b.setInsertionPointToStart(loop.getBody());
    Value step = arith::MulIOp::create(b, loop.getInductionVar(),
                                       metadata.getStrides()[dim]);
    offset = arith::AddIOp::create(b, offset, step);
  }
  Value shift = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::MulIOp::create(b, offset, bytes));
  Value run = arith::AddIOp::create(b, base, shift);
  Value address = LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext()), run);
  check(address, arith::IndexCastOp::create(b, b.getI64Type(), length));
}

struct LowerChecksPass : moe::impl::MoELowerChecksBase<LowerChecksPass> {
  /// The context of the entry around `op`; emits an error and returns null if
  /// there is none, or if `checked` is no memref yet.
  static Value getContext(Operation *op, Value checked = {}) {
    auto function = op->getParentOfType<func::FuncOp>();
    if (!function || !function.getNumArguments() ||
        !isa<LLVM::LLVMPointerType>(function.getArgumentTypes().front())) {
      op->emitOpError("stands in no entry; run moe-entry first");
      return {};
    }
    if (checked && !isa<MemRefType>(checked.getType())) {
      op->emitOpError("works on a tensor still; bufferize first");
      return {};
    }
    return function.getArgument(0);
  }

  LogicalResult lower(moek::CheckIndicesOp op) {
    Value context = getContext(op, op.getIndices());
    if (!context)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), op);
    forEachRun(b, op.getIndices(), [&](Value address, Value length) {
      callRuntime(b, getOperation(), "moert_check_indices", Type(),
                  {context, address, length, i64(b, op.getLower()),
                   i64(b, op.getUpper()),
                   stringAddress(b, getOperation(), op.getWhat())});
    });
    op.erase();
    return success();
  }

  LogicalResult lower(moek::CheckOffsetsOp op) {
    Value context = getContext(op, op.getOffsets());
    if (!context)
      return failure();
    auto type = cast<MemRefType>(op.getOffsets().getType());
    if (!type.isLastDimUnitStride())
      return op.emitOpError("offsets with a stride cannot be checked");
    ImplicitLocOpBuilder b(op.getLoc(), op);
    forEachRun(b, op.getOffsets(), [&](Value address, Value length) {
      callRuntime(b, getOperation(), "moert_check_offsets", Type(),
                  {context, address, length, i64(b, op.getRows()),
                   stringAddress(b, getOperation(), op.getWhat())});
    });
    op.erase();
    return success();
  }

  LogicalResult lower(moek::CheckLimitOp op) {
    return lowerComparison(op, arith::CmpIPredicate::sgt, op.getValue(),
                           op.getLimit(), MOERT_TOO_LARGE, op.getWhat());
  }

  LogicalResult lower(moek::CheckIndexOp op) {
    return lowerComparison(op, arith::CmpIPredicate::uge, op.getIndex(),
                           op.getBound(), MOERT_INDEX_OUT_OF_RANGE,
                           op.getWhat());
  }

  /// Reports `status` if `value` `predicate` `limit`.
  LogicalResult lowerComparison(Operation *op, arith::CmpIPredicate predicate,
                                Value value, Value limit, MoertStatus status,
                                StringRef what) {
    Value context = getContext(op);
    if (!context)
      return failure();
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Value fails = arith::CmpIOp::create(b, predicate, value, limit);
    auto branch = scf::IfOp::create(b, fails, /*withElse=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    Value code = arith::ConstantOp::create(b, b.getI32IntegerAttr(status));
    callRuntime(b, getOperation(), "moert_fail", Type(),
                {context, code, stringAddress(b, getOperation(), what),
                 i64(b, value), i64(b, limit)});
    op->erase();
    return success();
  }

  static Value i64(ImplicitLocOpBuilder &b, Value value) {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  }

  void runOnOperation() override {
    WalkResult walked = getOperation().walk([&](Operation *op) {
      if (auto check = dyn_cast<moek::CheckIndicesOp>(op))
        return WalkResult(lower(check));
      if (auto check = dyn_cast<moek::CheckOffsetsOp>(op))
        return WalkResult(lower(check));
      if (auto check = dyn_cast<moek::CheckLimitOp>(op))
        return WalkResult(lower(check));
      if (auto check = dyn_cast<moek::CheckIndexOp>(op))
        return WalkResult(lower(check));
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
