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

#include "mlir/Dialect/Affine/IR/AffineOps.h"
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

  OpFoldResult fixed(int64_t size) { return b.getIndexAttr(size); }

  /// Requires a == b.
  void equal(OpFoldResult a, OpFoldResult c) {
    require(a, moek::Relation::eq, c);
  }

  /// Requires that offset, offset + stride, ..., `size` of them, lie in [0,
  /// bound), if all that follows from sizes.
  void inBounds(OpFoldResult offset, OpFoldResult size, OpFoldResult stride,
                OpFoldResult bound) {
    std::optional<int64_t> step = getConstantIntValue(stride);
    if (!step || *step < 1 || !followsFromSizes(offset) ||
        !followsFromSizes(size) || !followsFromSizes(bound))
      return;
    require(b.getIndexAttr(0), moek::Relation::le, offset);
    require(b.getIndexAttr(0), moek::Relation::le, size);
    AffineExpr first = b.getAffineSymbolExpr(0), n = b.getAffineSymbolExpr(1);
    require(affine::makeComposedFoldedAffineApply(
                b, op->getLoc(), first + (n - 1) * *step + 1, {offset, size}),
            moek::Relation::le, bound);
  }

  /// Requires that `expr`, which must not fall in any of its dimensions, stays
  /// below `bound` for all iterations of `loops`.
  void reaches(AffineExpr expr, ArrayRef<OpFoldResult> loops,
               OpFoldResult bound) {
    if (!isAscending(expr) ||
        !llvm::all_of(loops, [](OpFoldResult size) { return bool(size); }))
      return;
    // At the last iteration of every loop.
    SmallVector<AffineExpr> last;
    for (unsigned i = 0; i < loops.size(); ++i)
      last.push_back(b.getAffineDimExpr(i) - 1);
    require(affine::makeComposedFoldedAffineApply(
                b, op->getLoc(), expr.replaceDims(last) + 1, loops),
            moek::Relation::le, bound);
  }

  /// Requires a == b if both follow from sizes.
  void equalIfSizes(OpFoldResult a, OpFoldResult c) {
    if (followsFromSizes(a) && followsFromSizes(c))
      equal(a, c);
  }

  /// Requires that the product of `factors` is `size`.
  void productEqual(ArrayRef<OpFoldResult> factors, OpFoldResult size) {
    Value product = b.indexConstant(1);
    for (OpFoldResult factor : factors)
      product = arith::MulIOp::create(b, product, b.materialize(factor));
    equal(product, size);
  }

  /// Requires size `i` of `a` and size `j` of `c` to be equal; null tensors are
  /// skipped.
  void equalSizes(Value a, unsigned i, Value c, unsigned j) {
    if (a && c)
      equal(size(a, i), size(c, j));
  }

  /// Requires the shapes of two tensors to be equal; null ones are skipped.
  void equalShapes(Value a, Value c) {
    if (!a || !c)
      return;
    unsigned rank = cast<RankedTensorType>(a.getType()).getRank();
    for (unsigned dim = 0; dim < rank; ++dim)
      equalSizes(a, dim, c, dim);
  }

private:
  /// Emits the requirement unless both sides are static: those the verifier
  /// compares.
  void require(OpFoldResult a, moek::Relation relation, OpFoldResult c) {
    if (a == c || (getConstantIntValue(a) && getConstantIntValue(c)))
      return;
    // No size of a tensor is below 0.
    auto value = dyn_cast<Value>(c);
    if (relation == moek::Relation::le && isZeroInteger(a) && value &&
        value.getDefiningOp<tensor::DimOp>())
      return;
    moek::RequireOp::create(b, b.materialize(a), relation, b.materialize(c),
                            ("sizes of " + op->getName().getStringRef()).str());
  }

  /// True for sums of dimensions times constants >= 0.
  static bool isAscending(AffineExpr expr) {
    if (isa<AffineDimExpr>(expr))
      return true;
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return constant.getValue() >= 0;
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    return binary &&
           (binary.getKind() == AffineExprKind::Add ||
            binary.getKind() == AffineExprKind::Mul) &&
           isAscending(binary.getLHS()) && isAscending(binary.getRHS());
  }

  /// True if `size` is arithmetic on sizes of tensors, not on data.
  static bool followsFromSizes(OpFoldResult size) {
    auto value = dyn_cast<Value>(size);
    if (!value || getConstantIntValue(size))
      return true;
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
      return false;
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      Operation *source = dim.getSource().getDefiningOp();
      std::optional<int64_t> index = dim.getConstantIndex();
      if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(source))
        return llvm::all_of(slice.getSizes(), followsFromSizes);
      if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(source))
        return llvm::all_of(empty.getDynamicSizes(), followsFromSizes);
      return index.has_value();
    }
    return llvm::all_of(op->getOperands(), [](Value operand) {
      return operand.getType().isIntOrIndex() && followsFromSizes(operand);
    });
  }

  Operation *op;
  TensorBuilder b;
};

