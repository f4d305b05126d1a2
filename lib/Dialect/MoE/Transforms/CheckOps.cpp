//===- CheckOps.cpp - ops that the pipelines cannot lower -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

namespace moe {
#define GEN_PASS_DEF_MOECHECKOPS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {
struct CheckOpsPass : moe::impl::MoECheckOpsBase<CheckOpsPass> {
  /// Emits an error for an op of a dialect that a layer cannot use.
  static LogicalResult checkDialect(Operation *op) {
    if (isa_and_present<MoEDialect, moek::MoEKDialect, affine::AffineDialect,
                        arith::ArithDialect,
                        bufferization::BufferizationDialect, func::FuncDialect,
                        index::IndexDialect, linalg::LinalgDialect,
                        math::MathDialect, scf::SCFDialect,
                        tensor::TensorDialect, ub::UBDialect>(
            op->getDialect()) &&
        !isa<tensor::GatherOp, tensor::ScatterOp,
             linalg::WinogradFilterTransformOp,
             linalg::WinogradInputTransformOp,
             linalg::WinogradOutputTransformOp>(op))
      return success();
    return op->emitOpError(
        "cannot be compiled; a layer consists of ops of moe, "
        "func, linalg, tensor, arith, math, scf and index");
  }

  /// Emits an error for a value that is neither a number nor a ranked tensor of
  /// numbers.
  static LogicalResult checkTypes(Operation *op, TypeRange types) {
    for (Type type : types) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if ((tensor ? tensor.getElementType() : type).isIntOrIndexOrFloat())
        continue;
      return op->emitOpError("has a value of type ")
             << type
             << ", which cannot be compiled; expected numbers and ranked "
                "tensors of numbers";
    }
    return success();
  }

  /// The same for the calls, blocks and regions of an entry.
  static LogicalResult checkControlFlow(Operation *op) {
    if (isa<CallOpInterface>(op))
      return op->emitOpError(
          "was not inlined (a recursive call, or one of a "
          "function without a body), so it cannot be compiled");
    for (Region &region : op->getRegions()) {
      if (!region.empty() && !region.hasOneBlock())
        return op->emitOpError(
            "has a region of several blocks, which cannot be "
            "compiled; use scf.if, scf.for or scf.while");
      for (Block &block : region)
        if (failed(checkTypes(op, block.getArgumentTypes())))
          return failure();
    }
    return success();
  }

  void runOnOperation() override {
    for (Operation &top : *getOperation().getBody()) {
      auto function = dyn_cast<func::FuncOp>(top);
      if (!function) {
        top.emitOpError("cannot be compiled; a module consists of functions");
        return signalPassFailure();
      }
      if (function.isExternal())
        continue;
      WalkResult walked =
          function.walk<WalkOrder::PreOrder>([&](Operation *op) {
            if (op != function &&
                (failed(checkDialect(op)) ||
                 failed(checkTypes(op, op->getResultTypes()))))
              return WalkResult::interrupt();
            // The signature of the function itself has an error of its own.
            return WalkResult(op == function && function.getBody().hasOneBlock()
                                  ? success()
                                  : checkControlFlow(op));
          });
      if (walked.wasInterrupted())
        return signalPassFailure();
    }
  }
};
} // namespace
