//===- OpCosts.cpp - arithmetic of single ops -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpCosts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moe;

/// Operations of an activation function.
static double flopsOf(Activation activation) {
  switch (activation) {
  case Activation::none:
  case Activation::relu:
    return 0;
  case Activation::relu2:
    return 1;
  case Activation::silu:
  case Activation::sigmoid:
    return 4;
  case Activation::gelu:
    return 5;
  case Activation::gelu_tanh:
    return 9;
  }
  llvm_unreachable("covered switch");
}

/// Operations of a norm on each of its elements.
static double flopsOf(Norm norm) { return norm == Norm::layer ? 5 : 3; }

/// True for an op that counts: arithmetic whose result is a float.
static bool isArithmetic(Operation &op) {
  return op.getNumResults() == 1 && isa<FloatType>(op.getResult(0).getType()) &&
         !isa<arith::ConstantOp, arith::SelectOp, arith::ExtFOp,
              arith::TruncFOp, arith::MaximumFOp, arith::MinimumFOp,
              arith::MaxNumFOp, arith::MinNumFOp, arith::BitcastOp,
              arith::SIToFPOp, arith::UIToFPOp>(op) &&
         isa<arith::ArithDialect, math::MathDialect>(op.getDialect());
}

/// The loops of `op`, times what its body computes.
static std::optional<double> countLinalg(linalg::LinalgOp op,
                                         SizeEvaluator &sizes) {
  double operations = llvm::count_if(*op.getBlock(), isArithmetic);
  SmallVector<int64_t> loops(op.getNumLoops(), -1);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
        std::optional<int64_t> size = sizes.size(operand.get(), dim);
        if (!size)
          return std::nullopt;
        loops[loop.getPosition()] = *size;
      }
  }
  for (int64_t size : loops) {
    if (size < 0)
      return std::nullopt;
    operations *= size;
  }
  return operations;
}

namespace {
/// Counts one op of the dialect. Sizes that are not known make `known` false.
class Counter {
public:
  explicit Counter(SizeEvaluator &sizes) : sizes(sizes) {}
  bool known = true;

  double size(Value tensor, unsigned dim) {
    std::optional<int64_t> result = sizes.size(tensor, dim);
    known &= result.has_value();
    return result.value_or(0);
  }

  double count(RouteOp op) {
    double tokens = size(op.getLogits(), 0), experts = op.getNumExperts(),
           perExpert = (op.getScore() == Score::identity ? 0 : 4) +
                       (op.getBias() ? 1 : 0),
           perSlot = op.getScale() ? 1 : 0;
    if (op.getRule() == WeightRule::normalized)
      perSlot += 2;
    if (op.getRule() == WeightRule::softmax_selected)
      perSlot += 4;
    return tokens * (experts * perExpert + op.getNumSlots() * perSlot);
  }

  double count(CombineOp op) {
    return size(op.getSlotRow(), 0) * size(op.getSlotRow(), 1) *
           size(op.getRows(), 1) * (op.getWeights() ? 2 : 1);
  }

  double count(GroupedMatmulOp op) {
    return 2 * size(op.getRows(), 0) * size(op.getWeights(), 1) *
           size(op.getWeights(), 2);
  }

  double count(GroupedMatmulWgradOp op) {
    return 2 * size(op.getRows(), 0) * size(op.getRows(), 1) *
           size(op.getDrows(), 1);
  }

  double count(ExpertFFNOp op) {
    auto rank = cast<RankedTensorType>(op.getUp().getType()).getRank();
    double rows = size(op.getRows(), 0), in = size(op.getRows(), 1),
           hidden = size(op.getUp(), rank - 1),
           out = size(op.getDown(), rank - 1);
    double perHidden = 2 * in * (op.getGate() ? 2 : 1) +
                       flopsOf(op.getActivation()) + (op.getGate() ? 1 : 0) +
                       (op.getUpOffset() ? 1 : 0) + (op.getAlpha() ? 1 : 0) +
                       (op.getGateBias() ? 1 : 0) + (op.getUpBias() ? 1 : 0);
    return rows * (hidden * perHidden +
                   out * (2 * hidden + (op.getDownBias() ? 1 : 0)));
  }

  double count(DagAggregateOp op) {
    double slots = op.getNumSlots(), nodes = size(op.getSlots(), 0) * slots,
           width = size(op.getSlots(), 2), group = size(op.getDown(), 2);
    double message = flopsOf(op.getGate()) + 4 + (op.getEdges() ? 1 : 0);
    double step = width * (flopsOf(op.getNorm()) + 1) +
                  2 * group * (width + 4 * group + width) +
                  slots * group * message;
    double node =
        width * ((op.getWeights() ? 1 : 0) + (op.getResidual() ? 2 : 0) + 1);
    return nodes * (node + op.getDepth() * step);
  }

  double count(IterAdaLNOp op) {
    double tokens = size(op.getH(), 0), width = size(op.getH(), 1),
           codes = size(op.getV(), 0), parts = op.getAlpha() ? 3 : 2;
    return tokens * (codes * (2 * width + 1 + flopsOf(op.getAct())) +
                     parts * width * (2 * codes + 1) +
                     width * (flopsOf(op.getNorm()) + 3));
  }

  double count(SinkhornOp op) {
    double elements = size(op.getScores(), 0) * size(op.getScores(), 1);
    return elements * (4 + op.getIterations() * 2.0 * 5);
  }

  double count(IterEncodeOp op) { return 4 * size(op.getCode(), 0); }

private:
  SizeEvaluator &sizes;
};
} // namespace

std::optional<double> moe::countFlops(Operation *op, SizeEvaluator &sizes) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return countLinalg(linalgOp, sizes);
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
    double elements = 4;
    std::optional<SmallVector<int64_t>> shape = sizes.sizes(softmax.getInput());
    for (int64_t size : shape.value_or(SmallVector<int64_t>()))
      elements *= size;
    return shape ? std::optional(elements) : std::nullopt;
  }
  Counter counter(sizes);
  double flops =
      llvm::TypeSwitch<Operation *, double>(op)
          .Case<RouteOp, CombineOp, GroupedMatmulOp, GroupedMatmulWgradOp,
                ExpertFFNOp, DagAggregateOp, IterAdaLNOp, SinkhornOp,
                IterEncodeOp>([&](auto op) { return counter.count(op); })
          .Default([](Operation *op) { return isArithmetic(*op) ? 1.0 : 0.0; });
  return counter.known ? std::optional(flops) : std::nullopt;
}
