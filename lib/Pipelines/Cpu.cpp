//===- Cpu.cpp - the stages of pipeline `cpu` -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "moe/Analysis/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoEK/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace moe;

// func + moe + linalg/arith/math/tensor/scf -> moek + the same without moe
void moe::addCpuKernels(OpPassManager &pm, const PipelineOptions &options) {
  CpuTarget target = getCpuTarget(options.cpu);
  addInlined(pm);
  // Products inside of larger ops; experts have kernels of their own.
  MoEDecomposeOptions decompose;
  decompose.experts = !options.has("ffn");
  pm.addPass(createMoEDecompose(decompose));
  pm.addPass(createMoETabulateLoop());
  addCleanup(pm);
  if (options.has("raise"))
    pm.addPass(createMoERaiseMatmul());
  pm.addPass(createConvertMoEToMoEK());
  MoEKFuseOptions fuse;
  fuse.scale = options.has("scale");
  fuse.gather = options.has("gather");
  fuse.transpose = options.has("transpose");
  fuse.slice = options.has("slice");
  fuse.epilogue = options.has("epilogue");
  fuse.merge = options.has("merge");
  fuse.combine = options.has("combine");
  fuse.residual = options.has("residual");
  pm.addPass(createMoEKFuse(fuse));
  MoEKPackOptions pack;
  pack.panel = target.panel;
  pack.block = target.block;
  pack.chunk = target.chunk;
  if (options.has("pack"))
    pm.addPass(createMoEKPack(pack));
  ConvertMoERoutingToMoEKOptions routing;
  routing.select = options.has("select");
  routing.group = options.has("group");
  pm.addPass(createConvertMoERoutingToMoEK(routing));
  addLinalg(pm);
}

// moek and linalg on memrefs -> scf/vector/memref/arith/math and calls of the
// runtime
void moe::addCpuLoops(OpPassManager &pm, const PipelineOptions &options) {
  CpuTarget target = getCpuTarget(options.cpu);
  pm.addPass(createMoEReportPhases());
  pm.addPass(createMoELowerChecks());
  pm.addPass(createMoELowerCalls());
  if (options.has("share"))
    pm.addPass(createMoESharePhases());
  ConvertLinalgToCPUOptions linalg;
  linalg.lanes = options.has("vectors") ? target.lanes : 1;
  linalg.parallel = options.has("tasks");
  pm.addPass(createConvertLinalgToCPU(linalg));
  ConvertMoEKToCPUOptions kernels;
  kernels.lanes = target.lanes;
  kernels.rowsPerTile = target.rowsPerTile;
  kernels.panel = target.panel;
  kernels.block = target.block;
  kernels.blockInOut = target.blockInOut;
  kernels.chunk = target.chunk;
  kernels.dot = target.dot;
  kernels.prefetchL2 = target.prefetchL2;
  kernels.prefetchL1 = target.prefetchL1;
  kernels.unroll = target.unroll;
  kernels.packPanels = target.packPanels;
  kernels.inPlaceOutIn = target.inPlaceOutIn;
  kernels.inPlaceOutInBf16 = target.inPlaceOutInBf16;
  kernels.inPlaceInOut = target.inPlaceInOut;
  kernels.inPlaceInOutBf16 = target.inPlaceInOutBf16;
  pm.addPass(createConvertMoEKToCPU(kernels));
  pm.addPass(createConvertLinalgToLoopsPass());
  addCleanup(pm);
  pm.addPass(createLoopInvariantCodeMotionPass());
  MoEOutlineParallelOptions outline;
  outline.share = options.has("share");
  pm.addPass(createMoEOutlineParallel(outline));
  addCleanup(pm);
}
