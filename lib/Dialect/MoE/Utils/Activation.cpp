//===- Activation.cpp - activation functions on scalars -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/Utils/Activation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moe;

/// numerator / (1 + exp(-x)).
static Value divideByOnePlusExp(ImplicitLocOpBuilder &b, Value numerator,
                                Value x) {
  Value one = arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), 1.0));
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, numerator,
                               arith::AddFOp::create(b, power, one));
}

Value moe::emitSigmoid(ImplicitLocOpBuilder &b, Value x) {
  Value one = arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), 1.0));
  return divideByOnePlusExp(b, one, x);
}

Value moe::emitActivation(ImplicitLocOpBuilder &b, Activation activation,
                          Value x, double alpha) {
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), value));
  };
  auto multiply = [&](Value a, Value c) -> Value {
    return arith::MulFOp::create(b, a, c);
  };
  auto add = [&](Value a, Value c) -> Value {
    return arith::AddFOp::create(b, a, c);
  };
  switch (activation) {
  case Activation::none:
    return x;
  case Activation::silu:
    return divideByOnePlusExp(b, x,
                              alpha == 1.0 ? x : multiply(constant(alpha), x));
  case Activation::sigmoid:
    return emitSigmoid(b, x);
  case Activation::gelu: {
    Value erf = math::ErfOp::create(b, multiply(x, constant(M_SQRT1_2)));
    return multiply(multiply(constant(0.5), x), add(constant(1.0), erf));
  }
  case Activation::gelu_tanh: {
    // x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
    Value cube = multiply(multiply(x, x), x);
    Value inner = add(x, multiply(constant(0.044715), cube));
    Value tanh = math::TanhOp::create(
        b, multiply(constant(M_2_SQRTPI * M_SQRT1_2), inner));
    return multiply(multiply(constant(0.5), x), add(constant(1.0), tanh));
  }
  case Activation::relu:
    return arith::MaximumFOp::create(b, x, constant(0.0));
  case Activation::relu2: {
    Value positive = arith::MaximumFOp::create(b, x, constant(0.0));
    return multiply(positive, positive);
  }
  }
  llvm_unreachable("covered switch");
}
