//===- Cpu.cpp - the stages of pipeline `cpu` -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
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
void moe::addCpuKernels(OpPassManager &pm, const CpuTarget &target) {
  addInlined(pm);
  // Products inside of larger ops: experts have kernels of their own.
  MoEDecomposeOptions decompose;
  decompose.experts = false;
  pm.addPass(createMoEDecompose(decompose));
  pm.addPass(createMoETabulateLoop());
  addCleanup(pm);
  pm.addPass(createMoERaiseMatmul());
  pm.addPass(createConvertMoEToMoEK());
  pm.addPass(createMoEKFuse());
  MoEKPackOptions pack;
  pack.panel = target.panel;
  pack.block = target.block;
  pack.chunk = target.chunk;
  pm.addPass(createMoEKPack(pack));
  pm.addPass(createConvertMoERoutingToMoEK());
  addLinalg(pm);
}

// moek and linalg on memrefs -> scf/vector/memref/arith/math and calls of the
// runtime
void moe::addCpuLoops(OpPassManager &pm, const CpuTarget &target) {
  pm.addPass(createMoELowerChecks());
  pm.addPass(createMoELowerCalls());
  ConvertLinalgToCPUOptions linalg;
  linalg.lanes = target.lanes;
  pm.addPass(createConvertLinalgToCPU(linalg));
  ConvertMoEKToCPUOptions options;
  options.lanes = target.lanes;
  options.rowsPerTile = target.rowsPerTile;
  options.panel = target.panel;
  options.block = target.block;
  options.chunk = target.chunk;
  options.dot = target.dot;
  options.prefetch = target.prefetch;
  options.unroll = target.unroll;
  options.inPlaceRowsOutIn = target.inPlaceRowsOutIn;
  options.inPlaceRowsInOut = target.inPlaceRowsInOut;
  pm.addPass(createConvertMoEKToCPU(options));
  pm.addPass(createConvertLinalgToLoopsPass());
  addCleanup(pm);
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createMoEOutlineParallel());
  addCleanup(pm);
}
