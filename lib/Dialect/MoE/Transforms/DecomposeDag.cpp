//===- DecomposeDag.cpp - dag_aggregate as matmuls and linalg -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompositions.h"
#include "moe/Dialect/MoE/Utils/Activation.h"
#include "moe/Dialect/MoE/Utils/Norm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moe;

FloatType moe::getAccumulatorOf(Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  llvm::erase_if(types, [](Type type) {
    return !isa<FloatType>(getElementTypeOrSelf(type));
  });
  return getAccumulatorType(types);
}

Value moe::emitMatmul(TensorBuilder &b, Value lhs, Value rhs, Value init) {
  return linalg::MatmulOp::create(b, ValueRange{lhs, rhs}, ValueRange{init})
      .getResult(0);
}

Value moe::emitMatmul(TensorBuilder &b, Value lhs, Value rhs, Type element) {
  return emitMatmul(
      b, lhs, rhs,
      b.filled({b.size(lhs, 0), b.size(rhs, 1)}, b.floatConstant(element, 0)));
}

namespace {

/// The steps of one dag_aggregate, in the accumulator type: the nodes are a
/// [T*K,d] matrix in the products, [T,K,..] between them.
class DagEmitter {
public:
  DagEmitter(DagAggregateOp op, TensorBuilder &b)
      : op(op), b(b), acc(getAccumulatorOf(op)),
        tokens(b.size(op.getSlots(), 0)) {}

  void emit(PatternRewriter &rewriter) {
    Value nodes = collapse(emitNodes());
    for (int64_t depth = 0; depth < op.getDepth(); ++depth)
      nodes = emitStep(nodes, depth);
    Value y =
        b.convert(sumNodes(expand(nodes)), getElementTypeOrSelf(op.getY()));
    rewriter.replaceOp(op, b.cast(y, op.getY().getType()));
  }

private:
  AffineMap map(unsigned loops, ArrayRef<unsigned> positions) {
    return AffineMap::getMultiDimMapWithTargets(loops, positions,
                                                b.getContext());
  }

