//===- TensorBuilder.cpp - linalg on tensors in a few words ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace moe;

Value TensorBuilder::floatConstant(Type type, double value) {
  return arith::ConstantOp::create(*this, getFloatAttr(type, value));
}

Value TensorBuilder::indexConstant(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value TensorBuilder::i32Constant(int64_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}

Value TensorBuilder::convertFloat(Value value, Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  unsigned toWidth = type.getIntOrFloatBitWidth();
  if (fromWidth < toWidth)
    return arith::ExtFOp::create(*this, type, value);
  if (fromWidth > toWidth)
    return arith::TruncFOp::create(*this, type, value);
  // f16 and bf16: by f32, which holds both.
  Value wide = arith::ExtFOp::create(*this, getF32Type(), value);
  return arith::TruncFOp::create(*this, type, wide);
}

Value TensorBuilder::materialize(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(*this, getLoc(), size);
}

OpFoldResult TensorBuilder::multiply(OpFoldResult a, int64_t b) {
  if (std::optional<int64_t> constant = getConstantIntValue(a))
    return getIndexAttr(*constant * b);
  return arith::MulIOp::create(*this, materialize(a), indexConstant(b))
      .getResult();
}

TensorBuilder::Sizes TensorBuilder::sizes(Value tensor) {
  Sizes result;
  int64_t rank = llvm::cast<RankedTensorType>(tensor.getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim)
    result.push_back(size(tensor, dim));
  return result;
}

OpFoldResult TensorBuilder::size(Value tensor, unsigned dim) {
  return getSize(*this, getLoc(), tensor, dim);
}

Value TensorBuilder::dim(Value tensor, unsigned dim) {
  return materialize(size(tensor, dim));
}

Value TensorBuilder::empty(ArrayRef<OpFoldResult> sizes, Type element) {
  return tensor::EmptyOp::create(*this, sizes, element);
}

Value TensorBuilder::filled(ArrayRef<OpFoldResult> sizes, Value value) {
  return linalg::FillOp::create(*this, value, empty(sizes, value.getType()))
      .getResult(0);
}

Value TensorBuilder::extract(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(*this, tensor, indices);
}

Value TensorBuilder::insert(Value scalar, Value tensor, ValueRange indices) {
  return tensor::InsertOp::create(*this, scalar, tensor, indices);
}

Value TensorBuilder::convert(Value tensor, Type element) {
  if (getElementTypeOrSelf(tensor) == element)
    return tensor;
  return elementwise(tensor, element, [&](ValueRange args) {
    return convertFloat(args[0], element);
  });
}

Value TensorBuilder::cast(Value tensor, Type type) {
  if (tensor.getType() == type)
    return tensor;
  return tensor::CastOp::create(*this, type, tensor);
}

Value TensorBuilder::generic(ValueRange inputs, ArrayRef<AffineMap> maps,
                             Value init, Body body) {
  AffineMap outputMap = maps.back();
  SmallVector<utils::IteratorType> iterators(outputMap.getNumDims(),
                                             utils::IteratorType::reduction);
  for (AffineExpr result : outputMap.getResults())
    iterators[llvm::cast<AffineDimExpr>(result).getPosition()] =
        utils::IteratorType::parallel;
  auto op = linalg::GenericOp::create(
      *this, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
      iterators, [&](OpBuilder &inner, Location, ValueRange args) {
        // The body is written with this builder, at the inner position.
        OpBuilder::InsertionGuard guard(*this);
        setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
        Value result = body(args);
        linalg::YieldOp::create(*this, result);
      });
  return op.getResult(0);
}

Value TensorBuilder::elementwise(ValueRange inputs, Type element, Body body) {
  unsigned rank = llvm::cast<RankedTensorType>(inputs[0].getType()).getRank();
  SmallVector<AffineMap> maps(inputs.size() + 1, getMultiDimIdentityMap(rank));
  return generic(inputs, maps, empty(sizes(inputs[0]), element), body);
}

Value TensorBuilder::withRows(Value matrix, ValueRange rows, Type element,
                              Body body) {
  AffineMap full = getMultiDimIdentityMap(2);
  SmallVector<AffineMap> maps(rows.size() + 2, full.getMajorSubMap(1));
  maps.front() = maps.back() = full;
  SmallVector<Value> inputs{matrix};
  llvm::append_range(inputs, rows);
  return generic(inputs, maps, empty(sizes(matrix), element), body);
}

Value TensorBuilder::withVector(Value tensor, Value vector, Type element,
                                Body body) {
  unsigned rank = llvm::cast<RankedTensorType>(tensor.getType()).getRank();
  AffineMap full = getMultiDimIdentityMap(rank);
  return generic({tensor, vector}, {full, full.getMinorSubMap(1), full},
                 empty(sizes(tensor), element), body);
}

Value TensorBuilder::reduceLast(Value tensor, Value start, Body body) {
  unsigned rank = llvm::cast<RankedTensorType>(tensor.getType()).getRank();
  AffineMap full = getMultiDimIdentityMap(rank);
  Sizes outer = sizes(tensor);
  outer.pop_back();
  return generic(tensor, {full, full.getMajorSubMap(rank - 1)},
                 filled(outer, start), body);
}

Value TensorBuilder::softmax(Value matrix) {
  Type type = getElementTypeOrSelf(matrix);
  Value lowest = floatConstant(type, -std::numeric_limits<double>::infinity());
  Value largest = reduceLast(matrix, lowest, [&](ValueRange args) -> Value {
    return arith::MaximumFOp::create(*this, args[0], args[1]);
  });
  Value powers = withRows(matrix, largest, type, [&](ValueRange args) -> Value {
    Value shifted = arith::SubFOp::create(*this, args[0], args[1]);
    return math::ExpOp::create(*this, shifted);
  });
  Value sum =
      reduceLast(powers, floatConstant(type, 0), [&](ValueRange args) -> Value {
        return arith::AddFOp::create(*this, args[1], args[0]);
      });
  return withRows(powers, sum, type, [&](ValueRange args) -> Value {
    return arith::DivFOp::create(*this, args[0], args[1]);
  });
}
