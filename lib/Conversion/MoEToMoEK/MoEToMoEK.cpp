//===- MoEToMoEK.cpp - experts as kernels ---------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/Activation.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"
#include "moe/Dialect/MoEK/Utils/GemmParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTMOETOMOEK
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// True if sums over these operands and results run in f32; else says so.
LogicalResult sumsInF32(PatternRewriter &rewriter, Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  if (getAccumulatorType(types).isF32())
    return success();
  return rewriter.notifyMatchFailure(op, "it sums in f64");
}

/// Reports offsets that nothing vouches for.
void checkOffsets(TensorBuilder &b, Value offsets, Value rows, StringRef what) {
  if (offsets && !offsets.getDefiningOp<GroupOp>())
    moek::CheckOffsetsOp::create(b, offsets, b.dim(rows, 0), what);
}

struct ConvertGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  ConvertGroupedMatmul(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}
  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(sumsInF32(rewriter, op)))
      return failure();
    TensorBuilder b(op.getLoc(), rewriter);
    checkOffsets(b, op.getOffsets(), op.getRows(),
                 "offsets of moe.grouped_matmul");
    Type element = getElementTypeOrSelf(op.getType());
    GemmParts gemm;
    gemm.a = op.getRows();
    gemm.offsets = op.getOffsets();
    gemm.weights = {op.getWeights()};
    gemm.init =
        b.empty({b.size(op.getRows(), 0), b.size(op.getWeights(), 2)}, element);
    Value result =
        gemm.build(b, [&](ValueRange sums, ValueRange,
                          Value) { return b.convertFloat(sums[0], element); })
            .getResult()[0];
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

/// Two gemms: gate and up with everything between them as the epilogue, then
/// down with its bias.
struct ConvertExpertFFN : OpRewritePattern<ExpertFFNOp> {
  ConvertExpertFFN(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}

  /// Adds a bias as an extra: [E,n] by group and column, [n] by column.
  static void addBias(GemmParts &gemm, Value bias) {
    if (!bias)
      return;
    bool grouped = cast<RankedTensorType>(bias.getType()).getRank() == 2;
    MLIRContext *context = bias.getContext();
    // Not by addExtra: gate and up may have the same bias, and each is read.
    gemm.extras.push_back(
        {bias, grouped ? extraMap(context, {0, 2}) : extraMap(context, {2})});
  }

  /// The hidden element from accumulators and the biases there are.
  static Value emitHidden(TensorBuilder &b, ExpertFFNOp op, ValueRange sums,
                          ValueRange biases) {
    Type f32 = b.getF32Type();
    bool gated = static_cast<bool>(op.getGate());
    Value gate = gated ? sums[0] : Value(), up = sums.back();
    auto addTo = [&](Value sum, Value bias) -> Value {
      if (!bias)
        return sum;
      Value element = b.convertFloat(biases.front(), f32);
      biases = biases.drop_front();
      return arith::AddFOp::create(b, sum, element);
    };
    gate = addTo(gate, op.getGateBias());
    up = addTo(up, op.getUpBias());
    auto clamp = [&](Value x, bool below) -> Value {
      if (!op.getLimit())
        return x;
      double limit = op.getLimit()->convertToDouble();
      x = arith::MinimumFOp::create(b, x, b.floatConstant(f32, limit));
      if (below)
        x = arith::MaximumFOp::create(b, x, b.floatConstant(f32, -limit));
      return x;
    };
    double alpha = op.getAlpha() ? op.getAlpha()->convertToDouble() : 1.0;
    if (!gated)
      return emitActivation(b, op.getActivation(), clamp(up, true), alpha);
    Value left =
        emitActivation(b, op.getActivation(), clamp(gate, false), alpha);
    Value right = clamp(up, true);
    if (op.getUpOffset())
      right = arith::AddFOp::create(
          b, right, b.floatConstant(f32, op.getUpOffset()->convertToDouble()));
    return arith::MulFOp::create(b, left, right);
  }

  LogicalResult matchAndRewrite(ExpertFFNOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(sumsInF32(rewriter, op)))
      return failure();
    TensorBuilder b(op.getLoc(), rewriter);
    checkOffsets(b, op.getOffsets(), op.getRows(), "offsets of moe.expert_ffn");
    int64_t last = cast<RankedTensorType>(op.getUp().getType()).getRank() - 1;
    OpFoldResult rows = b.size(op.getRows(), 0);
    Type stored = getElementTypeOrSelf(op.getRows());
    GemmParts first;
    first.a = op.getRows();
    first.offsets = op.getOffsets();
    if (op.getGate())
      first.weights.push_back(op.getGate());
    first.weights.push_back(op.getUp());
    addBias(first, op.getGateBias());
    addBias(first, op.getUpBias());
    first.init = b.empty({rows, b.size(op.getUp(), last)}, stored);
    auto hidden =
        first.build(b, [&](ValueRange sums, ValueRange biases, Value) -> Value {
          return b.convertFloat(emitHidden(b, op, sums, biases), stored);
        });

    Type element = getElementTypeOrSelf(op.getType());
    GemmParts second;
    second.a = hidden.getResult()[0];
    second.offsets = op.getOffsets();
    second.weights = {op.getDown()};
    addBias(second, op.getDownBias());
    second.init = b.empty({rows, b.size(op.getDown(), last)}, element);
    auto result = second.build(
        b, [&](ValueRange sums, ValueRange biases, Value) -> Value {
          Value sum = sums[0];
          if (!biases.empty())
            sum = arith::AddFOp::create(
                b, sum, b.convertFloat(biases[0], b.getF32Type()));
          return b.convertFloat(sum, element);
        });
    rewriter.replaceOp(op, b.cast(result.getResult()[0], op.getType()));
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

struct ConvertMoEToMoEKPass
    : moe::impl::ConvertMoEToMoEKBase<ConvertMoEToMoEKPass> {
  using ConvertMoEToMoEKBase::ConvertMoEToMoEKBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertGroupedMatmul>(&getContext(), numProducts);
    patterns.add<ConvertExpertFFN>(&getContext(), numFFNs);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](Operation *op) {
      if (isa<GroupedMatmulOp, ExpertFFNOp>(op))
        remark::missed(op->getLoc(), remark::RemarkOpts::name("no kernel")
                                         .category("convert-moe-to-moek"))
            << "it sums in f64";
    });
  }
};

} // namespace
