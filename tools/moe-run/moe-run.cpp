//===- moe-run.cpp - compiles a layer and runs it -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Files.h"
#include "Options.h"
#include "Report.h"

#include "moe/Execution/Compiler.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace moe::run {

/// Prints "moe-run: note: TEXT" to the standard error.
static void note(const Twine &text) {
  WithColor::note(errs(), "moe-run") << text << '\n';
}

/// The function that --entry names, else the only one, else 'main'.
static Expected<Function> chooseEntry(const Options &options,
                                      const Module &module) {
  if (!options.entry.empty() || module.functions().size() > 1) {
    Expected<Function> function =
        module.lookup(options.entry.empty() ? "main" : options.entry);
    if (function)
      return function;
    return makeError(
        options.file + ": " + toString(function.takeError()) +
        (options.entry.empty() ? "; choose one with --entry=NAME" : ""));
  }
  return module.functions().front();
}

/// Where the results go, checked before anything runs.
static Expected<OutputFiles> planOutputs(const Options &options,
                                         const MoertEntry &entry) {
  SmallVector<StringRef> names;
  SmallVector<MoertDType> dtypes;
  for (const MoertArg &result : results(entry)) {
    names.push_back(result.name);
    dtypes.push_back(static_cast<MoertDType>(result.dtype));
  }
  return OutputFiles::plan(options.outputs, names, dtypes);
}

/// Runs `function` and fills in `report`, from the arguments on.
static Error runFunction(const Options &options, const Function &function,
                         Report &report) {
  const MoertEntry &entry = function.entry();
  Expected<Context> context = Context::create(options.threads);
  if (!context)
    return context.takeError();
  Expected<OutputFiles> outputs = planOutputs(options, entry);
  if (!outputs)
    return outputs.takeError();
  std::vector<TensorView> expected;
  if (!options.expect.empty())
    if (Error error = readExpected(options.expect, entry).moveInto(expected))
      return error;
  std::optional<Function> reference;
  if (options.check)
    if (Error error =
            compileReference(options, function.name()).moveInto(reference))
      return error;

  Expected<Arguments> arguments = findArguments(options, function);
  if (!arguments)
    return arguments.takeError();
  for (const std::string &text : arguments->notes)
    note(text);
  Expected<Call> call =
      Call::create(function, *context, arguments->tensors, arguments->symbols);
  if (!call)
    return call.takeError();
  if (Error error = call->run())
    return error;
  if (options.bench)
    if (Error error = bench(*call, *options.bench).moveInto(report.timing))
      return error;
  if (options.bench && options.from == Stage::Input && options.file != "-")
    if (Error error = measureRoofline(options, function, arguments->symbols,
                                      context->threads())
                          .moveInto(report.roofline))
      note("no GFLOP/s: " + toString(std::move(error)));

  Tolerance tolerance = toleranceOf(options, entry);
  if (!options.expect.empty())
    if (Error error = compareWith(options.expect, function, call->results(),
                                  expected, tolerance)
                          .moveInto(report.checks.emplace_back()))
      return error;
  if (reference)
    if (Error error = checkAgainstReference(options, *reference, *context,
                                            *arguments, call->results())
                          .moveInto(report.checks.emplace_back()))
      return error;
  if (Error error = outputs->write(call->results()))
    return error;

  report.threads = context->threads();
  for (auto [i, size] : enumerate(arguments->symbols))
    report.dims.emplace_back(entry.symbols[i], size);
  report.packedBytes = entry.packed_bytes;
  report.workspaceBytes = arguments->workspaceBytes;
  for (auto [result, view] : zip_equal(results(entry), call->results()))
    report.results.emplace_back(result.name, view);
  return Error::success();
}

/// Does all of it. An error also if a comparison does not agree.
static Error runTool(const Options &options) {
  CompilerOptions compilerOptions;
  compilerOptions.target = options.target;
  compilerOptions.cpu = options.cpu;
  compilerOptions.from = options.from;
  compilerOptions.optimize = options.optimize;
  compilerOptions.without = options.without;
  compilerOptions.diagnostics = [](const Diagnostic &diagnostic) {
    if (diagnostic.severity == Diagnostic::Severity::Warning)
      errs() << toString(diagnostic) << '\n';
  };
  Report report;
  if (options.stats)
    compilerOptions.remarks = [&](const Remark &remark) {
      report.remarks.push_back(remark);
    };
  Expected<Compiler> compiler = Compiler::create(std::move(compilerOptions));
  if (!compiler)
    return compiler.takeError();
  Expected<Module> module = compiler->compileFile(options.file);
  if (!module)
    return module.takeError();
  if (options.list) {
    for (const Function &function : module->functions())
      outs() << function.signature() << '\n';
    return Error::success();
  }
  Expected<Function> function = chooseEntry(options, *module);
  if (!function)
    return function.takeError();

  report.entry = function->name();
  report.target = options.target;
  report.cpu = compiler->cpu();
  report.compile = module->times();
  if (Error error = runFunction(options, *function, report))
    return error;
  if (options.json)
    printJson(report, options.stats, outs());
  else
    printText(report, options.stats, outs());
  return checkAgreement(report.checks);
}

} // namespace moe::run

int main(int argc, char **argv) {
  setBugReportMsg("moe-run has crashed; please report it with its command "
                  "line and the files that are named there.\n");
  InitLLVM init(argc, argv);
  auto options = moe::run::parseOptions(argc, argv);
  Error error = options.takeError();
  if (!error && *options)
    error = moe::run::runTool(**options);
  return moe::tools::finish("moe-run", std::move(error));
}
