//===- DecomposeTransport.cpp - one_hot as linalg -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decompositions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace moe;

namespace {

/// result[n,e] = 1 wherever one of the indices of n is e.
struct DecomposeOneHot : OpRewritePattern<OneHotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(OneHotOp op,
                                PatternRewriter &rewriter) const override {
    TensorBuilder b(op.getLoc(), rewriter);
    Type element = getElementTypeOrSelf(op.getType());
    ReifiedRankedShapedTypeDims shapes;
    if (failed(op.reifyResultShapes(rewriter, shapes)))
      return failure();
    // Loops: n, e and, for several indices, k.
    bool several = op.getIndices().getType().getRank() == 2;
    unsigned loops = several ? 3 : 2;
    auto map = [&](ArrayRef<unsigned> positions) {
      return AffineMap::getMultiDimMapWithTargets(loops, positions,
                                                  b.getContext());
    };
    SmallVector<unsigned> index{0};
    if (several)
      index.push_back(2);
    Value zeros = b.filled(shapes[0], b.floatConstant(element, 0));
    Value result = b.generic(
        op.getIndices(), {map(index), map({0, 1})}, zeros,
        [&](ValueRange args) -> Value {
          Value column = linalg::IndexOp::create(b, 1);
          Value wanted =
              arith::IndexCastOp::create(b, b.getIndexType(), args[0]);
          Value hit = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, wanted,
                                            column);
          return arith::SelectOp::create(b, hit, b.floatConstant(element, 1),
                                         args[1]);
        });
    rewriter.replaceOp(op, b.cast(result, op.getType()));
    return success();
  }
};

} // namespace

void moe::populateTransportDecompositions(RewritePatternSet &patterns) {
  patterns.add<DecomposeOneHot>(patterns.getContext());
}
