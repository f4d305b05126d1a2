//===- GuardData.cpp - keep data from leading out of bounds ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Index/IR/IndexOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace moe {
#define GEN_PASS_DEF_MOEGUARDDATA
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

/// True if 0 <= index < size of dimension `dim` of `tensor` is certain.
static bool isInBounds(Value index, Value tensor, int64_t dim) {
  using Bounds = ValueBoundsConstraintSet;
  Builder b(index.getContext());
  Bounds::Variable position(index), zero(b.getIndexAttr(0)), size(tensor, dim);
  return Bounds::compare(position, Bounds::ComparisonOperator::GE, zero) &&
         Bounds::compare(position, Bounds::ComparisonOperator::LT, size);
}

/// True if the indices of `op` are in bounds, where that is not certain;
/// reports the others. Null if it is certain.
static Value emitInBounds(ImplicitLocOpBuilder &b, Operation *op, Value tensor,
                          ValueRange indices) {
  Value all;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (isInBounds(index, tensor, dim))
      continue;
    Value size = tensor::DimOp::create(b, tensor, dim);
    moek::CheckIndexOp::create(
        b, index, size, ("index of " + op->getName().getStringRef()).str());
    Value inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, size);
    all = all ? arith::AndIOp::create(b, all, inside).getResult() : inside;
  }
  return all;
}

/// Moves `op` into a branch that is taken if `condition` holds; else its result
/// is `otherwise`.
static void guard(ImplicitLocOpBuilder &b, Operation *op, Value condition,
                  Value otherwise) {
  auto branch = scf::IfOp::create(b, op->getResultTypes(), condition,
                                  /*withElseRegion=*/true);
  op->replaceAllUsesWith(branch);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, otherwise);
  b.setInsertionPointToStart(branch.thenBlock());
  auto yield = scf::YieldOp::create(b, op->getResults());
  op->moveBefore(yield);
}

namespace {
struct GuardDataPass : moe::impl::MoEGuardDataBase<GuardDataPass> {
  void guardIndices(tensor::ExtractOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value inside = emitInBounds(b, op, op.getTensor(), op.getIndices());
    if (!inside)
      return;
    TypedAttr zero = b.getZeroAttr(op.getType());
    guard(b, op, inside, arith::ConstantOp::create(b, zero));
    ++numIndices;
  }

  void guardIndices(tensor::InsertOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value inside = emitInBounds(b, op, op.getDest(), op.getIndices());
    if (!inside)
      return;
    guard(b, op, inside, op.getDest());
    ++numIndices;
  }

  /// Divides by 1 where the processor would trap.
  void guardDivision(Operation *op, bool isSigned) {
    Value dividend = op->getOperand(0), divisor = op->getOperand(1);
    APInt constant;
    bool isConstant = matchPattern(divisor, m_ConstantInt(&constant));
    if (isConstant && !constant.isZero() && !(isSigned && constant.isAllOnes()))
      return;
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Type type = divisor.getType();
    unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    auto integer = [&](const APInt &value) -> Value {
      return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
    };
    auto equal = [&](Value a, const APInt &value) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, a,
                                   integer(value));
    };
    Value traps = equal(divisor, APInt::getZero(width));
    if (isSigned) {
      Value overflows = arith::AndIOp::create(
          b, equal(dividend, APInt::getSignedMinValue(width)),
          equal(divisor, APInt::getAllOnes(width)));
      traps = arith::OrIOp::create(b, traps, overflows);
    }
    op->setOperand(1, arith::SelectOp::create(
                          b, traps, integer(APInt(width, 1)), divisor));
    ++numDivisions;
  }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (auto extract = dyn_cast<tensor::ExtractOp>(op))
        guardIndices(extract);
      else if (auto insert = dyn_cast<tensor::InsertOp>(op))
        guardIndices(insert);
      else if (isa<arith::DivSIOp, arith::RemSIOp, arith::CeilDivSIOp,
                   arith::FloorDivSIOp, index::DivSOp, index::RemSOp,
                   index::CeilDivSOp, index::FloorDivSOp>(op))
        guardDivision(op, /*isSigned=*/true);
      else if (isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp,
                   index::DivUOp, index::RemUOp, index::CeilDivUOp>(op))
        guardDivision(op, /*isSigned=*/false);
    }
  }
};
} // namespace
