//===- RequireShapes.cpp - sizes that must agree at the call --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOEREQUIRESHAPES
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Requires sizes of one op to be equal.
class Requirements {
public:
  explicit Requirements(Operation *op) : op(op), b(op->getLoc(), op) {}

  /// Size of dimension `dim` of operand `value`.
  OpFoldResult size(Value value, unsigned dim) { return b.size(value, dim); }

  /// Requires a == b unless both are static: those the verifier compares.
  void equal(OpFoldResult a, OpFoldResult c) {
    if (a == c || (getConstantIntValue(a) && getConstantIntValue(c)))
      return;
    moek::RequireOp::create(b, b.materialize(a), moek::Relation::eq,
                            b.materialize(c),
                            ("sizes of " + op->getName().getStringRef()).str());
  }

  /// Requires the shapes of two tensors to be equal; null ones are skipped.
  void equalShapes(Value a, Value c) {
    if (!a || !c)
      return;
    unsigned rank = cast<RankedTensorType>(a.getType()).getRank();
    for (unsigned dim = 0; dim < rank; ++dim)
      equal(size(a, dim), size(c, dim));
  }

private:
  Operation *op;
  TensorBuilder b;
};

/// Operands of a linalg op that one loop runs over have one size.
void requireLinalg(linalg::LinalgOp op) {
  Requirements requirements(op);
  SmallVector<OpFoldResult> loops(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (!loop)
        continue;
      OpFoldResult size = requirements.size(operand.get(), dim);
      OpFoldResult &first = loops[loop.getPosition()];
      if (!first)
        first = size;
      else
        requirements.equal(first, size);
    }
  }
}

/// Operands of a moe op that share a named size, by the op's constraints.
void requireOperands(Operation *op) {
  Requirements requirements(op);
  if (auto route = dyn_cast<RouteOp>(op))
    requirements.equalShapes(route.getLogits(), route.getKeys());
  else if (auto topK = dyn_cast<TopKOp>(op))
    requirements.equalShapes(topK.getKeys(), topK.getValues());
  else if (auto combine = dyn_cast<CombineOp>(op))
    requirements.equalShapes(combine.getSlotRow(), combine.getWeights());
}

/// A static size of a result that the operands do not imply.
void requireResults(ReifyRankedShapedTypeOpInterface op) {
  ReifiedRankedShapedTypeDims shapes;
  OpBuilder builder(op);
  if (failed(op.reifyResultShapes(builder, shapes)))
    return;
  Requirements requirements(op);
  for (auto [result, shape] : llvm::zip_equal(op->getResults(), shapes))
    for (auto [dim, size] : llvm::enumerate(shape)) {
      int64_t declared = cast<RankedTensorType>(result.getType()).getDimSize(dim);
      if (!ShapedType::isDynamic(declared))
        requirements.equal(size, builder.getIndexAttr(declared));
    }
}

struct RequireShapesPass
    : moe::impl::MoERequireShapesBase<RequireShapesPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
        requireLinalg(linalgOp);
      if (!isa<MoEDialect>(op->getDialect()))
        return;
      requireOperands(op);
      if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op))
        requireResults(reify);
    });
  }
};

} // namespace
