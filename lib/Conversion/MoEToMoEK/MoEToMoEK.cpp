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

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTMOETOMOEK
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// An operand of an epilogue besides the accumulators.
struct Extra {
  Value value;
  AffineMap map;
};

/// Builds a gemm. `body` gets the accumulators (f32), the extras' elements and
/// the old element, and returns the new one.
Value buildGemm(TensorBuilder &b, Value rows, Value offsets,
                ArrayRef<Value> weights, ArrayRef<Extra> extras, Value init,
                bool transposed,
                llvm::function_ref<Value(TensorBuilder &, ValueRange)> body) {
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Extra &extra : extras) {
    operands.push_back(extra.value);
    maps.push_back(extra.map);
  }
  auto gemm = moek::GemmOp::create(
      b, TypeRange{init.getType()}, rows, /*rows=*/Value(), offsets, weights,
      operands, init, /*out_rows=*/Value(), /*slots=*/1, /*out_slots=*/1,
      maps.empty() ? ArrayAttr() : b.getAffineMapArrayAttr(maps),
      moek::LayoutAttr(), transposed);
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&gemm.getEpilogue());
  for (size_t i = 0; i < weights.size(); ++i)
    block->addArgument(b.getF32Type(), b.getLoc());
  for (const Extra &extra : extras)
    block->addArgument(getElementTypeOrSelf(extra.value), b.getLoc());
  block->addArgument(getElementTypeOrSelf(init), b.getLoc());
  Value result = body(b, block->getArguments());
  moek::YieldOp::create(b, result);
  return gemm.getResult()[0];
}

/// True if sums over these operands and results run in f32.
bool sumsInF32(Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  return getAccumulatorType(types).isF32();
}

/// Reports offsets that nothing vouches for.
void checkOffsets(TensorBuilder &b, Value offsets, Value rows, StringRef what) {
  if (offsets && !offsets.getDefiningOp<GroupOp>())
    moek::CheckOffsetsOp::create(b, offsets, b.dim(rows, 0), what);
}

struct ConvertGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GroupedMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!sumsInF32(op))
      return rewriter.notifyMatchFailure(op, "sums in f64");
    TensorBuilder b(op.getLoc(), rewriter);
    checkOffsets(b, op.getOffsets(), op.getRows(),
                 "offsets of moe.grouped_matmul");
    Type element = getElementTypeOrSelf(op.getType());
    TensorBuilder::Sizes sizes{b.size(op.getRows(), 0),
                               b.size(op.getWeights(), 2)};
    Value result =
        buildGemm(b, op.getRows(), op.getOffsets(), {op.getWeights()}, {},
                  b.empty(sizes, element), /*transposed=*/false,
                  [&](TensorBuilder &body, ValueRange args) {
                    return body.convertFloat(args[0], element);
                  });
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

/// Two gemms: gate and up with everything between them as the epilogue, then
/// down with its bias.
struct ConvertExpertFFN : OpRewritePattern<ExpertFFNOp> {
  using OpRewritePattern::OpRewritePattern;

  /// A bias as an extra: [E,n] by group and column, [n] by column.
  static void addBias(SmallVectorImpl<Extra> &extras, Value bias) {
    if (!bias)
      return;
    MLIRContext *context = bias.getContext();
    AffineExpr g = getAffineDimExpr(0, context),
               n = getAffineDimExpr(2, context);
    bool grouped = cast<RankedTensorType>(bias.getType()).getRank() == 2;
    extras.push_back({bias, grouped ? AffineMap::get(3, 0, {g, n}, context)
                                    : AffineMap::get(3, 0, {n}, context)});
  }

