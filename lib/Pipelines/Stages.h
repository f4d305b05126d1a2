//===- Stages.h - what the stages of the pipelines consist of ---*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_PIPELINES_STAGES_H
#define MOE_LIB_PIPELINES_STAGES_H

#include "mlir/Pass/PassManager.h"
#include "moe/Pipelines/CpuTarget.h"
#include "moe/Pipelines/Pipelines.h"
#include "llvm/ADT/StringRef.h"

namespace moe {

// Shared pieces.
void addCleanup(mlir::OpPassManager &pm); ///< folds what became foldable
void addInlined(mlir::OpPassManager &pm);
void addLinalg(mlir::OpPassManager &pm);

void addReferenceKernels(mlir::OpPassManager &pm);
void addReferenceLoops(mlir::OpPassManager &pm);

void addCpuKernels(mlir::OpPassManager &pm, const PipelineOptions &options);
void addCpuLoops(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Writes the module to FOLDER/STAGE.mlir.
std::unique_ptr<mlir::Pass> createDumpStage(llvm::StringRef folder,
                                            llvm::StringRef stage);
void registerDumpStage();

void addPrepared(mlir::OpPassManager &pm, bool computeOnWeights);
void addBuffers(mlir::OpPassManager &pm, bool fuseRows);
void addLlvm(mlir::OpPassManager &pm, llvm::StringRef target,
             llvm::StringRef cpu);

} // namespace moe

#endif // MOE_LIB_PIPELINES_STAGES_H
