//===- Routing.cpp - routers and grouping as kernels ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTMOEROUTINGTOMOEK
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Tells the user that `op` computes in f64, for which there is no kernel.
LogicalResult missedF64(PatternRewriter &rewriter, Operation *op) {
  constexpr StringRef why = "it computes in f64";
  remark::missed(op->getLoc(), remark::RemarkOpts::name("no kernel")
                                   .category("convert-moe-routing-to-moek"))
      << why;
  return rewriter.notifyMatchFailure(op, why);
}

/// True if one of the op's operands or results is of f64.
bool touchesF64(Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  return getAccumulatorType(types).isF64();
}

/// Destinations with the results' element types and these sizes.
SmallVector<Value> emptyResults(TensorBuilder &b, Operation *op,
                                ArrayRef<TensorBuilder::Sizes> sizes) {
  SmallVector<Value> inits;
  for (auto [result, shape] : llvm::zip(op->getResults(), sizes))
    inits.push_back(b.empty(shape, getElementTypeOrSelf(result.getType())));
  return inits;
}

/// Replaces `op` by the results of `kernel`, cast to its own types.
void replaceByKernel(TensorBuilder &b, PatternRewriter &rewriter, Operation *op,
                     Operation *kernel) {
  SmallVector<Value> results;
  for (auto [was, is] : llvm::zip(op->getResults(), kernel->getResults()))
    results.push_back(b.cast(is, was.getType()));
  rewriter.replaceOp(op, results);
}

struct ConvertRoute : OpRewritePattern<RouteOp> {
  ConvertRoute(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}
  LogicalResult matchAndRewrite(RouteOp op,
                                PatternRewriter &rewriter) const override {
    if (touchesF64(op))
      return missedF64(rewriter, op);
    TensorBuilder b(op.getLoc(), rewriter);
    TensorBuilder::Sizes sizes{b.size(op.getLogits(), 0),
                               b.getIndexAttr(op.getNumSlots())};
    SmallVector<Value> inits = emptyResults(b, op, {sizes, sizes});
    auto kernel = moek::RouteOp::create(
        b, TypeRange(ValueRange(inits)), op.getLogits(), op.getBias(),
        op.getKeys(), inits, op.getScore(), op.getRule(), op.getNumGroupsAttr(),
        op.getKeptGroupsAttr(), op.getGroupTopAttr(), op.getScaleAttr(),
        op.getEpsilonAttr(), op.getTopPAttr());
    replaceByKernel(b, rewriter, op, kernel);
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

struct ConvertTopK : OpRewritePattern<TopKOp> {
  ConvertTopK(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}
  LogicalResult matchAndRewrite(TopKOp op,
                                PatternRewriter &rewriter) const override {
    if (touchesF64(op))
      return missedF64(rewriter, op);
    TensorBuilder b(op.getLoc(), rewriter);
    TensorBuilder::Sizes sizes{
        b.size(op.getKeys(), 0),
        b.getIndexAttr(op.getIndices().getType().getDimSize(1))};
    SmallVector<Value> inits = emptyResults(b, op, {sizes, sizes});
    auto kernel = moek::TopKOp::create(b, TypeRange(ValueRange(inits)),
                                       op.getKeys(), op.getValues(), inits);
    replaceByKernel(b, rewriter, op, kernel);
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

/// The kernel, and the checks that go with it.
struct ConvertGroup : OpRewritePattern<GroupOp> {
  ConvertGroup(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}
  LogicalResult matchAndRewrite(GroupOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value indices = op.getIndices();
    OpFoldResult rows = b.multiply(b.size(indices, 0), op.getNumSlots());
    Value numRows = b.materialize(rows);
    moek::RequireOp::create(
        b, numRows, moek::Relation::le,
        b.indexConstant(std::numeric_limits<int32_t>::max()),
        "T*K of moe.group");
    moek::CheckIndicesOp::create(b, indices, b.indexConstant(-1),
                                 b.indexConstant(op.getIndexBound()),
                                 "indices of moe.group");
    SmallVector<Value> inits = emptyResults(
        b, op,
        {{rows}, b.sizes(indices), {b.getIndexAttr(op.getNumExperts() + 1)}});
    auto kernel =
        moek::GroupOp::create(b, TypeRange(ValueRange(inits)), indices,
                              op.getCapacity(), /*scratch=*/Value(), inits);
    replaceByKernel(b, rewriter, op, kernel);
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

struct ConvertRoutingPass
    : moe::impl::ConvertMoERoutingToMoEKBase<ConvertRoutingPass> {
  using ConvertMoERoutingToMoEKBase::ConvertMoERoutingToMoEKBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    if (select)
      patterns.add<ConvertRoute, ConvertTopK>(&getContext(), numSelects);
    if (group)
      patterns.add<ConvertGroup>(&getContext(), numGroups);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
