//===- FuseSlices.cpp - halves of a product as products of halves ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "WeightSlice.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace moe;

namespace {

/// Columns offset, offset + stride, .. of a matrix.
struct Columns {
  int64_t offset, count, stride;
};

/// The columns that `slice` takes of all rows of `gemm`'s result; nothing if it
/// is not such a slice.
std::optional<Columns> columnsOf(tensor::ExtractSliceOp slice,
                                 moek::GemmOp gemm) {
  if (slice.getType().getRank() != 2)
    return std::nullopt;
  auto constant = [](OpFoldResult value) { return getConstantIntValue(value); };
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                            sizes = slice.getMixedSizes(),
                            strides = slice.getMixedStrides();
  std::optional<int64_t> offset = constant(offsets[1]),
                         count = constant(sizes[1]),
                         stride = constant(strides[1]);
  if (!offset || !count || !stride || constant(offsets[0]) != 0 ||
      constant(strides[0]) != 1)
    return std::nullopt;
  Value init = gemm.getInit();
  int64_t rows = cast<ShapedType>(init.getType()).getDimSize(0);
  bool all;
  if (std::optional<int64_t> size = constant(sizes[0])) {
    all = *size == rows;
  } else {
    FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
        ValueBoundsConstraintSet::Variable(sizes[0]),
        ValueBoundsConstraintSet::Variable(init, 0));
    all = succeeded(equal) && *equal;
  }
  return all ? std::optional(Columns{*offset, *count, *stride}) : std::nullopt;
}

/// Those columns of dimension `dim` of `tensor`.
Value takeColumns(TensorBuilder &b, Value tensor, unsigned dim,
                  const Columns &columns) {
  TensorBuilder::Sizes sizes = b.sizes(tensor),
                       offsets(sizes.size(), b.getIndexAttr(0)),
                       strides(sizes.size(), b.getIndexAttr(1));
  offsets[dim] = b.getIndexAttr(columns.offset);
  sizes[dim] = b.getIndexAttr(columns.count);
  strides[dim] = b.getIndexAttr(columns.stride);
  return tensor::ExtractSliceOp::create(b, tensor, offsets, sizes, strides);
}

/// The two halves (gate and up) of x @ w, whole or every other column, are
/// products of x with halves of w: then they can meet in one gemm again, side
/// by side.
struct FuseSlices : OpRewritePattern<moek::GemmOp> {
  FuseSlices(MLIRContext *context, FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getLayout() || op.getOutRows() || op.getNumAccumulators() != 1)
      return rewriter.notifyMatchFailure(op, "not one product of all rows");
    SmallVector<std::pair<tensor::ExtractSliceOp, Columns>> halves;
    for (Operation *user : op->getUsers()) {
      auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
      std::optional<Columns> columns;
      if (slice)
        columns = columnsOf(slice, op);
      if (!columns || columns->count * 2 != op.getN())
        return rewriter.notifyMatchFailure(op, "it is not cut in halves");
      halves.emplace_back(slice, *columns);
    }
    if (halves.size() != 2)
      return rewriter.notifyMatchFailure(op, "it is not cut in halves");
    // Columns with gaps between them are for packing to close.
    DenseMap<Value, bool> known;
    if (halves[0].second.stride != 1 &&
        !followsFromWeights(op.getWeights()[0], known))
      return rewriter.notifyMatchFailure(op, "its columns have gaps");
    for (auto &[slice, columns] : halves) {
      rewriter.setInsertionPoint(op);
      TensorBuilder b(op.getLoc(), rewriter);
      Value half = multiplyHalf(b, op, columns).getResult()[0];
      remarkFused(slice, "half of the product");
      rewriter.replaceOp(slice, b.cast(half, slice.getType()));
    }
    rewriter.eraseOp(op);
    ++counts.slices;
    return success();
  }

  static moek::GemmOp multiplyHalf(TensorBuilder &b, moek::GemmOp op,
                                   const Columns &columns) {
    GemmParts parts(op);
    Value &weight = parts.weights[0];
    unsigned rank = cast<ShapedType>(weight.getType()).getRank();
    weight = takeColumns(b, weight, op.getTransposed() ? rank - 2 : rank - 1,
                         columns);
    for (Extra &extra : parts.extras)
      if (extra.map.isFunctionOfDim(2))
        extra.value =
            takeColumns(b, extra.value, extra.map.getNumResults() - 1, columns);
    if (op.accumulates()) {
      parts.init = takeColumns(b, parts.init, 1, columns);
    } else {
      TensorBuilder::Sizes sizes = b.sizes(parts.init);
      sizes[1] = b.getIndexAttr(columns.count);
      parts.init = b.empty(sizes, getElementTypeOrSelf(parts.init));
    }
    return parts.build(
        b, [&](ValueRange sums, ValueRange extras, Value old) -> Value {
          return inlineEpilogue(b, op, sums, extras, old);
        });
  }

  FuseCounts &counts;
};

} // namespace

void moe::populateSlicePatterns(RewritePatternSet &patterns,
                                FuseCounts &counts) {
  patterns.add<FuseSlices>(patterns.getContext(), counts);
}
