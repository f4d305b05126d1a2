//===- Norm.cpp - norms of the rows of a tensor ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/Utils/Norm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moe;

/// The mean of term(x) over each row of `rows` [N,d], [N].
static Value meanOfRows(TensorBuilder &b, Value rows,
                        llvm::function_ref<Value(Value)> term) {
  auto type = cast<RankedTensorType>(rows.getType());
  Type element = type.getElementType();
  Value sum = b.reduceLast(
      rows, b.floatConstant(element, 0), [&](ValueRange args) -> Value {
        return arith::AddFOp::create(b, args[1], term(args[0]));
      });
  return b.elementwise(sum, element, [&](ValueRange args) -> Value {
    return arith::DivFOp::create(b, args[0],
                                 b.floatConstant(element, type.getDimSize(1)));
  });
}

Value moe::emitNorm(TensorBuilder &b, Value rows, Norm norm, double epsilon,
                    Value gain) {
  Type element = getElementTypeOrSelf(rows);
  if (norm == Norm::layer) {
    Value mean = meanOfRows(b, rows, [](Value x) { return x; });
    rows = b.withRows(rows, mean, element, [&](ValueRange args) -> Value {
      return arith::SubFOp::create(b, args[0], args[1]);
    });
  }
  Value meanSquare = meanOfRows(b, rows, [&](Value x) -> Value {
    return arith::MulFOp::create(b, x, x);
  });
  Value root =
      b.elementwise(meanSquare, element, [&](ValueRange args) -> Value {
        Value sum = arith::AddFOp::create(b, args[0],
                                          b.floatConstant(element, epsilon));
        return math::SqrtOp::create(b, sum);
      });
  Value result = b.withRows(rows, root, element, [&](ValueRange args) -> Value {
    return arith::DivFOp::create(b, args[0], args[1]);
  });
  if (!gain)
    return result;
  return b.withVector(result, gain, element, [&](ValueRange args) -> Value {
    return arith::MulFOp::create(b, args[0], b.convertFloat(args[1], element));
  });
}
