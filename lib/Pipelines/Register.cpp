//===- Register.cpp - dialects, passes and pipelines for tools ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "moe/Analysis/Passes.h"
#include "moe/Conversion/Passes.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"
#include "moe/Dialect/MoEK/Transforms/Passes.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

using namespace mlir;
using namespace moe;

void moe::registerDialects(DialectRegistry &registry) {
  // Upstream's ops are legal in a layer, whatever their dialect.
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registry.insert<MoEDialect, moek::MoEKDialect>();
  moek::registerBufferizableOpInterfaceModels(registry);
}

namespace {
/// The options of `moe-stages`, as text.
struct TextOptions : PassPipelineOptions<TextOptions> {
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("reference, cpu, gpu"),
                             llvm::cl::init("reference")};
  Option<std::string> from{*this, "from", llvm::cl::desc("stage of the input"),
                           llvm::cl::init("input")};
  Option<std::string> to{*this, "to", llvm::cl::desc("stage to stop at"),
                         llvm::cl::init("llvm")};
  Option<std::string> cpu{*this, "cpu", llvm::cl::desc("CPU to compile for"),
                          llvm::cl::init("native")};
  Option<std::string> without{
      *this, "without",
      llvm::cl::desc("optimisations of target cpu to leave out")};
};
} // namespace

/// Adds the stages that `text` names to `pm`.
static LogicalResult
addStages(OpPassManager &pm, StringRef text,
          function_ref<LogicalResult(const Twine &)> report) {
  TextOptions names;
  if (failed(names.parseFromString(text)))
    return failure();
  llvm::Expected<PipelineOptions> options =
      PipelineOptions::parse(names.target, names.from, names.to, names.cpu);
  if (!options)
    return report("moe-stages: " + llvm::toString(options.takeError()));
  if (llvm::Error error = options->leaveOut(names.without))
    return report("moe-stages: " + llvm::toString(std::move(error)));
  buildPipeline(pm, *options);
  return success();
}

void moe::registerPassesAndPipelines() {
  registerMoETransformsPasses();
  registerMoEKTransformsPasses();
  registerMoEConversionPasses();
  registerMoEAnalysisPasses();
  registerDumpStage();
  registerPassPipeline(
      "moe-stages", "lower a layer, from one stage to another", addStages,
      [](function_ref<void(const mlir::detail::PassOptions &)> use) {
        use(TextOptions());
      });
}
