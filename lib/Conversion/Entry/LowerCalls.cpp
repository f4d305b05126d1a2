//===- LowerCalls.cpp - kernels that are functions of the runtime ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moe {
#define GEN_PASS_DEF_MOELOWERCALLS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {
struct LowerCallsPass : moe::impl::MoELowerCallsBase<LowerCallsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    WalkResult result = module.walk([&](moek::AssignOp op) {
      for (Value operand : op->getOperands()) {
        auto type = cast<MemRefType>(operand.getType());
        if (!type.areTrailingDimsContiguous(type.getRank())) {
          op.emitError("operand ") << type << " is not contiguous";
          return WalkResult::interrupt();
        }
      }
      lower(module, op);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// moert_assign(context, scores, capacity, member, n, experts, exact)
  static void lower(ModuleOp module, moek::AssignOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value scores = op.getScores();
    auto size = [&](int64_t dim) -> Value {
      return arith::IndexCastOp::create(b, b.getI64Type(),
                                        memref::DimOp::create(b, scores, dim));
    };
    Value exact =
        arith::ConstantOp::create(b, b.getI32IntegerAttr(op.getExact()));
    bool f64 = cast<MemRefType>(scores.getType()).getElementType().isF64();
    callRuntime(b, module, f64 ? "moert_assign_f64" : "moert_assign", Type(),
                {op->getParentOfType<func::FuncOp>().getArgument(0),
                 elementAddress(b, scores), elementAddress(b, op.getCapacity()),
                 elementAddress(b, op.getMember()), size(0), size(1), exact});
    op.erase();
  }
};
} // namespace
