//===- TransportOps.cpp - verifiers, shapes, folds of the transport ops ---===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// sinkhorn
//===----------------------------------------------------------------------===//

/// How many equal elements each one of a constant's first getNumElements() /
/// result elements stands for: a splat may have more of them than one would
/// like to walk over.
static int64_t getRepeats(DenseElementsAttr constant) {
  int64_t count = constant.getNumElements();
  return constant.isSplat() && count > 0 ? count : 1;
}

/// Reads the sum of a constant marginal into `sum`, which is left alone if
/// `marginal` is absent or not constant. Fails if it is no marginal.
static LogicalResult readMarginal(SinkhornOp op, StringRef name, Value marginal,
                                  std::optional<double> &sum) {
  DenseFPElementsAttr constant;
  if (!marginal)
    return success();
  sum = std::nullopt;
  if (!matchPattern(marginal, m_Constant(&constant)))
    return success();
  int64_t repeats = getRepeats(constant);
  auto elements = constant.getValues<APFloat>();
  sum = 0;
  for (int64_t i = 0, e = constant.getNumElements() / repeats; i < e; ++i) {
    double mass = elements[i].convertToDouble();
    if (!std::isfinite(mass) || mass < 0)
      return op.emitOpError(name)
             << ": expected finite values >= 0, got " << mass;
    *sum += mass * repeats;
  }
  return success();
}

LogicalResult SinkhornOp::verify() {
  // sinkhorn_c1; _c2 is a trait of the op.
  if (failed(expectStatic(*this, "scores", getScores(), 1)))
    return failure();
  int64_t rows = dimSize(getScores(), 0), cols = dimSize(getScores(), 1);
  // sinkhorn_c3
  if (failed(expectShape(*this, "row", getRow(), {rows})))
    return failure();
  // sinkhorn_c4
  if (failed(expectStaticShape(*this, "col", getCol(), {cols})))
    return failure();
  // sinkhorn_c5
  if (static_cast<int64_t>(getIterations()) < 1)
    return emitOpError("iterations: expected at least 1, got ")
           << static_cast<int64_t>(getIterations());
  // sinkhorn_c6
  std::optional<double> rowSum, colSum;
  if (!ShapedType::isDynamic(rows))
    rowSum = colSum = static_cast<double>(rows);
  if (failed(readMarginal(*this, "row", getRow(), rowSum)) ||
      failed(readMarginal(*this, "col", getCol(), colSum)))
    return failure();
  if (rowSum && colSum &&
      std::abs(*rowSum - *colSum) > 1e-3 * std::max(*rowSum, *colSum))
    return emitOpError("marginals: expected equal sums, got ")
           << *rowSum << " for rows and " << *colSum << " for columns";
  // sinkhorn_c7
  if (failed(expectStatic(*this, "plan", getPlan(), 1)))
    return failure();
  return expectShape(*this, "plan", getPlan(), {rows, cols});
}

LogicalResult
SinkhornOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getScores(), 0),
             builder.getIndexAttr(dimSize(getScores(), 1))}};
  return success();
}

//===----------------------------------------------------------------------===//
// assign
//===----------------------------------------------------------------------===//

LogicalResult AssignOp::verify() {
  // assign_c1
  if (failed(expectStatic(*this, "scores", getScores(), 1)))
    return failure();
  int64_t rows = dimSize(getScores(), 0);
  // assign_c2
  if (failed(expectStaticShape(*this, "capacity", getCapacity(),
                               {dimSize(getScores(), 1)})))
    return failure();
  // assign_c3
  DenseIntElementsAttr capacities;
  if (matchPattern(getCapacity(), m_Constant(&capacities))) {
    int64_t repeats = getRepeats(capacities);
    auto values = capacities.getValues<int32_t>();
    int64_t sum = 0;
    for (int64_t i = 0, e = capacities.getNumElements() / repeats; i < e; ++i) {
      if (values[i] < 0)
        return emitOpError("capacity: expected values >= 0, got ") << values[i];
      sum += multiplySizes(values[i], repeats);
    }
    if (!ShapedType::isDynamic(rows) && sum != rows)
      return emitOpError("capacity: expected a sum of ")
             << rows << ", the number of rows, got " << sum;
  }
  // assign_c4
  return expectShape(*this, "member", getMember(), {rows});
}

LogicalResult AssignOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes = {{reifyDim(builder, getLoc(), getScores(), 0)}};
  return success();
}

//===----------------------------------------------------------------------===//
// straight_through
//===----------------------------------------------------------------------===//

LogicalResult StraightThroughOp::verify() {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(getHard().getType()).getShape();
  // straight_through_c1
  if (failed(expectShape(*this, "soft", getSoft(), shape)))
    return failure();
  // straight_through_c2
  return expectShape(*this, "result", getResult(), shape);
}

LogicalResult
StraightThroughOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes = {tensor::getMixedSizes(builder, getLoc(), getHard())};
  return success();
}

OpFoldResult StraightThroughOp::fold(FoldAdaptor) {
  bool same =
      getHard() == getSoft() && getHard().getType() == getResult().getType();
  return same ? OpFoldResult(getHard()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// one_hot
//===----------------------------------------------------------------------===//

LogicalResult OneHotOp::verify() {
  // one_hot_c1
  if (failed(expectShape(*this, "result", getResult(),
                         {dimSize(getIndices(), 0), dimSize(getResult(), 1)})))
    return failure();
  // one_hot_c2
  bool dynamic = ShapedType::isDynamic(dimSize(getResult(), 1));
  if (dynamic && !getSize())
    return emitOpError("a dynamic width needs a size, got ")
           << getResult().getType();
  if (!dynamic && getSize())
    return emitOpError("a static width takes no size, got ")
           << getResult().getType();
  return success();
}

LogicalResult OneHotOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  OpFoldResult width = builder.getIndexAttr(dimSize(getResult(), 1));
  if (getSize()) {
    Value zero = arith::ConstantIndexOp::create(builder, getLoc(), 0);
    width =
        arith::MaxSIOp::create(builder, getLoc(), getSize(), zero).getResult();
  }
  shapes = {{reifyDim(builder, getLoc(), getIndices(), 0), width}};
  return success();
}

OpFoldResult OneHotOp::fold(FoldAdaptor adaptor) {
  auto indices =
      dyn_cast_if_present<DenseIntElementsAttr>(adaptor.getIndices());
  auto type = cast<RankedTensorType>(getResult().getType());
  if (!indices || !isFoldable(type))
    return {};
  int64_t width = type.getDimSize(1);
  auto element = cast<FloatType>(type.getElementType());
  SmallVector<Attribute> values(type.getNumElements(),
                                FloatAttr::get(element, 0.0));
  int64_t slots =
      indices.getNumElements() / std::max<int64_t>(type.getDimSize(0), 1);
  for (auto [i, index] : llvm::enumerate(indices.getValues<int32_t>()))
    if (index >= 0 && index < width)
      values[i / slots * width + index] = FloatAttr::get(element, 1.0);
  return DenseElementsAttr::get(type, values);
}
