//===- LinalgPlan.cpp - how a linalg op runs on a CPU ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinalgPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace moe;

bool LinalgPlan::varies(linalg::LinalgOp op, OpOperand &operand) const {
  return vector && op.getMatchingIndexingMap(&operand).isFunctionOfDim(*vector);
}

/// True if a vector of these elements lies in memory as they do.
static bool liesDensely(Type element) {
  if (element.isIndex())
    return true;
  if (!element.isIntOrFloat())
    return false;
  unsigned width = element.getIntOrFloatBitWidth();
  return width % 8 == 0 && llvm::isPowerOf2_32(width);
}

/// True if `lanes` elements of `memref` along its last dimension are a vector.
static bool isDense(Value memref) {
  auto type = dyn_cast<MemRefType>(memref.getType());
  return type && type.getRank() > 0 && type.isLastDimUnitStride() &&
         liesDensely(type.getElementType());
}

Operation *moe::getCombiner(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  if (op.getNumDpsInits() != 1)
    return nullptr;
  BlockArgument sum = body->getArguments().back();
  Operation *combiner = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!combiner || combiner->getNumOperands() != 2 || !sum.hasOneUse() ||
      *sum.user_begin() != combiner || !combiner->hasOneUse())
    return nullptr;
  // Sums of narrow floats are rounded at each step; another order would show.
  if (auto type = dyn_cast<FloatType>(sum.getType());
      type && type.getWidth() < 32)
    return nullptr;
  if (!linalg::getCombinerOpKind(combiner) ||
      !arith::getNeutralElement(combiner))
    return nullptr;
  return combiner;
}

namespace {

/// Finds out what differs from lane to lane when loop `dim` goes on lanes.
class LaneAnalysis {
public:
  LaneAnalysis(linalg::LinalgOp op, unsigned dim) : op(op), dim(dim) {}

  /// True if the body works on lanes; else `why` says what does not.
  bool run() {
    Block *body = op.getBlock();
    for (auto [operand, argument] :
         llvm::zip(op->getOpOperands(), body->getArguments())) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      if (!map.isFunctionOfDim(dim))
        continue;
      if (map.getResults().back() != getAffineDimExpr(dim, map.getContext()) ||
          !isDense(operand.get()))
        return fail("an operand does not lie densely along the innermost loop");
      varying.insert(argument);
    }
    // On a loop that is summed over, each lane has its sum.
    for (BlockArgument sum : op.getRegionOutputArgs())
      varying.insert(sum);
    return runOnBlock(*body);
  }

  DenseSet<Value> varying;
  StringRef why;

private:
  bool fail(StringRef reason) {
    why = reason;
    return false;
  }

  bool runOnBlock(Block &block) {
    return llvm::all_of(block.without_terminator(),
                        [&](Operation &op) { return runOnOp(op); });
  }

  bool isVarying(Value value) { return varying.contains(value); }

  bool runOnOp(Operation &inner) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      if (index.getDim() == dim)
        varying.insert(index.getResult());
      return true;
    }
    if (auto branch = dyn_cast<scf::IfOp>(inner))
      return runOnIf(branch);
    if (inner.getNumRegions())
      return fail("the body has a loop");
    if (llvm::none_of(inner.getOperands(),
                      [&](Value value) { return isVarying(value); }))
      return true;
    if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      auto index = load.getIndices().back().getDefiningOp<linalg::IndexOp>();
      bool row = index && index.getDim() == dim && isDense(load.getMemRef()) &&
                 llvm::none_of(load.getIndices().drop_back(),
                               [&](Value value) { return isVarying(value); });
      if (!row)
        return fail("the body gathers single elements");
    } else if (!OpTrait::hasElementwiseMappableTraits(&inner)) {
      return fail("the body has an op that does not work on vectors");
    }
    for (Value result : inner.getResults()) {
      if (!VectorType::isValidElementType(result.getType()))
        return fail("the body has a type that vectors do not hold");
      varying.insert(result);
    }
    return true;
  }

  bool runOnIf(scf::IfOp branch) {
    if (isVarying(branch.getCondition()))
      return fail("the body branches on elements");
    for (Region &region : branch->getRegions()) {
      if (region.empty())
        continue;
      if (!runOnBlock(region.front()))
        return false;
      for (auto [value, result] :
           llvm::zip(region.front().getTerminator()->getOperands(),
                     branch.getResults()))
        if (isVarying(value))
          varying.insert(result);
    }
    return true;
  }

  linalg::LinalgOp op;
  unsigned dim;
};

} // namespace

