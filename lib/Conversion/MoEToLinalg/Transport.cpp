//===- Transport.cpp - sinkhorn as a loop, assign as a call ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moe;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The iterations of one sinkhorn, in the accumulator type, on potentials that
/// are updated in place.
class SinkhornEmitter {
public:
  SinkhornEmitter(SinkhornOp op, TensorBuilder &b, FloatType acc)
      : op(op), b(b), acc(acc) {}

  void emit(PatternRewriter &rewriter) {
    Value tau = b.convertFloat(op.getTemperature(), acc);
    exponents =
        b.elementwise(op.getScores(), acc, [&](ValueRange args) -> Value {
          return arith::DivFOp::create(b, b.convertFloat(args[0], acc), tau);
        });
    Value rowMass =
        logOfMass(op.getRow(), 0, [&] { return b.floatConstant(acc, 1); });
    Value colMass = logOfMass(op.getCol(), 1, [&]() -> Value {
      Value rows = arith::IndexCastOp::create(b, b.getI64Type(),
                                              b.dim(op.getScores(), 0));
      Value count = arith::SIToFPOp::create(b, acc, rows);
      double cols = op.getScores().getType().getDimSize(1);
      return arith::DivFOp::create(b, count, b.floatConstant(acc, cols));
    });

    Value zero = b.floatConstant(acc, 0);
    Value f = b.filled({b.size(exponents, 0)}, zero);
    Value g = b.filled({b.size(exponents, 1)}, zero);
    bool rowLast = op.getFinalStep() == FinalStep::row;
    auto loop = scf::ForOp::create(
        b, b.indexConstant(0), b.indexConstant(op.getIterations()),
        b.indexConstant(1), ValueRange{f, g},
        [&](OpBuilder &inner, Location, Value, ValueRange state) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(),
                              inner.getInsertionPoint());
          Value f = state[0], g = state[1];
          if (rowLast)
            g = step(1, f, colMass, g);
          f = step(0, g, rowMass, f);
          if (!rowLast)
            g = step(1, f, colMass, g);
          scf::YieldOp::create(b, ValueRange{f, g});
        });

    AffineMap full = b.getMultiDimIdentityMap(2);
    Type element = getElementTypeOrSelf(op.getPlan());
    Value plan =
        b.generic({exponents, loop.getResult(0), loop.getResult(1)},
                  {full, full.getMajorSubMap(1), full.getMinorSubMap(1), full},
                  b.empty(b.sizes(exponents), element), [&](ValueRange args) {
                    Value sum = arith::AddFOp::create(b, args[0], args[1]);
                    Value power = math::ExpOp::create(
                        b, arith::AddFOp::create(b, sum, args[2]));
                    return b.convertFloat(power, element);
                  });
    rewriter.replaceOp(op, b.cast(plan, op.getPlan().getType()));
  }

private:
  /// The logarithm of a marginal along dimension `dim`, a vector.
  Value logOfMass(Value marginal, unsigned dim,
                  llvm::function_ref<Value()> otherwise) {
    if (!marginal)
      return b.filled({b.size(op.getScores(), dim)},
                      math::LogOp::create(b, otherwise()));
    return b.elementwise(marginal, acc, [&](ValueRange args) -> Value {
      return math::LogOp::create(b, b.convertFloat(args[0], acc));
    });
  }

  /// The potential along dimension `dim` that gives each row (0) or column (1)
  /// its mass, given the `other` potential; written into `old`.
  Value step(unsigned dim, Value other, Value mass, Value old) {
    // Loops: the row or column i, and what is summed over, j.
    auto map = [&](ArrayRef<unsigned> positions) {
      return AffineMap::getMultiDimMapWithTargets(2, positions, b.getContext());
    };
    AffineMap matrix = dim == 0 ? map({0, 1}) : map({1, 0});
    AffineMap kept = map({0}), summed = map({1});
    TensorBuilder::Sizes size{b.size(exponents, dim)};
    Value lowest = b.filled(size, b.floatConstant(acc, -kInfinity));
    Value largest =
        b.generic({exponents, other}, {matrix, summed, kept}, lowest,
                  [&](ValueRange args) -> Value {
                    Value exponent = arith::AddFOp::create(b, args[0], args[1]);
                    return arith::MaximumFOp::create(b, args[2], exponent);
                  });
    // Infinite as it may be, it must not meet itself in a difference.
    Value shift = b.elementwise(largest, acc, [&](ValueRange args) -> Value {
      Value zero = b.floatConstant(acc, 0);
      Value difference = arith::SubFOp::create(b, args[0], args[0]);
      Value finite =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, difference, zero);
      return arith::SelectOp::create(b, finite, args[0], zero);
    });
    Value sum = b.generic(
        {exponents, other, shift}, {matrix, summed, kept, kept},
        b.filled(size, b.floatConstant(acc, 0)), [&](ValueRange args) -> Value {
          Value exponent = arith::AddFOp::create(b, args[0], args[1]);
          Value power = math::ExpOp::create(
              b, arith::SubFOp::create(b, exponent, args[2]));
          return arith::AddFOp::create(b, args[3], power);
        });
    AffineMap identity = b.getMultiDimIdentityMap(1);
    return b.generic(
        {shift, sum, mass}, {identity, identity, identity, identity}, old,
        [&](ValueRange args) -> Value {
          // What nothing can flow through keeps -inf instead of inf.
          Value flow = arith::AddFOp::create(b, args[0],
                                             math::LogOp::create(b, args[1]));
          Value nothing = b.floatConstant(acc, -kInfinity);
          Value blocked = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                flow, nothing);
          Value potential = arith::SubFOp::create(b, args[2], flow);
          return arith::SelectOp::create(b, blocked, nothing, potential);
        });
  }

  SinkhornOp op;
  TensorBuilder &b;
  FloatType acc;
  Value exponents; // scores / temperature, [n,E]
};

struct ConvertSinkhorn : OpRewritePattern<SinkhornOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SinkhornOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    SmallVector<Type> types(op->getOperandTypes());
    types.push_back(op.getPlan().getType());
    SinkhornEmitter(op, b, getAccumulatorType(types)).emit(rewriter);
    return success();
  }
};

/// A call of the runtime, which compares f32 or f64: both hold the narrow
/// types.
struct ConvertAssign : OpRewritePattern<AssignOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AssignOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    FloatType acc = getAccumulatorType(op.getScores().getType());
    Value scores = b.convert(op.getScores(), acc);
    Value init = b.empty(reifyResult(b, op->getResult(0)), b.getI32Type());
    Value member = moek::AssignOp::create(b, TypeRange{init.getType()}, scores,
                                          op.getCapacity(), init,
                                          op.getMethod() == AssignMethod::exact)
                       .getResult()[0];
    rewriter.replaceOp(op, b.cast(member, op.getType()));
    return success();
  }
};

/// Forward, it is its hard operand.
struct ConvertStraightThrough : OpRewritePattern<StraightThroughOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(StraightThroughOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Value hard = b.convert(op.getHard(), getElementTypeOrSelf(op.getType()));
    rewriter.replaceOp(op, b.cast(hard, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateTransportPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertSinkhorn, ConvertAssign, ConvertStraightThrough>(
      patterns.getContext());
}
