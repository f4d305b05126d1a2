//===- Stages.h - what the stages of the pipelines consist of ---*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_PIPELINES_STAGES_H
#define MOE_LIB_PIPELINES_STAGES_H

#include "llvm/ADT/StringRef.h"
#include "mlir/Pass/PassManager.h"

namespace moe {

void addReferenceKernels(mlir::OpPassManager &pm);
void addReferenceLoops(mlir::OpPassManager &pm);

void addPrepared(mlir::OpPassManager &pm, bool computeOnWeights);
void addBuffers(mlir::OpPassManager &pm);
void addLlvm(mlir::OpPassManager &pm, llvm::StringRef target, llvm::StringRef cpu);

} // namespace moe

#endif // MOE_LIB_PIPELINES_STAGES_H