  /// Is the node with this entry of the mask there?
  Value isLive(Value mask) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, mask,
                                 b.i32Constant(0));
  }

  /// [T,K,n] -> [T*K,n].
  Value collapse(Value slots) {
    return tensor::CollapseShapeOp::create(
        b, slots, ArrayRef<ReassociationIndices>{{0, 1}, {2}});
  }

  /// [T*K,n] -> [T,K,n].
  Value expand(Value rows) {
    auto type = cast<RankedTensorType>(rows.getType());
    TensorBuilder::Sizes sizes{tokens, b.getIndexAttr(op.getNumSlots()),
                               b.getIndexAttr(type.getDimSize(1))};
    auto expanded =
        RankedTensorType::get({op.getSlots().getType().getDimSize(0),
                               op.getNumSlots(), type.getDimSize(1)},
                              type.getElementType());
    return tensor::ExpandShapeOp::create(
        b, expanded, rows, ArrayRef<ReassociationIndices>{{0, 1}, {2}}, sizes);
  }

  /// Element `depth` of a weight stacked over the depths.
  Value atDepth(Value weight, int64_t depth) {
    auto type = cast<RankedTensorType>(weight.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
        sizes = b.sizes(weight), strides(type.getRank(), b.getIndexAttr(1));
    offsets[0] = b.getIndexAttr(depth);
    sizes[0] = b.getIndexAttr(1);
    return tensor::ExtractSliceOp::create(
        b,
        RankedTensorType::get(type.getShape().drop_front(),
                              type.getElementType()),
        weight, offsets, sizes, strides);
  }

  /// Columns [part * g, (part + 1) * g) of [T,K,4g].
  Value quarter(Value slots, int64_t part) {
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    TensorBuilder::Sizes sizes = b.sizes(slots);
    int64_t width = cast<RankedTensorType>(slots.getType()).getDimSize(2) / 4;
    sizes[2] = b.getIndexAttr(width);
    return tensor::ExtractSliceOp::create(
        b, slots,
        TensorBuilder::Sizes{zero, zero, b.getIndexAttr(part * width)}, sizes,
        TensorBuilder::Sizes{one, one, one});
  }

  /// The nodes before the first step, [T,K,d]; 0 where one is masked.
  Value emitNodes() {
    SmallVector<Value> inputs{op.getSlots()};
    SmallVector<AffineMap> maps{map(3, {0, 1, 2})};
    auto add = [&](Value operand, ArrayRef<unsigned> positions) {
      if (operand) {
        inputs.push_back(operand);
        maps.push_back(map(3, positions));
      }
    };
    add(op.getWeights(), {0, 1});
    add(op.getResidual(), {0, 2});
    add(op.getMask(), {0, 1});
    maps.push_back(maps.front());
    return b.generic(inputs, maps, b.empty(b.sizes(op.getSlots()), acc),
                     [&](ValueRange args) -> Value {
                       unsigned i = 1;
                       Value node = b.convertFloat(args[0], acc);
                       if (op.getWeights())
                         node = arith::MulFOp::create(
                             b, b.convertFloat(args[i++], acc), node);
                       if (op.getResidual()) {
                         Value share = arith::MulFOp::create(
                             b, b.floatConstant(acc, op.getNodeResidualScale()),
                             b.convertFloat(args[i++], acc));
                         node = arith::AddFOp::create(b, node, share);
                       }
                       if (op.getMask())
                         node = arith::SelectOp::create(
                             b, isLive(args[i]), node, b.floatConstant(acc, 0));
                       return node;
                     });
  }

  /// The nodes [T*K,d] after the messages of step `depth`.
  Value emitStep(Value nodes, int64_t depth) {
    Value normed =
        emitNorm(b, nodes, op.getNorm(), op.getEpsilon().convertToDouble(),
                 atDepth(op.getGamma(), depth));
    Value narrow = emitMatmul(b, normed, atDepth(op.getDown(), depth), acc);
    Value parts =
        expand(emitMatmul(b, narrow, atDepth(op.getMessage(), depth), acc));
    Value messages = collapse(emitMessages(parts));
    return emitMatmul(b, messages, atDepth(op.getUp(), depth), nodes);
  }

  /// m[t,i,:] = sum over j of edges[i,j] * gate(a_i + b_j) * (p_i + q_j) over
  /// the live nodes, 0 for a masked i; parts = (a | b | p | q), [T,K,4g].
  Value emitMessages(Value parts) {
    // Loops: t, i, g, j.
    AffineMap receiver = map(4, {0, 1, 2}), sender = map(4, {0, 3, 2});
    Value first = quarter(parts, 0);
    SmallVector<Value> inputs{first, quarter(parts, 1), quarter(parts, 2),
                              quarter(parts, 3)};
    SmallVector<AffineMap> maps{receiver, sender, receiver, sender};
    if (op.getEdges()) {
      inputs.push_back(op.getEdges());
      maps.push_back(map(4, {1, 3}));
    }
    if (op.getMask()) {
      inputs.append(2, op.getMask());
      maps.append({map(4, {0, 1}), map(4, {0, 3})});
    }
    maps.push_back(receiver);
    Value zero = b.filled(b.sizes(first), b.floatConstant(acc, 0));
    return b.generic(inputs, maps, zero, [&](ValueRange args) -> Value {
      Value gate = emitActivation(b, op.getGate(),
                                  arith::AddFOp::create(b, args[0], args[1]));
      Value value = arith::AddFOp::create(b, args[2], args[3]);
      Value message = arith::MulFOp::create(b, gate, value);
      if (op.getEdges())
        message =
            arith::MulFOp::create(b, b.convertFloat(args[4], acc), message);
      Value sum = args.back();
      Value next = arith::AddFOp::create(b, sum, message);
      if (!op.getMask())
        return next;
      // Chosen, not multiplied: a masked node may hold NaN.
      Value live = arith::AndIOp::create(b, isLive(args[args.size() - 3]),
                                         isLive(args[args.size() - 2]));
      return arith::SelectOp::create(b, live, next, sum);
    });
  }

  /// The sum of the live nodes [T,K,d], [T,d].
  Value sumNodes(Value nodes) {
    // Loops: t, d, k.
    SmallVector<Value> inputs{nodes};
    SmallVector<AffineMap> maps{map(3, {0, 2, 1})};
    if (op.getMask()) {
      inputs.push_back(op.getMask());
      maps.push_back(map(3, {0, 2}));
    }
    maps.push_back(map(3, {0, 1}));
    Value zero =
        b.filled({tokens, b.size(op.getSlots(), 2)}, b.floatConstant(acc, 0));
    return b.generic(inputs, maps, zero, [&](ValueRange args) -> Value {
      Value next = arith::AddFOp::create(b, args.back(), args[0]);
      if (!op.getMask())
        return next;
      return arith::SelectOp::create(b, isLive(args[1]), next, args.back());
    });
  }

  DagAggregateOp op;
  TensorBuilder &b;
  FloatType acc;
  OpFoldResult tokens;
};

struct DecomposeDagAggregate : OpRewritePattern<DagAggregateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DagAggregateOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    DagEmitter(op, b).emit(rewriter);
    return success();
  }
};

} // namespace

void moe::populateDagDecompositions(RewritePatternSet &patterns) {
  patterns.add<DecomposeDagAggregate>(patterns.getContext());
}
