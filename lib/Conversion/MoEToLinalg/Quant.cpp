//===- Quant.cpp - dequantize, element by element -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace moe;

namespace {

/// (value - zero) * scale, with the scale and the zero of the element's group.
struct ConvertDequantize : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The numbers of f4E2M1FN by their code.
  static Value e2m1Table(TensorBuilder &b, Type acc) {
    constexpr double kNumbers[] = {0,    0.5,  1,  1.5,  2,  3,  4,  6,
                                   -0.0, -0.5, -1, -1.5, -2, -3, -4, -6};
    auto type = RankedTensorType::get({16}, acc);
    SmallVector<Attribute> elements;
    for (double number : kNumbers)
      elements.push_back(b.getFloatAttr(acc, number));
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, elements));
  }

  /// table[low four bits of code], for a code of four bits or more.
  static Value lookUp(TensorBuilder &b, Value table, Value code, Type acc) {
    Type i32 = b.getI32Type();
    Value wide = arith::ExtUIOp::create(b, i32, code);
    Value low = arith::AndIOp::create(b, wide, b.i32Constant(15));
    Value index = arith::IndexCastOp::create(b, b.getIndexType(), low);
    return b.convertFloat(b.extract(table, index), acc);
  }

  /// 2^(byte - 127), NaN for 255: the bits of a float of 32 bits, whose
  /// exponent is the byte; 2^-127 has no exponent, but a mantissa.
  static Value emitE8M0(TensorBuilder &b, Value scale, Type acc) {
    Type i32 = b.getI32Type();
    Value byte = arith::ExtUIOp::create(
        b, i32, arith::BitcastOp::create(b, b.getI8Type(), scale));
    auto is = [&](int64_t number) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, byte,
                                   b.i32Constant(number));
    };
    Value bits = arith::ShLIOp::create(b, byte, b.i32Constant(23));
    bits = arith::SelectOp::create(b, is(0), b.i32Constant(0x00400000), bits);
    bits = arith::SelectOp::create(b, is(255), b.i32Constant(0x7fc00000), bits);
    Value number = arith::BitcastOp::create(b, b.getF32Type(), bits);
    return b.convertFloat(number, acc);
  }

  /// A scalar of any operand as a number of the type `acc`.
  static Value toNumber(TensorBuilder &b, Value scalar, Type acc, Value e2m1) {
    Type type = scalar.getType();
    if (type.isInteger())
      return arith::SIToFPOp::create(b, acc, scalar);
    if (isa<Float4E2M1FNType>(type))
      return lookUp(b, e2m1,
                    arith::BitcastOp::create(b, b.getIntegerType(4), scalar),
                    acc);
    if (isa<Float8E8M0FNUType>(type))
      return emitE8M0(b, scalar, acc);
    return b.convertFloat(scalar, acc);
  }

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getQ().getType());
    auto scaleType = cast<RankedTensorType>(op.getScales().getType());
    Type element = getElementTypeOrSelf(op.getType());
    SmallVector<Type> types{op.getType(), scaleType};
    for (Value operand : {Value(op.getZeros()), Value(op.getCodebook())})
      if (operand)
        types.push_back(operand.getType());
    FloatType acc = getAccumulatorType(types);
    Value codebook = op.getCodebook(), e2m1;
    if (isa<Float4E2M1FNType>(type.getElementType()))
      e2m1 = e2m1Table(b, acc);

    // Position j along the axis belongs to group j floordiv (A/G).
    int64_t axis = op.getAxis();
    int64_t groupSize = type.getDimSize(axis) / scaleType.getDimSize(axis);
    AffineMap full = b.getMultiDimIdentityMap(type.getRank());
    SmallVector<AffineExpr> group(full.getResults());
    group[axis] = group[axis].floorDiv(groupSize);
    AffineMap ofGroup =
        AffineMap::get(type.getRank(), 0, group, b.getContext());
    SmallVector<Value> inputs{op.getQ(), op.getScales()};
    SmallVector<AffineMap> maps{full, ofGroup};
    if (op.getZeros()) {
      inputs.push_back(op.getZeros());
      maps.push_back(ofGroup);
    }
    maps.push_back(full);
    Value result = b.generic(
        inputs, maps, b.empty(b.sizes(op.getQ()), element),
        [&](ValueRange args) {
          Value value = codebook ? lookUp(b, codebook, args[0], acc)
                                 : toNumber(b, args[0], acc, e2m1);
          if (op.getZeros())
            value = arith::SubFOp::create(b, value,
                                          toNumber(b, args[2], acc, e2m1));
          Value scaled =
              arith::MulFOp::create(b, value, toNumber(b, args[1], acc, e2m1));
          return b.convertFloat(scaled, element);
        });
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateQuantPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertDequantize>(patterns.getContext());
}
