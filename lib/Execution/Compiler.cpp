//===- Compiler.cpp - from MLIR to callable functions ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Compiler.h"

#include "Codegen.h"
#include "Diagnostics.h"
#include "Jit.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace llvm;

namespace moe {

struct Compiler::Impl {
  CompilerOptions options;
  CodegenTarget cpu;
  mlir::DialectRegistry registry;
};

/// Seconds since `start`, which becomes now.
static double lap(std::chrono::steady_clock::time_point &start) {
  auto now = std::chrono::steady_clock::now();
  double seconds = std::chrono::duration<double>(now - start).count();
  start = now;
  return seconds;
}

Expected<Compiler> Compiler::create(CompilerOptions options) {
  if (!isAvailable(options.target))
    return makeError("this build has no target '" + stringify(options.target) +
                     "'");
  Expected<CodegenTarget> cpu = CodegenTarget::create(options.cpu);
  if (!cpu)
    return cpu.takeError();
  auto impl = std::make_shared<Impl>();
  impl->options = std::move(options);
  impl->cpu = std::move(*cpu);
  registerDialects(impl->registry);
  return Compiler(std::move(impl));
}

StringRef Compiler::cpu() const { return impl->cpu.name(); }
const CompilerOptions &Compiler::options() const { return impl->options; }

//===----------------------------------------------------------------------===//
// Compiling
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

Expected<ObjectCode> Compiler::compileModule(mlir::ModuleOp module,
                                             StringRef name,
                                             CompileTimes times) const {
  mlir::MLIRContext *context = module.getContext();
  DiagnosticCollector diagnostics(context, impl->options.diagnostics);
  auto clock = std::chrono::steady_clock::now();

  PipelineOptions pipeline;
  pipeline.target = impl->options.target;
  pipeline.from = impl->options.from;
  pipeline.cpu = impl->options.cpu;
  mlir::PassManager passes(context);
  buildPipeline(passes, pipeline);
  if (failed(passes.run(module)))
    return diagnostics.error(name, "cannot be compiled for target '" +
                                       stringify(pipeline.target) + "'");
  std::vector<std::string> entries = findEntries(module);
  if (entries.empty())
    return makeError(name + ": no public function to compile");
  times.lower = lap(clock);

  LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, llvmContext, name);
  if (!code)
    return diagnostics.error(name, "cannot be translated to LLVM IR");
  Expected<std::unique_ptr<MemoryBuffer>> object = impl->cpu.emitObject(*code);
  if (!object)
    return object.takeError();
  times.codegen = lap(clock);
  return ObjectCode{std::move(*object), std::move(entries), times};
}

Expected<ObjectCode>
Compiler::compileBuffer(std::unique_ptr<MemoryBuffer> source,
                        StringRef name) const {
  // One thread: diagnostics come in the order of the source, and a host's
  // threads are its own.
  mlir::MLIRContext context(impl->registry,
                            mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // the place says it, in fewer lines
  auto clock = std::chrono::steady_clock::now();
  CompileTimes times;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    DiagnosticCollector diagnostics(&context, impl->options.diagnostics);
    SourceMgr manager;
    manager.AddNewSourceBuffer(std::move(source), SMLoc());
    module = mlir::parseSourceFile<mlir::ModuleOp>(manager, &context);
    if (!module)
      return diagnostics.error(name, "is not MLIR");
  }
  times.parse = lap(clock);
  return compileModule(*module, name, times);
}

Expected<ObjectCode> Compiler::compileToObject(StringRef source,
                                               StringRef name) const {
  return compileBuffer(MemoryBuffer::getMemBufferCopy(source, name), name);
}

Expected<Module> Compiler::compile(StringRef source, StringRef name) const {
  Expected<ObjectCode> object = compileToObject(source, name);
  return object ? load(std::move(*object)) : object.takeError();
}

Expected<Module> Compiler::compileFile(StringRef path) const {
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFileOrSTDIN(path);
  if (!file)
    return makeError(path + ": cannot open: " + file.getError().message());
  Expected<ObjectCode> object =
      compileBuffer(std::move(*file), path == "-" ? "<stdin>" : path);
  return object ? load(std::move(*object)) : object.takeError();
}

Expected<Module> Compiler::compile(mlir::ModuleOp module) const {
  module.getContext()->appendDialectRegistry(impl->registry);
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  Expected<ObjectCode> object =
      compileModule(*copy, module.getName().value_or("<module>"), {});
  return object ? load(std::move(*object)) : object.takeError();
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

Expected<Module> Compiler::load(ObjectCode code) const {
  if (Error error = impl->cpu.checkRunsHere())
    return std::move(error);
  auto clock = std::chrono::steady_clock::now();
  std::vector<std::string> symbols;
  for (const std::string &entry : code.entries)
    symbols.push_back((kEntryPrefix + entry).str());
  Expected<std::shared_ptr<LoadedObject>> loaded =
      LoadedObject::load(std::move(code.object), symbols);
  if (!loaded)
    return loaded.takeError();

  Expected<Context> context = Context::create(1);
  if (!context)
    return context.takeError();
  std::vector<const MoertEntry *> entries;
  for (void *address : (*loaded)->addresses()) {
    entries.push_back(static_cast<const MoertEntry *>(address));
    if (Error error =
            context->check(moert_check_entry(context->get(), entries.back())))
      return std::move(error);
  }
  code.times.link = lap(clock);
  return Module(std::move(*loaded), entries, code.times);
}

} // namespace moe
