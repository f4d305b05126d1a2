//===- MoEToLinalg.cpp - every moe op as linalg and plain loops -----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTMOETOLINALG
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

SmallVector<OpFoldResult> moe::reifyResult(OpBuilder &builder,
                                           OpResult result) {
  ReifiedRankedShapedTypeDims shapes;
  auto op = cast<ReifyRankedShapedTypeOpInterface>(result.getOwner());
  LogicalResult reified = op.reifyResultShapes(builder, shapes);
  assert(succeeded(reified) && "ops of the dialect know their shapes");
  (void)reified;
  return shapes[result.getResultNumber()];
}

Value moe::isInRange(TensorBuilder &b, Value value, Value lower, Value upper) {
  Value above =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, value, lower);
  Value below =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, upper);
  return arith::AndIOp::create(b, above, below);
}

Value moe::branch(TensorBuilder &b, Value condition,
                  llvm::function_ref<Value()> then, Value otherwise) {
  auto guarded = [&](llvm::function_ref<Value()> value) {
    return [&b, value](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
      Value result = value();
      scf::YieldOp::create(b, result);
    };
  };
  return scf::IfOp::create(b, condition, guarded(then),
                           guarded([&] { return otherwise; }))
      .getResult(0);
}

namespace {
struct ConvertMoEToLinalgPass
    : moe::impl::ConvertMoEToLinalgBase<ConvertMoEToLinalgPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposePatterns(patterns);
    populateRoutingPatterns(patterns);
    populateGroupingPatterns(patterns);
    populateExpertPatterns(patterns);
    populateDagPatterns(patterns);
    populateLoopPatterns(patterns);
    populateTransportPatterns(patterns);
    populateQuantPatterns(patterns);
    ConversionTarget target(getContext());
    target.addIllegalDialect<MoEDialect>();
    // A loop knows the sizes of its state as long as it is one:
    // moe-loop-to-scf.
    target.addLegalOp<LoopOp, YieldOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
