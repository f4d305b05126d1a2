//===- Pipelines.cpp - from a layer to LLVM, stage by stage ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Pipelines.h"
#include "Stages.h"

using namespace mlir;
using namespace moe;

void moe::addStage(OpPassManager &pm, Stage stage,
                   const PipelineOptions &options) {
  switch (stage) {
  case Stage::Input:
    return;
  case Stage::Kernels:
    return options.target == Target::Cpu ? addCpuKernels(pm, options)
                                         : addReferenceKernels(pm);
  case Stage::Prepared:
    return addPrepared(pm, /*computeOnWeights=*/true);
  case Stage::Buffers:
    return addBuffers(pm, options.target == Target::Cpu &&
                              options.has("rows") && options.has("tasks"));
  case Stage::Loops:
    return options.target == Target::Cpu ? addCpuLoops(pm, options)
                                         : addReferenceLoops(pm);
  case Stage::Llvm:
    return addLlvm(pm, stringify(options.target), options.cpu);
  }
}

void moe::buildPipeline(OpPassManager &pm, const PipelineOptions &options) {
  for (int i = static_cast<int>(options.from) + 1;
       i <= static_cast<int>(options.to); ++i) {
    auto stage = static_cast<Stage>(i);
    addStage(pm, stage, options);
    if (!options.dumpStages.empty())
      pm.addPass(createDumpStage(options.dumpStages,
                                 (Twine(i) + "-" + stringify(stage)).str()));
  }
}
