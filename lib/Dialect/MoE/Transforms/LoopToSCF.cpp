//===- LoopToSCF.cpp - moe.loop as scf.for --------------------------------===//
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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOELOOPTOSCF
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Rewrites one loop.
class LoopRewriter {
public:
  explicit LoopRewriter(LoopOp loop)
      : loop(loop), yield(loop.getYield()), b(loop.getLoc(), loop) {}

  LogicalResult run() {
    if (failed(requireConstantShapes()))
      return failure();
    checkTripCount();
    trips = b.materialize(loop.getNumIterations(b));
    SmallVector<Value> init(loop.getInit());
    if (failed(appendStacks(init)))
      return failure();
    for (Value value : init)
      initSizes.push_back(isa<RankedTensorType>(value.getType())
                              ? b.sizes(value)
                              : TensorBuilder::Sizes());
    auto target = scf::ForOp::create(b, b.indexConstant(0), trips,
                                     b.indexConstant(1), init);
    moveBody(target);
    replaceResults(target);
    loop.erase();
    return success();
  }

private:
  /// Each next state must have the sizes of the state it replaces.
  LogicalResult requireConstantShapes() {
    for (auto [i, init, next] :
         llvm::enumerate(loop.getInit(), yield.getNext())) {
      auto type = dyn_cast<RankedTensorType>(init.getType());
      if (!type)
        continue;
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        if (!type.isDynamicDim(dim))
          continue;
        OpFoldResult size = loop.getSizeBeforeLoop(b, next, dim);
        if (!size)
          return loop.emitOpError("state ")
                 << i << ": the size of dimension " << dim
                 << " after an iteration cannot be told before the loop";
        moek::RequireOp::create(b, b.materialize(size), moek::Relation::eq,
                                b.dim(init, dim), "state of moe.loop");
      }
    }
    return success();
  }

  /// A trip count above its maximum is an error of the run.
  void checkTripCount() {
    if (loop.getMaxTripCount() && !loop.getStaticTripCount())
      moek::CheckLimitOp::create(b, loop.getTripCount(),
                                 b.indexConstant(*loop.getMaxTripCount()),
                                 "trip count of moe.loop");
  }

  /// True if the trip count is a number of the call rather than a size: it
  /// bounds no memory then, its maximum does.
  bool isTripCountData() {
    return loop.getMaxTripCount() && !loop.getStaticTripCount() &&
           !loop.getTripCount().getDefiningOp<tensor::DimOp>();
  }

  /// The buffers of the stacked results, for as many iterations as there can
  /// be.
  LogicalResult appendStacks(SmallVectorImpl<Value> &init) {
    for (auto [i, stack, value] :
         llvm::enumerate(loop.getStacked(), yield.getStacked())) {
      TensorBuilder::Sizes sizes{trips};
      if (std::optional<APInt> count = loop.getStaticTripCount())
        sizes[0] = b.getIndexAttr(count->getSExtValue());
      if (isTripCountData())
        sizes[0] = b.getIndexAttr(*loop.getMaxTripCount());
      auto type = cast<RankedTensorType>(stack.getType());
      for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim) {
        sizes.push_back(loop.getSizeBeforeLoop(b, value, dim));
        if (!sizes.back())
          return loop.emitOpError("stacked result ")
                 << i << ": the size of dimension " << dim + 1
                 << " cannot be told before the loop";
      }
      init.push_back(b.empty(sizes, type.getElementType()));
    }
    return success();
  }

  /// Uses of the sizes of `tensor` become uses of `sizes`, which exist before
  /// the loop: an scf.for does not tell the sizes of what it carries.
  void replaceSizes(Value tensor, ArrayRef<OpFoldResult> sizes) {
    for (Operation *user : llvm::make_early_inc_range(tensor.getUsers())) {
      auto dim = dyn_cast<tensor::DimOp>(user);
      std::optional<int64_t> number =
          dim ? dim.getConstantIndex() : std::nullopt;
      if (!number || *number < 0 || *number >= (int64_t)sizes.size())
        continue;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(dim);
      dim.replaceAllUsesWith(b.materialize(sizes[*number]));
      dim.erase();
    }
  }

  /// Moves the body over. An iteration ends by writing its stacked values into
  /// their places.
  void moveBody(scf::ForOp target) {
    Block *body = target.getBody(), *source = &loop.getBody().front();
    size_t states = loop.getInit().size();
    SmallVector<Value> arguments(body->getArguments().take_front(1 + states));
    if (!body->empty())
      body->getTerminator()->erase();
    for (auto [i, from, to] :
         llvm::enumerate(source->getArguments(), arguments)) {
      if (isa<RankedTensorType>(from.getType()))
        replaceSizes(from, initSizes[i - 1]);
      from.replaceAllUsesWith(to);
    }
    body->getOperations().splice(body->end(), source->getOperations());
    b.setInsertionPoint(yield);
    b.setLoc(yield.getLoc());
    SmallVector<Value> results(yield.getNext());
    for (auto [value, stack, sizes] : llvm::zip(
             yield.getStacked(), target.getRegionIterArgs().drop_front(states),
             ArrayRef(initSizes).drop_front(states)))
      results.push_back(insert(value, stack, sizes, target.getInductionVar()));
    scf::YieldOp::create(b, results);
    yield.erase();
    b.setInsertionPointAfter(target);
  }

  /// `stack`, of these sizes, with `value` at position k.
  Value insert(Value value, Value stack, TensorBuilder::Sizes sizes, Value k) {
    if (!isa<RankedTensorType>(value.getType()))
      return b.insert(value, stack, k);
    sizes[0] = b.getIndexAttr(1);
    TensorBuilder::Sizes offsets(sizes.size(), b.getIndexAttr(0)),
        strides(sizes.size(), b.getIndexAttr(1));
    offsets[0] = k;
    return tensor::InsertSliceOp::create(b, value, stack, offsets, sizes,
                                         strides);
  }

  void replaceResults(scf::ForOp target) {
    size_t states = loop.getInit().size();
    for (auto [i, old] : llvm::enumerate(loop.getResults())) {
      Value result = target.getResult(i);
      TensorBuilder::Sizes sizes = initSizes[i];
      if (i >= states && isTripCountData()) {
        sizes[0] = trips;
        result = tensor::ExtractSliceOp::create(
            b, result, TensorBuilder::Sizes(sizes.size(), b.getIndexAttr(0)),
            sizes, TensorBuilder::Sizes(sizes.size(), b.getIndexAttr(1)));
      }
      replaceSizes(old, sizes);
      old.replaceAllUsesWith(b.cast(result, old.getType()));
    }
  }

  LoopOp loop;
  YieldOp yield;
  TensorBuilder b;
  Value trips;
  SmallVector<TensorBuilder::Sizes> initSizes; // of states, then stacks
};

struct LoopToSCFPass : moe::impl::MoELoopToSCFBase<LoopToSCFPass> {
  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation()->walk([&](LoopOp loop) { loops.push_back(loop); });
    for (LoopOp loop : loops)
      if (failed(LoopRewriter(loop).run()))
        return signalPassFailure();
  }
};

} // namespace
