//===- QuantOps.cpp - verifier, shape and fold of dequantize --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace moe;

LogicalResult DequantizeOp::verify() {
  auto type = cast<RankedTensorType>(getQ().getType());
  // dequantize_c1
  if (type.getRank() == 0)
    return emitOpError("q: expected a rank of at least 1, got ") << type;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (failed(expectStatic(*this, "q", getQ(), dim)))
      return failure();
  // dequantize_c2
  int64_t axis = getAxis();
  if (axis < 0 || axis >= type.getRank())
    return emitOpError("axis: expected 0 <= axis < ")
           << type.getRank() << ", got " << axis;
  // dequantize_c3
  auto scales = cast<RankedTensorType>(getScales().getType());
  SmallVector<int64_t> shape(type.getShape());
  if (scales.getRank() == type.getRank()) {
    if (failed(expectStatic(*this, "scales", getScales(), axis)))
      return failure();
    shape[axis] = scales.getDimSize(axis);
  }
  if (failed(expectStaticShape(*this, "scales", getScales(), shape)))
    return failure();
  int64_t size = type.getDimSize(axis), groups = scales.getDimSize(axis);
  if (size % groups != 0)
    return emitOpError("scales: ")
           << groups << " groups do not divide the size " << size << " of axis "
           << axis;
  // dequantize_c4
  if (failed(expectStaticShape(*this, "zeros", getZeros(), shape)))
    return failure();
  // dequantize_c5
  if (failed(expectStaticShape(*this, "codebook", getCodebook(), {16})))
    return failure();
  if (getCodebook() && !type.getElementType().isInteger())
    return emitOpError("codebook: expected i8 or i4 codes, got ") << type;
  // dequantize_c6
  return expectStaticShape(*this, "result", getResult(), type.getShape());
}

LogicalResult
DequantizeOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes = {getAsIndexOpFoldResult(
      getContext(), cast<RankedTensorType>(getResult().getType()).getShape())};
  return success();
}

/// The elements of a constant as numbers of the type `semantics`; none if
/// `attribute` is no constant.
static SmallVector<APFloat> readNumbers(Attribute attribute,
                                        const llvm::fltSemantics &semantics) {
  SmallVector<APFloat> numbers;
  auto constant = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!constant)
    return numbers;
  if (isa<IntegerType>(constant.getElementType())) {
    for (const APInt &integer : constant.getValues<APInt>()) {
      numbers.emplace_back(semantics);
      numbers.back().convertFromAPInt(integer, /*IsSigned=*/true,
                                      APFloat::rmNearestTiesToEven);
    }
    return numbers;
  }
  for (APFloat number : constant.getValues<APFloat>()) {
    bool inexact;
    number.convert(semantics, APFloat::rmNearestTiesToEven, &inexact);
    numbers.push_back(number);
  }
  return numbers;
}

OpFoldResult DequantizeOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getResult().getType());
  if (!isFoldable(type))
    return {};
  const llvm::fltSemantics &semantics =
      getAccumulatorType({type, getScales().getType(),
                          getZeros() ? getZeros().getType() : Type(),
                          getCodebook() ? getCodebook().getType() : Type()})
          .getFloatSemantics();
  SmallVector<APFloat> values = readNumbers(adaptor.getQ(), semantics),
                       scales = readNumbers(adaptor.getScales(), semantics),
                       zeros = readNumbers(adaptor.getZeros(), semantics),
                       table = readNumbers(adaptor.getCodebook(), semantics);
  if (values.empty() || scales.empty() || (getZeros() && zeros.empty()) ||
      (getCodebook() && table.empty()))
    return {};

  if (getCodebook())
    for (auto [value, code] :
         llvm::zip(values,
                   cast<DenseElementsAttr>(adaptor.getQ()).getValues<APInt>()))
      value = table[code.extractBitsAsZExtValue(4, 0)];
  // A group is groupSize * inner neighbours; inside it, inner scales repeat.
  int64_t axis = getAxis(), inner = 1;
  for (int64_t size : type.getShape().drop_front(axis + 1))
    inner *= size;
  int64_t groupSize =
      type.getDimSize(axis) / dimSize(getScales(), axis) * inner;
  auto element = cast<FloatType>(type.getElementType());
  for (auto [i, value] : llvm::enumerate(values)) {
    int64_t group = i / groupSize * inner + i % inner;
    if (!zeros.empty())
      value.subtract(zeros[group], APFloat::rmNearestTiesToEven);
    value.multiply(scales[group], APFloat::rmNearestTiesToEven);
    bool inexact;
    value.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &inexact);
  }
  return DenseElementsAttr::get(type, values);
}
