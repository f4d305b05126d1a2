//===- moe-opt.cpp - passes and pipelines on MLIR files -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-opt with our dialects and passes. --moe-pipeline adds the stages of a
// pipeline before the passes that are named.

#include "Help.h"
#include "moe/Pipelines/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;
using namespace moe;

namespace {
cl::OptionCategory category("Compiling a layer");
cl::opt<std::string>
    pipelineName("moe-pipeline", cl::cat(category), cl::value_desc("NAME"),
                 cl::desc("Pipeline to run before the passes"));
cl::opt<std::string> compileFrom("compile-from", cl::cat(category),
                                 cl::value_desc("STAGE"), cl::init("input"),
                                 cl::desc("Stage that the file is in"));
cl::opt<std::string> compileTo("compile-to", cl::cat(category),
                               cl::value_desc("STAGE"), cl::init("llvm"),
                               cl::desc("Stage to stop at"));
cl::opt<std::string> cpu("cpu", cl::cat(category), cl::value_desc("NAME"),
                         cl::init("native"),
                         cl::desc("CPU to compile for, as LLVM names it"));
cl::opt<std::string>
    without("without", cl::cat(category), cl::value_desc("NAMES"),
            cl::desc("Optimisations of pipeline cpu to leave out"));
cl::opt<std::string>
    dumpStages("dump-stages", cl::cat(category), cl::value_desc("DIR"),
               cl::desc("Folder for the module after each stage"));
} // namespace

/// Reports one error; returns the exit status.
static int fail(const Twine &message) {
  errs() << "moe-opt: error: " << message << '\n';
  return 1;
}

/// The pipeline that the options ask for; nothing if there is no
/// --moe-pipeline.
static Expected<std::optional<PipelineOptions>> getPipeline() {
  if (!pipelineName.getNumOccurrences()) {
    for (cl::Option *option :
         {(cl::Option *)&compileFrom, (cl::Option *)&compileTo,
          (cl::Option *)&cpu, (cl::Option *)&without,
          (cl::Option *)&dumpStages})
      if (option->getNumOccurrences())
        return createStringError("--" + option->ArgStr +
                                 " needs --moe-pipeline=NAME");
    return std::nullopt;
  }
  Expected<PipelineOptions> options =
      PipelineOptions::parse(pipelineName, compileFrom, compileTo, cpu);
  if (!options)
    return options.takeError();
  options->dumpStages = dumpStages;
  if (Error error = options->leaveOut(without))
    return createStringError("--without: " + toString(std::move(error)));
  return *options;
}

/// MlirOptMain with `pipeline` before the passes on the command line.
static int run(const PipelineOptions &pipeline, StringRef input,
               StringRef output, mlir::DialectRegistry &registry) {
  auto stock = mlir::MlirOptMainConfig::createFromCLOptions();
  mlir::MlirOptMainConfig config = stock;
  config.setPassPipelineSetupFn([&](mlir::PassManager &pm) {
    buildPipeline(pm, pipeline);
    return stock.setupPassPipeline(pm);
  });
  std::string problem;
  std::unique_ptr<MemoryBuffer> source = mlir::openInputFile(input, &problem);
  if (!source)
    return fail(problem);
  std::unique_ptr<ToolOutputFile> file = mlir::openOutputFile(output, &problem);
  if (!file)
    return fail(problem);
  if (failed(
          mlir::MlirOptMain(file->os(), std::move(source), registry, config)))
    return 1;
  file->keep();
  return 0;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  for (StringRef argument : ArrayRef(argv, argc).drop_front())
    if (argument == "--help" || argument == "-help" || argument == "-h") {
      printHelp(outs());
      return 0;
    }
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::registerAllPasses();
  registerPassesAndPipelines();
  cl::SetVersionPrinter(printVersion);
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, "moe-opt", registry);

  Expected<std::optional<PipelineOptions>> pipeline = getPipeline();
  if (!pipeline)
    return fail(toString(pipeline.takeError()));
  if (*pipeline)
    return run(**pipeline, input, output, registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, input, output, registry));
}
