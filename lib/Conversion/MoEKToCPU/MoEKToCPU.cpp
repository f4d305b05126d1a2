//===- MoEKToCPU.cpp - kernels as loops over vectors ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"
#include "SelectEmitter.h"
#include "Vectorize.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTMOEKTOCPU
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// A pack as one phase: (group, panel).
void emitPack(KernelBuilder &b, moek::PackOp op, int64_t lanes) {
  auto type = cast<MemRefType>(op.getWeights()[0].getType());
  int64_t acc = op.getWeights().size();
  int64_t rank = type.getRank(), k = type.getDimSize(rank - 2),
          n = type.getDimSize(rank - 1);
  if (op.getTransposed())
    std::swap(k, n);
  moek::LayoutAttr layout = op.getLayout();
  moek::KBlocks blocks = moek::splitK(layout, k);
  PlainWeights weights{SmallVector<Value>(op.getWeights()),
                       op.getTransposed(),
                       k,
                       n,
                       layout.getPanel(),
                       blocks.size,
                       layout.getPair(),
                       lanes,
                       /*panels=*/1,
                       /*whole=*/n % (layout.getPanel() / acc) == 0};
  int64_t panels = llvm::divideCeil(n, weights.columns());
  int64_t chunkPanels = std::min(layout.getChunk(), panels);
  int64_t groups = cast<MemRefType>(op.getInit().getType()).getDimSize(0);
  int64_t blockSize = blocks.size * layout.getPanel();
  b.parallel(b.index(groups * panels), [&](Value task) {
    Value group = b.div(task, panels), panel = b.rem(task, panels);
    Value chunk = b.div(panel, chunkPanels),
          inChunk = b.rem(panel, chunkPanels);
    Value count = b.min(b.index(chunkPanels),
                        b.sub(b.index(panels), b.mul(chunk, chunkPanels)));
    Value start = b.mul(chunk, chunkPanels * blocks.count * blockSize);
    b.loop(blocks.count, [&](Value kBlock) {
      Value number = b.add(arith::MulIOp::create(b, kBlock, count), inChunk);
      emitPackBlock(
          b, weights, {group, kBlock, b.mul(panel, weights.columns())},
          {op.getInit(), group, b.add(start, b.mul(number, blockSize))});
    });
  });
}

struct ConvertMoEKToCPUPass
    : moe::impl::ConvertMoEKToCPUBase<ConvertMoEKToCPUPass> {
  using ConvertMoEKToCPUBase::ConvertMoEKToCPUBase;

  /// Emits `op` if it is a kernel of routing or grouping.
  void emitRouting(Operation *op) {
    KernelBuilder b(op->getLoc(), op);
    if (auto route = dyn_cast<moek::RouteOp>(op))
      emitRoute(b, route, lanes);
    else if (auto topK = dyn_cast<moek::TopKOp>(op))
      emitTopK(b, topK, lanes);
    else if (auto group = dyn_cast<moek::GroupOp>(op))
      emitGroup(b, group, lanes);
    else
      return;
    op->erase();
  }

  void runOnOperation() override {
    CpuKernelOptions options{lanes,
                             rowsPerTile,
                             panel,
                             block,
                             blockInOut,
                             chunk,
                             dot,
                             prefetchL2,
                             prefetchL1,
                             unroll,
                             packPanels,
                             {inPlaceOutIn, inPlaceOutInBf16},
                             {inPlaceInOut, inPlaceInOutBf16}};
    SmallVector<moek::GemmOp> gemms;
    SmallVector<moek::PackOp> packs;
    getOperation()->walk([&](moek::GemmOp op) { gemms.push_back(op); });
    getOperation()->walk([&](moek::PackOp op) { packs.push_back(op); });
    for (moek::PackOp op : packs) {
      KernelBuilder b(op.getLoc(), op);
      emitPack(b, op, lanes);
      op.erase();
    }
    for (moek::GemmOp op : gemms) {
      if (!isElementwise(*op.getBody())) {
        op.emitOpError("epilogue: expected ops that work on vectors");
        return signalPassFailure();
      }
      KernelBuilder b(op.getLoc(), op);
      GemmEmitter(b, op, options).emit();
      op.erase();
    }
    getOperation()->walk([&](Operation *op) { emitRouting(op); });
    if (failed(lowerMath()))
      signalPassFailure();
  }

  /// Vector functions as polynomials: there is no vector math library to call.
  /// What these are made of are instructions, and must not become calls either.
  LogicalResult lowerMath() {
    RewritePatternSet polynomials(&getContext());
    populateMathPolynomialApproximationPatterns(polynomials);
    if (failed(applyPatternsGreedily(getOperation(), std::move(polynomials))))
      return failure();
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    populateMathToLLVMConversionPatterns(converter, patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalOp<math::AbsFOp, math::CeilOp, math::CopySignOp,
                        math::FloorOp, math::FmaOp, math::RoundEvenOp,
                        math::SqrtOp, math::TruncOp>();
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }
};

} // namespace
