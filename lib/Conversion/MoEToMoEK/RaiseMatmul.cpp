//===- RaiseMatmul.cpp - matrix products of linalg as kernels -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoEK/Utils/GemmParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_MOERAISEMATMUL
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// A contraction as rows times columns. Loops are named by their positions.
struct Product {
  Value left;  ///< [row, sum], or [sum, row] if `leftTransposed`
  Value right; ///< [sum, column], or [column, sum] if `rightTransposed`
  Value init;  ///< [row, column]
  bool leftTransposed, rightTransposed;
  bool isVector; ///< there is no row loop: left is [sum], init [column]
};

/// True if the body is old + a * b, where only extensions stand between.
bool multipliesAndAdds(linalg::LinalgOp op) {
  for (Operation &inner : op.getBlock()->without_terminator())
    if (!isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp>(inner))
      return false;
  return linalg::isaContractionOpInterface(op);
}

/// Loops of `op` that run once and make it more than a product of matrices.
SmallVector<unsigned> unitLoops(linalg::LinalgOp op,
                                const linalg::ContractionDimensions &loops) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<unsigned> units;
  auto collect = [&](ArrayRef<unsigned> list, size_t atLeast) {
    size_t left = list.size();
    for (unsigned loop : list)
      if (extents[loop] == 1 && left > atLeast) {
        units.push_back(loop);
        --left;
      }
  };
  collect(loops.batch, 0);
  for (ArrayRef<unsigned> list : {ArrayRef(loops.m), ArrayRef(loops.n)})
    collect(list, 1);
  collect(loops.k, 1);
  return units;
}

/// True if `tensor` is all zeros, in whatever shape it was filled.
bool isZeros(Value tensor) {
  while (auto reshape = tensor.getDefiningOp<tensor::CollapseShapeOp>())
    tensor = reshape.getSrc();
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
}

/// `op` as a product, or nothing and `why`: no word where it is nothing of the
/// kind.
std::optional<Product> match(linalg::LinalgOp op, StringRef &why) {
  why = "";
  if (!op.hasPureTensorSemantics() || !multipliesAndAdds(op))
    return std::nullopt;
  FailureOr<linalg::ContractionDimensions> loops =
      linalg::inferContractionDims(op);
  if (failed(loops) || loops->m.size() + loops->n.size() == 0)
    return std::nullopt;
  for (Value value : op->getOperands())
    if (!isa<Float32Type, BFloat16Type, Float16Type>(
            getElementTypeOrSelf(value))) {
      why = "it does not sum f32, bf16 or f16";
      return std::nullopt;
    }
  if (!loops->batch.empty()) {
    why = "it has a batch";
    return std::nullopt;
  }
  if (loops->k.size() != 1 || loops->m.size() > 1 || loops->n.size() > 1) {
    why = "it has several loops of a kind";
    return std::nullopt;
  }
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto positionIn = [&](AffineMap map, unsigned loop) {
    return *map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  };
  // The rows are the first dimension of the result, whatever their operand.
  Product product;
  product.isVector = loops->m.empty() || loops->n.empty();
  bool swap = product.isVector ? loops->n.empty()
                               : positionIn(maps[2], loops->n[0]) == 0;
  unsigned sum = loops->k[0], column = swap ? loops->m[0] : loops->n[0];
  product.left = op->getOperand(swap ? 1 : 0);
  product.right = op->getOperand(swap ? 0 : 1);
  product.init = op.getDpsInits()[0];
  product.leftTransposed =
      !product.isVector && positionIn(maps[swap ? 1 : 0], sum) == 0;
  product.rightTransposed = positionIn(maps[swap ? 0 : 1], sum) == 1;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (unsigned loop : {sum, column})
    if (ShapedType::isDynamic(extents[loop]) || extents[loop] < 1) {
      why = "its widths are dynamic";
      return std::nullopt;
    }
  return product;
}

