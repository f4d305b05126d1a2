//===- CheckOps.cpp - effects and bufferization of the checks -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StatusResource.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace moek;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

bool moek::hasNoEffectButStatus(Operation *op) {
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
      getEffectsRecursively(op);
  return effects && llvm::all_of(*effects, [](auto &effect) {
           return isa<StatusResource>(effect.getResource());
         });
}

/// A check writes the status, and reads its operand once that is a memref.
static void addCheckEffects(OpOperand &operand, Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), StatusResource::get());
  if (isa<MemRefType>(operand.get().getType()))
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
}

/// Puts the same check on the operand's buffer.
template <typename CheckOp>
static LogicalResult
bufferizeCheck(CheckOp op, OpOperand &operand, RewriterBase &rewriter,
               const bufferization::BufferizationOptions &options,
               bufferization::BufferizationState &state) {
  FailureOr<Value> buffer =
      bufferization::getBuffer(rewriter, operand.get(), options, state);
  if (failed(buffer))
    return failure();
  unsigned number = operand.getOperandNumber();
  rewriter.modifyOpInPlace(op, [&] { op->setOperand(number, *buffer); });
  return success();
}

//===----------------------------------------------------------------------===//
// require
//===----------------------------------------------------------------------===//

void RequireOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), StatusResource::get());
}

namespace {
/// Erases a requirement that always holds. One that never holds stays: it is an
/// error of the call, which says more than a refusal to compile could.
struct EraseHoldingRequirement : OpRewritePattern<RequireOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RequireOp op,
                                PatternRewriter &rewriter) const override {
    APInt lhs, rhs;
    bool holds = op.getLhs() == op.getRhs();
    if (!holds && matchPattern(op.getLhs(), m_ConstantInt(&lhs)) &&
        matchPattern(op.getRhs(), m_ConstantInt(&rhs)))
      holds = op.getRelation() == Relation::eq ? lhs == rhs : lhs.sle(rhs);
    if (!holds)
      return rewriter.notifyMatchFailure(op, "not known to hold");
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void RequireOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<EraseHoldingRequirement>(context);
}

//===----------------------------------------------------------------------===//
// check_limit
//===----------------------------------------------------------------------===//

void CheckLimitOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), StatusResource::get());
}

//===----------------------------------------------------------------------===//
// check_index
//===----------------------------------------------------------------------===//

void CheckIndexOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), StatusResource::get());
}

namespace {
/// Erases the check of a constant in range.
struct EraseCheckInRange : OpRewritePattern<CheckIndexOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CheckIndexOp op,
                                PatternRewriter &rewriter) const override {
    APInt index, bound;
    if (!matchPattern(op.getIndex(), m_ConstantInt(&index)) ||
        !matchPattern(op.getBound(), m_ConstantInt(&bound)) || index.uge(bound))
      return rewriter.notifyMatchFailure(op, "not known to be in range");
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void CheckIndexOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<EraseCheckInRange>(context);
}

//===----------------------------------------------------------------------===//
// check_indices, check_offsets
//===----------------------------------------------------------------------===//

void CheckIndicesOp::getEffects(Effects &effects) {
  addCheckEffects(getIndicesMutable(), effects);
}

bool CheckIndicesOp::bufferizesToMemoryRead(
    OpOperand &, const bufferization::AnalysisState &) {
  return true;
}

bool CheckIndicesOp::bufferizesToMemoryWrite(
    OpOperand &, const bufferization::AnalysisState &) {
  return false;
}

bufferization::AliasingValueList
CheckIndicesOp::getAliasingValues(OpOperand &,
                                  const bufferization::AnalysisState &) {
  return {};
}

LogicalResult
CheckIndicesOp::bufferize(RewriterBase &rewriter,
                          const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) {
  return bufferizeCheck(*this, getIndicesMutable(), rewriter, options, state);
}

void CheckOffsetsOp::getEffects(Effects &effects) {
  addCheckEffects(getOffsetsMutable(), effects);
}

bool CheckOffsetsOp::bufferizesToMemoryRead(
    OpOperand &, const bufferization::AnalysisState &) {
  return true;
}

bool CheckOffsetsOp::bufferizesToMemoryWrite(
    OpOperand &, const bufferization::AnalysisState &) {
  return false;
}

bufferization::AliasingValueList
CheckOffsetsOp::getAliasingValues(OpOperand &,
                                  const bufferization::AnalysisState &) {
  return {};
}

LogicalResult
CheckOffsetsOp::bufferize(RewriterBase &rewriter,
                          const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) {
  return bufferizeCheck(*this, getOffsetsMutable(), rewriter, options, state);
}