StringRef moe::whyNoTasks(linalg::LinalgOp op) {
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return "an operand is not a permutation or broadcast of the loops";
    if (!op.isDpsInit(&operand))
      continue;
    for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
      if (map.isFunctionOfDim(dim) != llvm::is_contained(parallel, dim))
        return "tasks would write the same result";
  }
  bool hasEffects =
      op.getBlock()
          ->walk([](Operation *inner) {
            bool fine = isa<memref::LoadOp>(inner) ||
                        inner->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
                        isMemoryEffectFree(inner);
            return fine ? WalkResult::advance() : WalkResult::interrupt();
          })
          .wasInterrupted();
  return hasEffects ? "the body has effects, like reporting an error" : "";
}

bool moe::isOneTask(linalg::LinalgOp op) {
  int64_t elements = 1;
  for (int64_t size : op.getStaticLoopRanges()) {
    if (ShapedType::isDynamic(size))
      return false;
    elements = llvm::SaturatingMultiply<uint64_t>(elements, size);
    if (elements < 0 || elements > kTaskElements)
      return false;
  }
  return true;
}

std::optional<unsigned> moe::findRowLoop(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (AffineExpr expr : map.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      if (sizes[dim.getPosition()] != 1)
        return dim.getPosition();
  return std::nullopt;
}

/// Lanes for a loop of `extent` elements: as many as leave no remainder, unless
/// these are few.
static int64_t lanesFor(int64_t extent, int64_t most) {
  if (ShapedType::isDynamic(extent))
    return most;
  for (int64_t lanes = most; 4 * lanes >= most && lanes > 1; lanes /= 2)
    if (extent % lanes == 0)
      return lanes;
  return std::min<int64_t>(most,
                           llvm::bit_floor(static_cast<uint64_t>(extent)));
}

std::optional<LinalgPlan> moe::planLinalg(linalg::LinalgOp op, int64_t lanes,
                                          StringRef &why) {
  why = whyNoTasks(op);
  if (!why.empty())
    return std::nullopt;
  LinalgPlan plan;
  op.getParallelDims(plan.parallel);
  op.getReductionDims(plan.reduced);
  if (plan.parallel.size() + plan.reduced.size() != op.getNumLoops()) {
    why = "a loop is neither parallel nor summed over";
    return std::nullopt;
  }
  // The innermost dimension of the results, then the sums.
  SmallVector<unsigned> candidates;
  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (result.getNumResults())
    if (auto last = dyn_cast<AffineDimExpr>(result.getResults().back()))
      candidates.push_back(last.getPosition());
  if (getCombiner(op))
    llvm::append_range(candidates, llvm::reverse(plan.reduced));
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  plan.whyScalar = "no loop is long and dense";
  for (unsigned dim : candidates) {
    int64_t fitting = lanesFor(extents[dim], lanes);
    if (fitting < 2)
      continue;
    LaneAnalysis analysis(op, dim);
    if (!analysis.run()) {
      plan.whyScalar = analysis.why;
      continue;
    }
    plan.vector = dim;
    plan.lanes = fitting;
    plan.varying = std::move(analysis.varying);
    plan.vectorIsReduced = llvm::is_contained(plan.reduced, dim);
    llvm::erase(plan.parallel, dim);
    llvm::erase(plan.reduced, dim);
    break;
  }
  return plan;
}
