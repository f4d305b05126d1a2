//===- Reference.cpp - the stages of pipeline `reference` -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Pipelines/CpuFeatures.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace moe;

void moe::addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

// One function an entry, its requirements written down.
void moe::addInlined(OpPassManager &pm) {
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  addCleanup(pm);
  pm.addPass(createMoECheckOps());
  pm.addPass(createMoEExpandLinalg());
  pm.addPass(createMoEGuardData());
  pm.addPass(createMoERequireShapes());
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
}

// moe -> linalg and loops, for every op that is left
void moe::addLinalg(OpPassManager &pm) {
  pm.addPass(createConvertMoEToLinalg());
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(pm);
  pm.addPass(createMoELoopToSCF());
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(pm);
}

// func + moe + linalg/arith/math/tensor/scf -> the same without moe
void moe::addReferenceKernels(OpPassManager &pm) {
  addInlined(pm);
  pm.addPass(createMoETabulateLoop());
  addLinalg(pm);
}

// tensors -> tensors, with F.prepare beside each entry F
void moe::addPrepared(OpPassManager &pm, bool computeOnWeights) {
  MoESplitPrepareOptions options;
  options.enabled = computeOnWeights;
  pm.addPass(createMoESplitPrepare(options));
  addCleanup(pm);
}

// tensors -> memrefs: linalg/scf/memref/arith/math, one workspace argument
void moe::addBuffers(OpPassManager &pm, bool fuseRows) {
  pm.addPass(createMoEEntry());
  addCleanup(pm);
  pm.addPass(createMoEOutlineRequirements());
  pm.addPass(createMoELoopState());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = false;
  options.allowReturnAllocsFromLoops = true;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(createMoEExpandCopies());
  pm.addPass(createMoESerializeTasks());
  addCleanup(pm);
  if (fuseRows)
    pm.addPass(createMoEFuseRows());
  pm.addNestedPass<func::FuncOp>(bufferization::createBufferLoopHoistingPass());
  pm.addPass(createMoEPlanWorkspace());
  addCleanup(pm);
}

// linalg and moek on memrefs -> scf/memref/arith/math and calls of the runtime
void moe::addReferenceLoops(OpPassManager &pm) {
  pm.addPass(createMoELowerChecks());
  pm.addPass(createMoELowerCalls());
  pm.addPass(createConvertLinalgToLoopsPass());
  addCleanup(pm);
}

// everything upstream -> llvm
void moe::addLlvm(OpPassManager &pm, StringRef target, StringRef cpu) {
  MoEEmitEntryOptions entry;
  entry.target = target.str();
  entry.cpuFeatures = getCpuFeatures(cpu).value_or(0);
  pm.addPass(createMoEEmitEntry(entry));
  pm.addPass(createMoEExpandOps());
  pm.addPass(createLowerAffinePass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createSCFToControlFlowPass());
  // What LLVM has an instruction for must not become a call: fma first of all.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  ConvertVectorToLLVMPassOptions vector;
  vector.x86Vector = true;
  pm.addPass(createConvertVectorToLLVMPass(vector));
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createMoEAnnotateLoops());
  addCleanup(pm);
}
