//===- CompilerImpl.cpp - the steps of a compilation ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerImpl.h"

#include "Cache.h"
#include "Callbacks.h"
#include "Diagnostics.h"
#include "Remarks.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

namespace moe {

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

std::unique_ptr<mlir::MLIRContext> Compiler::Impl::createContext() const {
  // One thread: diagnostics come in the order of the source, and a host's
  // threads are its own.
  auto context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  context->printOpOnDiagnostic(false); // the place says it, in fewer lines
  return context;
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
Compiler::Impl::parse(mlir::MLIRContext &context, StringRef source,
                      StringRef name) const {
  DiagnosticCollector diagnostics(&context, options.diagnostics);
  SourceMgr manager;
  manager.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(source, name),
                             SMLoc());
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(manager, &context);
  if (!module)
    return diagnostics.error(name, "is not MLIR");
  if (Error error = diagnostics.checkHandler())
    return std::move(error);
  return module;
}

Error Compiler::Impl::lower(mlir::ModuleOp module, StringRef name,
                            Stage to) const {
  mlir::MLIRContext *context = module.getContext();
  DiagnosticCollector diagnostics(context, options.diagnostics);
  PipelineOptions pipeline;
  pipeline.target = options.target;
  pipeline.from = options.from;
  pipeline.to = to;
  pipeline.cpu = options.cpu;
  pipeline.without = options.without;
  RemarkForwarder remarks(context, options.remarks);
  mlir::PassManager passes(context);
  passes.enableVerifier(options.verifyPasses);
  buildPipeline(passes, pipeline);
  if (failed(passes.run(module)) || failed(mlir::verify(module)))
    return diagnostics.error(name, "cannot be compiled for target '" +
                                       stringify(pipeline.target) + "'");
  if (Error error = remarks.checkHandler())
    return error;
  return diagnostics.checkHandler();
}

Expected<std::unique_ptr<MemoryBuffer>>
Compiler::Impl::generate(mlir::ModuleOp module, StringRef name,
                         CodeKind kind) const {
  DiagnosticCollector diagnostics(module.getContext(), options.diagnostics);
  LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, context, name);
  if (!code)
    return diagnostics.error(name, "cannot be translated to LLVM IR");
  if (Error error = diagnostics.checkHandler())
    return std::move(error);
  return cpu.emit(*code, kind, options);
}

//===----------------------------------------------------------------------===//
// To code
//===----------------------------------------------------------------------===//

/// The names of the descriptors in a module of the llvm dialect, in its order.
static std::vector<std::string> findEntries(mlir::ModuleOp module) {
  std::vector<std::string> names;
  for (auto global : module.getOps<mlir::LLVM::GlobalOp>()) {
    StringRef symbol = global.getSymName();
    if (symbol.consume_front(kEntryPrefix))
      names.push_back(symbol.str());
  }
  return names;
}

Expected<ObjectCode> Compiler::Impl::compileModule(mlir::ModuleOp module,
                                                   StringRef name,
                                                   CompileTimes times) const {
  compilations.fetch_add(1, std::memory_order_relaxed);
  Stopwatch clock;
  if (Error error = lower(module, name, Stage::Llvm))
    return std::move(error);
  std::vector<std::string> entries = findEntries(module);
  if (entries.empty())
    return makeError(name + ": no public function to compile");
  times.lower = clock.lap();
  Expected<std::unique_ptr<MemoryBuffer>> object =
      generate(module, name, CodeKind::Object);
  if (!object)
    return object.takeError();
  times.codegen = clock.lap();
  return ObjectCode{std::move(*object), std::move(entries), times};
}

Expected<ObjectCode> Compiler::Impl::compileSource(StringRef source,
                                                   StringRef name) const {
  return throughCache(source, [&]() -> Expected<ObjectCode> {
    std::unique_ptr<mlir::MLIRContext> context = createContext();
    Stopwatch clock;
    auto module = parse(*context, source, name);
    if (!module)
      return module.takeError();
    CompileTimes times;
    times.parse = clock.lap();
    return compileModule(**module, name, times);
  });
}

Expected<std::string> Compiler::Impl::print(Stage stage, StringRef source,
                                            StringRef name) const {
  if (stage < options.from)
    return makeError("stage '" + stringify(stage) + "' comes before '" +
                     stringify(options.from) + "', which the source is in");
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = parse(*context, source, name);
  if (!module)
    return module.takeError();
  if (Error error = lower(**module, name, stage))
    return std::move(error);
  std::string text;
  raw_string_ostream stream(text);
  (*module)->print(stream);
  stream << '\n';
  return text;
}

Expected<std::unique_ptr<MemoryBuffer>>
Compiler::Impl::emit(CodeKind kind, StringRef source, StringRef name) const {
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = parse(*context, source, name);
  if (!module)
    return module.takeError();
  if (Error error = lower(**module, name, Stage::Llvm))
    return std::move(error);
  return generate(**module, name, kind);
}

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

void Compiler::Impl::warn(Error problem) const {
  Diagnostic warning;
  warning.severity = Diagnostic::Severity::Warning;
  warning.message = llvm::toString(std::move(problem));
  if (options.diagnostics)
    callHandler(options.diagnostics, warning);
}

Expected<ObjectCode> Compiler::Impl::throughCache(
    StringRef source, function_ref<Expected<ObjectCode>()> compile) const {
  if (options.cacheDir->empty())
    return compile();
  Expected<CacheFolder> folder = CacheFolder::open(*options.cacheDir);
  if (!folder) {
    warn(folder.takeError());
    return compile();
  }
  CacheKey key = makeCacheKey(
      {stringify(options.target), stringify(options.from), options.cpu,
       cpu.description(), options.instrument ? "instrumented" : "plain",
       options.optimize ? "optimized" : "quick",
       llvm::join(options.without, ","), source});
  bool damaged = false;
  // Who listens to remarks wants to hear them.
  std::optional<ObjectCode> found;
  if (!options.remarks)
    found = folder->find(key, damaged);
  if (found) {
    cacheHits.fetch_add(1, std::memory_order_relaxed);
    return std::move(*found);
  }
  cacheRejected.fetch_add(damaged, std::memory_order_relaxed);
  Expected<ObjectCode> code = compile();
  if (code)
    if (Error error = folder->store(key, *code))
      warn(std::move(error));
  return code;
}

} // namespace moe
