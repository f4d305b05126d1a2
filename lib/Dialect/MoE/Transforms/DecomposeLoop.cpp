//===- DecomposeLoop.cpp - iter_adaln as matmuls and linalg ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompositions.h"
#include "moe/Dialect/MoE/Utils/Activation.h"
#include "moe/Dialect/MoE/Utils/Norm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moe;

namespace {

/// (gamma | beta | alpha) as one matrix, then the norm between gamma and beta.
struct DecomposeIterAdaLN : OpRewritePattern<IterAdaLNOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(IterAdaLNOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    FloatType acc = getAccumulatorOf(op);
    auto add = [&](ValueRange args) -> Value {
      return arith::AddFOp::create(b, args[0], b.convertFloat(args[1], acc));
    };
    Value projected = emitMatmul(b, op.getH(), op.getProject(), acc);
    Value code = b.withVector(projected, op.getV(), acc, [&](ValueRange args) {
      return emitActivation(b, op.getAct(), add(args));
    });
    Value modulation = b.withVector(emitMatmul(b, code, op.getModulate(), acc),
                                    op.getBias(), acc, add);
    // Part 0 is gamma, 1 beta, 2 alpha.
    TensorBuilder::Sizes sizes = b.sizes(op.getH());
    int64_t width = op.getH().getType().getDimSize(1);
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    auto part = [&](int64_t i) -> Value {
      return tensor::ExtractSliceOp::create(
          b, modulation, TensorBuilder::Sizes{zero, b.getIndexAttr(i * width)},
          sizes, TensorBuilder::Sizes{one, one});
    };

    Value normed = emitNorm(b, b.convert(op.getH(), acc), op.getNorm(),
                            op.getEpsilon().convertToDouble());
    Type element = getElementTypeOrSelf(op.getN());
    Value n = b.elementwise(
        {normed, part(0), part(1)}, element, [&](ValueRange args) {
          Value gain =
              arith::AddFOp::create(b, args[1], b.floatConstant(acc, 1));
          Value scaled = arith::MulFOp::create(b, gain, args[0]);
          Value sum = arith::AddFOp::create(b, scaled, args[2]);
          return b.convertFloat(sum, element);
        });
    SmallVector<Value> results{b.cast(n, op.getN().getType())};
    if (op.getAlpha()) {
      Value alpha = b.convert(part(2), getElementTypeOrSelf(op.getAlpha()));
      results.push_back(b.cast(alpha, op.getAlpha().getType()));
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void moe::populateLoopDecompositions(RewritePatternSet &patterns) {
  patterns.add<DecomposeIterAdaLN>(patterns.getContext());
}
