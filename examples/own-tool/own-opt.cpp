//===- own-opt.cpp - the moe dialect in a tool of your own ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What another project adds to its mlir-opt to read, rewrite and compile
// layers, and a pass of its own that runs in front of our pipelines:
//
//   own-opt layer.mlir --own-approximate-gelu --pass-pipeline=...
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

namespace {

/// Lets experts compute gelu by tanh. Changes numbers, by some 1e-3 at most.
struct ApproximateGelu
    : mlir::PassWrapper<ApproximateGelu,
                        mlir::OperationPass<mlir::func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ApproximateGelu)

  llvm::StringRef getArgument() const override {
    return "own-approximate-gelu";
  }
  llvm::StringRef getDescription() const override {
    return "let experts compute gelu by tanh";
  }

  void runOnOperation() override {
    getOperation().walk([&](moe::ExpertFFNOp ffn) {
      if (ffn.getActivation() == moe::Activation::gelu)
        ffn.setActivation(moe::Activation::gelu_tanh);
    });
  }
};

} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  moe::registerDialects(registry);
  mlir::registerAllPasses();
  moe::registerPassesAndPipelines();
  mlir::PassRegistration<ApproximateGelu>();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "own-opt\n", registry));
}