  /// The hidden element from accumulators and biases, in that order.
  static Value emitHidden(TensorBuilder &b, ExpertFFNOp op, ValueRange args) {
    Type f32 = b.getF32Type();
    bool gated = static_cast<bool>(op.getGate());
    Value gate = gated ? args[0] : Value(), up = args[gated ? 1 : 0];
    args = args.drop_front(gated ? 2 : 1);
    auto addTo = [&](Value sum, Value bias) -> Value {
      if (!bias)
        return sum;
      Value element = b.convertFloat(args.front(), f32);
      args = args.drop_front();
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
    if (!sumsInF32(op))
      return rewriter.notifyMatchFailure(op, "sums in f64");
    TensorBuilder b(op.getLoc(), rewriter);
    checkOffsets(b, op.getOffsets(), op.getRows(), "offsets of moe.expert_ffn");
    int64_t last = cast<RankedTensorType>(op.getUp().getType()).getRank() - 1;
    OpFoldResult rows = b.size(op.getRows(), 0);
    Type stored = getElementTypeOrSelf(op.getRows());
    SmallVector<Value> weights;
    SmallVector<Extra> biases;
    if (op.getGate())
      weights.push_back(op.getGate());
    weights.push_back(op.getUp());
    addBias(biases, op.getGateBias());
    addBias(biases, op.getUpBias());
    Value hidden = buildGemm(
        b, op.getRows(), op.getOffsets(), weights, biases,
        b.empty({rows, b.size(op.getUp(), last)}, stored), /*transposed=*/false,
        [&](TensorBuilder &body, ValueRange args) {
          return body.convertFloat(emitHidden(body, op, args), stored);
        });

    Type element = getElementTypeOrSelf(op.getType());
    SmallVector<Extra> downBias;
    addBias(downBias, op.getDownBias());
    Value result = buildGemm(
        b, hidden, op.getOffsets(), {op.getDown()}, downBias,
        b.empty({rows, b.size(op.getDown(), last)}, element),
        /*transposed=*/false, [&](TensorBuilder &body, ValueRange args) {
          Value sum = args[0];
          if (!downBias.empty())
            sum = arith::AddFOp::create(
                body, sum, body.convertFloat(args[1], body.getF32Type()));
          return body.convertFloat(sum, element);
        });
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

/// linalg.matmul with static width, its second operand as it lies or
/// transposed.
struct RaiseMatmul : OpRewritePattern<linalg::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Whether the second operand is [N,K]; nothing if the maps are not those of
  /// a product of rows.
  static std::optional<bool> isTransposed(linalg::MatmulOp op) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    Builder b(op.getContext());
    AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1),
               k = b.getAffineDimExpr(2);
    auto map = [&](AffineExpr first, AffineExpr second) {
      return AffineMap::get(3, 0, {first, second}, op.getContext());
    };
    if (maps[0] != map(m, k) || maps[2] != map(m, n))
      return std::nullopt;
    if (maps[1] == map(k, n))
      return false;
    if (maps[1] == map(n, k))
      return true;
    return std::nullopt;
  }

  LogicalResult matchAndRewrite(linalg::MatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Value left = op.getInputs()[0], right = op.getInputs()[1],
          init = op.getOutputs()[0];
    for (Value value : {left, right, init})
      if (!isa<Float32Type, BFloat16Type, Float16Type>(
              getElementTypeOrSelf(value)))
        return rewriter.notifyMatchFailure(op, "not f32, bf16 or f16");
    std::optional<bool> transposed = isTransposed(op);
    if (!transposed)
      return rewriter.notifyMatchFailure(op, "not a product of rows");
    auto rightType = cast<RankedTensorType>(right.getType());
    auto leftType = cast<RankedTensorType>(left.getType());
    auto initType = cast<RankedTensorType>(init.getType());
    if (!rightType.hasStaticShape() || leftType.isDynamicDim(1) ||
        initType.isDynamicDim(1) || llvm::is_contained(rightType.getShape(), 0))
      return rewriter.notifyMatchFailure(op, "widths are dynamic");
    TensorBuilder b(op.getLoc(), rewriter);
    Type element = initType.getElementType();
    auto fill = init.getDefiningOp<linalg::FillOp>();
    bool fromZero = fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
    Value destination = fromZero ? b.empty(b.sizes(init), element) : init;
    Value result = buildGemm(
        b, left, Value(), {right}, {}, destination, *transposed,
        [&](TensorBuilder &body, ValueRange args) {
          Value sum = args[0];
          if (!fromZero)
            sum = arith::AddFOp::create(
                body, body.convertFloat(args[1], body.getF32Type()), sum);
          return body.convertFloat(sum, element);
        });
    rewriter.replaceOp(op, b.cast(result, initType));
    return success();
  }
};

struct ConvertMoEToMoEKPass
    : moe::impl::ConvertMoEToMoEKBase<ConvertMoEToMoEKPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertGroupedMatmul, ConvertExpertFFN, RaiseMatmul>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