/// A contraction with loops of one, like a batch, without them.
struct DropUnitLoops : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || !multipliesAndAdds(op))
      return rewriter.notifyMatchFailure(op, "not a contraction");
    FailureOr<linalg::ContractionDimensions> loops =
        linalg::inferContractionDims(op);
    if (failed(loops) || unitLoops(op, *loops).empty())
      return rewriter.notifyMatchFailure(op, "no loop runs once");
    linalg::ControlDropUnitDims control;
    control.rankReductionStrategy = linalg::ControlDropUnitDims::
        RankReductionStrategy::ReassociativeReshape;
    SmallVector<unsigned> units = unitLoops(op, *loops);
    control.controlFn = [&](Operation *) { return units; };
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    bool isNamed = !generic;
    if (isNamed)
      generic = *linalg::generalizeNamedOp(rewriter, op);
    FailureOr<linalg::DropUnitDimsResult> dropped =
        linalg::dropUnitDims(rewriter, generic, control);
    if (succeeded(dropped))
      rewriter.replaceOp(generic, dropped->replacements);
    return success(isNamed || succeeded(dropped));
  }
};

/// A product of matrices, or of a vector and a matrix, as a gemm of one group.
struct RaiseMatmul : OpInterfaceRewritePattern<linalg::LinalgOp> {
  RaiseMatmul(MLIRContext *context, Pass::Statistic &count)
      : OpInterfaceRewritePattern(context), count(count) {}

  /// `vector` [n] as [1,n].
  static Value asRow(TensorBuilder &b, Value vector) {
    auto type = cast<RankedTensorType>(vector.getType());
    auto row =
        RankedTensorType::get({1, type.getDimSize(0)}, type.getElementType());
    return tensor::ExpandShapeOp::create(
        b, row, vector, ArrayRef<ReassociationIndices>{{0, 1}});
  }

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    StringRef why;
    std::optional<Product> product = match(op, why);
    if (!product)
      return rewriter.notifyMatchFailure(op, why);
    TensorBuilder b(op.getLoc(), rewriter);
    Value left = product->left, init = product->init;
    bool fromZero = isZeros(init);
    if (product->leftTransposed) {
      TensorBuilder::Sizes sizes = b.sizes(left);
      std::swap(sizes[0], sizes[1]);
      left = linalg::TransposeOp::create(
                 b, left, b.empty(sizes, getElementTypeOrSelf(left)),
                 ArrayRef<int64_t>{1, 0})
                 .getResult()[0];
    }
    if (product->isVector) {
      left = asRow(b, left);
      init = asRow(b, init);
    }
    Type element = getElementTypeOrSelf(init);
    GemmParts gemm;
    gemm.a = left;
    gemm.weights = {product->right};
    gemm.transposed = product->rightTransposed;
    gemm.init = fromZero ? b.empty(b.sizes(init), element) : init;
    Value result =
        gemm.build(b,
                   [&](ValueRange sums, ValueRange, Value old) -> Value {
                     Value sum = sums[0];
                     if (!fromZero)
                       sum = arith::AddFOp::create(
                           b, b.convertFloat(old, b.getF32Type()), sum);
                     return b.convertFloat(sum, element);
                   })
            .getResult()[0];
    if (product->isVector)
      result = tensor::CollapseShapeOp::create(
          b, result, ArrayRef<ReassociationIndices>{{0, 1}});
    rewriter.replaceOp(op, b.cast(result, product->init.getType()));
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

struct RaiseMatmulPass : moe::impl::MoERaiseMatmulBase<RaiseMatmulPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropUnitLoops>(&getContext());
    patterns.add<RaiseMatmul>(&getContext(), numRaised);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([](linalg::LinalgOp op) {
      StringRef why;
      match(op, why);
      if (!why.empty())
        remark::missed(
            op.getLoc(),
            remark::RemarkOpts::name("not raised").category("moe-raise-matmul"))
            << why;
    });
  }
};

} // namespace
