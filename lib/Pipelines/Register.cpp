//===- Register.cpp - dialects, passes and pipelines for tools ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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
/// The options of `moe-pipeline`, as text.
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
};

/// Parses `text` by `parse`, or reports what is not one of the names.
template <typename Enum>
Enum parseOption(StringRef kind, StringRef text,
                 std::optional<Enum> (*parse)(StringRef), Enum fallback) {
  if (std::optional<Enum> value = parse(text))
    return *value;
  llvm::errs() << "moe-pipeline: unknown " << kind << " '" << text << "'\n";
  exit(1);
}
} // namespace

void moe::registerPassesAndPipelines() {
  registerMoETransformsPasses();
  registerMoEKTransformsPasses();
  registerMoEConversionPasses();
  PassPipelineRegistration<TextOptions>(
      "moe-pipeline", "lower a layer, from one stage to another",
      [](OpPassManager &pm, const TextOptions &text) {
        PipelineOptions options;
        options.target = parseOption("target", StringRef(text.target),
                                     parseTarget, options.target);
        options.from =
            parseOption("stage", StringRef(text.from), parseStage, options.from);
        options.to =
            parseOption("stage", StringRef(text.to), parseStage, options.to);
        options.cpu = text.cpu;
        buildPipeline(pm, options);
      });
}
