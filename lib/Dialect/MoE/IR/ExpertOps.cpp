//===- ExpertOps.cpp - verifiers, shapes and folds of the expert ops ------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace moe;

/// Fails unless every dimension of `value` is static and at least 1.
static LogicalResult expectAllStatic(Operation *op, StringRef name,
                                     Value value) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim)
    if (failed(expectStatic(op, name, value, dim)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// grouped_matmul
//===----------------------------------------------------------------------===//

LogicalResult GroupedMatmulOp::verify() {
  // grouped_matmul_c1
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  // grouped_matmul_c2
  if (failed(expectAllStatic(*this, "weights", getWeights())))
    return failure();
  int64_t experts = dimSize(getWeights(), 0), out = dimSize(getWeights(), 2);
  if (failed(expectShape(*this, "weights", getWeights(),
                         {experts, dimSize(getRows(), 1), out})))
    return failure();
  // grouped_matmul_c3
  if (failed(expectOffsets(*this, getOffsets(), experts)))
    return failure();
  // grouped_matmul_c4
  if (failed(expectStatic(*this, "result", getResult(), 1)))
    return failure();
  return expectShape(*this, "result", getResult(),
                     {dimSize(getRows(), 0), out});
}

LogicalResult
GroupedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getRows(), 0),
             builder.getIndexAttr(dimSize(getWeights(), 2))}};
  return success();
}

//===----------------------------------------------------------------------===//
// expert_ffn
//===----------------------------------------------------------------------===//

LogicalResult ExpertFFNOp::verify() {
  // expert_ffn_c1
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  int64_t width = dimSize(getRows(), 1);
  bool grouped = static_cast<bool>(getOffsets());
  size_t rank = grouped ? 3 : 2;
  auto rankOf = [](Value value) {
    return static_cast<size_t>(
        cast<RankedTensorType>(value.getType()).getRank());
  };
  // expert_ffn_c2
  if (rankOf(getUp()) != rank)
    return emitOpError("up: expected rank ")
           << rank << (grouped ? " with" : " without") << " offsets, got "
           << getUp().getType();
  if (failed(expectAllStatic(*this, "up", getUp())))
    return failure();
  int64_t hidden = dimSize(getUp(), rank - 1);
  // Shapes of weights and biases are written without the expert dimension here.
  auto perExpert = [&](std::initializer_list<int64_t> shape) {
    SmallVector<int64_t> full;
    if (grouped)
      full.push_back(dimSize(getUp(), 0));
    full.append(shape);
    return full;
  };
  if (failed(expectShape(*this, "up", getUp(), perExpert({width, hidden}))))
    return failure();
  // expert_ffn_c3
  if (getGate() && (failed(expectShape(*this, "gate", getGate(),
                                       perExpert({width, hidden}))) ||
                    failed(expectAllStatic(*this, "gate", getGate()))))
    return failure();
  // expert_ffn_c4
  if (rankOf(getDown()) != rank)
    return emitOpError("down: expected rank ")
           << rank << (grouped ? " with" : " without") << " offsets, got "
           << getDown().getType();
  if (failed(expectAllStatic(*this, "down", getDown())))
    return failure();
  int64_t out = dimSize(getDown(), rank - 1);
  if (failed(expectShape(*this, "down", getDown(), perExpert({hidden, out}))))
    return failure();
  // expert_ffn_c5
  if (grouped &&
      failed(expectOffsets(*this, getOffsets(), dimSize(getUp(), 0))))
    return failure();
  // expert_ffn_c6
  for (auto [name, bias, size] :
       {std::tuple("gate bias", Value(getGateBias()), hidden),
        std::tuple("up bias", Value(getUpBias()), hidden),
        std::tuple("down bias", Value(getDownBias()), out)})
    if (bias && (failed(expectShape(*this, name, bias, perExpert({size}))) ||
                 failed(expectAllStatic(*this, name, bias))))
      return failure();
  // expert_ffn_c7
  if (!getGate() && getGateBias())
    return emitOpError("has a gate bias but no gate");
  if (!getGate() && getUpOffset())
    return emitOpError("up_offset needs a gate");
  // expert_ffn_c8
  if (std::optional<APFloat> alpha = getAlpha()) {
    if (getActivation() != Activation::silu)
      return emitOpError("alpha needs activation(silu), got activation(")
             << stringifyActivation(getActivation()) << ")";
    if (!alpha->isFinite())
      return emitOpError("alpha: expected a finite value, got ")
             << alpha->convertToDouble();
  }
  // expert_ffn_c9
  if (std::optional<APFloat> limit = getLimit())
    if (!(limit->convertToDouble() > 0))
      return emitOpError("limit: expected a value > 0, got ")
             << limit->convertToDouble();
  if (std::optional<APFloat> offset = getUpOffset())
    if (!offset->isFinite())
      return emitOpError("up_offset: expected a finite value, got ")
             << offset->convertToDouble();
  // expert_ffn_c10
  if (failed(expectStatic(*this, "result", getResult(), 1)))
    return failure();
  return expectShape(*this, "result", getResult(),
                     {dimSize(getRows(), 0), out});
}

LogicalResult
ExpertFFNOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getRows(), 0),
             builder.getIndexAttr(dimSize(getResult(), 1))}};
  return success();
}

namespace {
/// Drops alpha 1, up_offset 0 and limit inf.
struct DropNeutralFFNAttributes : OpRewritePattern<ExpertFFNOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ExpertFFNOp op,
                                PatternRewriter &rewriter) const override {
    bool one = op.getAlpha() && op.getAlpha()->isExactlyValue(1.0);
    bool zero = op.getUpOffset() && op.getUpOffset()->isZero();
    bool infinite = op.getLimit() && op.getLimit()->isInfinity();
    if (!one && !zero && !infinite)
      return rewriter.notifyMatchFailure(op, "no neutral attribute");
    rewriter.modifyOpInPlace(op, [&] {
      if (one)
        op.removeAlphaAttr();
      if (zero)
        op.removeUpOffsetAttr();
      if (infinite)
        op.removeLimitAttr();
    });
    return success();
  }
};
} // namespace

void ExpertFFNOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropNeutralFFNAttributes>(context);
}

//===----------------------------------------------------------------------===//
// grouped_matmul_wgrad
//===----------------------------------------------------------------------===//

LogicalResult GroupedMatmulWgradOp::verify() {
  // grouped_matmul_wgrad_c1
  if (failed(expectStatic(*this, "rows", getRows(), 1)))
    return failure();
  // grouped_matmul_wgrad_c2
  if (failed(expectStatic(*this, "drows", getDrows(), 1)) ||
      failed(expectShape(*this, "drows", getDrows(),
                         {dimSize(getRows(), 0), dimSize(getDrows(), 1)})))
    return failure();
  // grouped_matmul_wgrad_c3
  int64_t bounds = dimSize(getOffsets(), 0);
  if (ShapedType::isDynamic(bounds) || bounds < 2)
    return emitOpError("offsets: expected [E+1] with static E >= 1, got ")
           << getOffsets().getType();
  // grouped_matmul_wgrad_c4
  return expectStaticShape(
      *this, "result", getResult(),
      {bounds - 1, dimSize(getRows(), 1), dimSize(getDrows(), 1)});
}

LogicalResult
GroupedMatmulWgradOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes = {
      getAsIndexOpFoldResult(getContext(), getResult().getType().getShape())};
  return success();
}
