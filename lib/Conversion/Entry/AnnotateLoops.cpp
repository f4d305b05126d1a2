//===- AnnotateLoops.cpp - hand annotations of loops to LLVM --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace moe {
#define GEN_PASS_DEF_MOEANNOTATELOOPS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;

namespace {
struct AnnotateLoopsPass : moe::impl::MoEAnnotateLoopsBase<AnnotateLoopsPass> {
  void runOnOperation() override {
    getOperation()->walk([](LLVM::BrOp branch) {
      constexpr StringLiteral name = "llvm.loop_annotation";
      auto annotation = branch->getAttrOfType<LLVM::LoopAnnotationAttr>(name);
      if (!annotation)
        return;
      branch->removeDiscardableAttr(name);
      branch.setLoopAnnotationAttr(annotation);
    });
  }
};
} // namespace