/// Operands of a linalg op that one loop runs over have one size.
void requireLinalg(linalg::LinalgOp op) {
  Requirements requirements(op);
  SmallVector<OpFoldResult> loops(op.getNumLoops());
  // Sizes of a convolution's input, which several loops run over.
  struct Window {
    OpOperand *operand;
    unsigned dim;
    AffineExpr expr;
  };
  SmallVector<Window> windows;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (!loop) {
        windows.push_back({&operand, static_cast<unsigned>(dim), expr});
        continue;
      }
      OpFoldResult size = requirements.size(operand.get(), dim);
      OpFoldResult &first = loops[loop.getPosition()];
      if (!first)
        first = size;
      else
        requirements.equal(first, size);
    }
  }
  for (auto [operand, dim, expr] : windows)
    requirements.reaches(expr, loops, requirements.size(operand->get(), dim));
}

/// Slices, casts and reshapes stay inside of what they read or write.
void requireTensor(Operation *op) {
  Requirements requirements(op);
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(cast.getType());
    if (!type || !isa<RankedTensorType>(cast.getSource().getType()))
      return;
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (!ShapedType::isDynamic(size))
        requirements.equal(requirements.size(cast.getSource(), dim),
                           requirements.fixed(size));
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    for (auto [dim, offset, size, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedSizes(),
                         slice.getMixedStrides()))
      requirements.inBounds(offset, size, stride,
                            requirements.size(slice.getSource(), dim));
  } else if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    unsigned sourceDim = 0;
    for (auto [dim, offset, size, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedSizes(),
                         slice.getMixedStrides())) {
      requirements.inBounds(offset, size, stride,
                            requirements.size(slice.getDest(), dim));
      if (!dropped.test(dim))
        requirements.equalIfSizes(
            requirements.size(slice.getSource(), sourceDim++), size);
    }
  } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    Value first = concat.getInputs().front();
    for (Value input : concat.getInputs().drop_front())
      for (int64_t dim = 0; dim < concat.getRank(); ++dim)
        if (dim != static_cast<int64_t>(concat.getDim()))
          requirements.equal(requirements.size(first, dim),
                             requirements.size(input, dim));
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
    for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices()))
      if (expand.getSrcType().isDynamicDim(dim))
        requirements.productEqual(
            llvm::map_to_vector(group, [&](int64_t i) { return sizes[i]; }),
            requirements.size(expand.getSrc(), dim));
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
  else if (auto wgrad = dyn_cast<GroupedMatmulWgradOp>(op))
    requirements.equalSizes(wgrad.getRows(), 0, wgrad.getDrows(), 0);
  else if (auto dag = dyn_cast<DagAggregateOp>(op))
    for (Value other : {Value(dag.getWeights()), Value(dag.getResidual()),
                        Value(dag.getMask())})
      requirements.equalSizes(dag.getSlots(), 0, other, 0);
  else if (auto sinkhorn = dyn_cast<SinkhornOp>(op)) {
    requirements.equalSizes(sinkhorn.getScores(), 0, sinkhorn.getRow(), 0);
    requirements.equalSizes(sinkhorn.getScores(), 1, sinkhorn.getCol(), 0);
  } else if (auto assign = dyn_cast<AssignOp>(op))
    requirements.equalSizes(assign.getScores(), 1, assign.getCapacity(), 0);
  else if (auto through = dyn_cast<StraightThroughOp>(op))
    requirements.equalShapes(through.getHard(), through.getSoft());
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
      int64_t declared =
          cast<RankedTensorType>(result.getType()).getDimSize(dim);
      if (!ShapedType::isDynamic(declared))
        requirements.equal(size, builder.getIndexAttr(declared));
    }
}

struct RequireShapesPass : moe::impl::MoERequireShapesBase<RequireShapesPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
        requireLinalg(linalgOp);
      if (isa<tensor::TensorDialect>(op->getDialect()))
        requireTensor(op);
      if (!isa<MoEDialect>(op->getDialect()))
        continue;
      requireOperands(op);
      if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op))
        requireResults(reify);
    }
  }
};

} // namespace
