//===- Compiler.cpp - from MLIR to callable functions ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Compiler.h"

#include "Codegen.h"
#include "CompilerImpl.h"
#include "Diagnostics.h"
#include "Jit.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "llvm/Object/ObjectFile.h"

#include <cstdlib>

using namespace llvm;

namespace moe {

Expected<Compiler> Compiler::create(CompilerOptions options) {
  if (!isAvailable(options.target))
    return makeError("this build has no target '" + stringify(options.target) +
                     "'");
  Expected<CodegenTarget> cpu = CodegenTarget::create(options.cpu);
  if (!cpu)
    return cpu.takeError();
  if (!options.cacheDir) {
    const char *folder = std::getenv("MOE_CACHE_DIR");
    options.cacheDir = folder ? folder : "";
  }
  auto impl = std::make_shared<Impl>();
  impl->options = std::move(options);
  impl->cpu = std::move(*cpu);
  registerDialects(impl->registry);
  return Compiler(std::move(impl));
}

StringRef Compiler::cpu() const { return impl->cpu.name(); }
const CompilerOptions &Compiler::options() const { return impl->options; }

CompilerStatistics Compiler::statistics() const {
  return {impl->compilations, impl->cacheHits, impl->cacheRejected};
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

Expected<ObjectCode> Compiler::compileToObject(StringRef source,
                                               StringRef name) const {
  return impl->compileSource(source, name);
}

Expected<Module> Compiler::compile(StringRef source, StringRef name) const {
  Expected<ObjectCode> object = impl->compileSource(source, name);
  return object ? load(std::move(*object)) : object.takeError();
}

/// The contents of a file, or of the standard input for "-".
static Expected<std::unique_ptr<MemoryBuffer>> readSource(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFileOrSTDIN(path);
  if (!file)
    return makeError(path + ": cannot open: " + file.getError().message());
  return std::move(*file);
}

Expected<Module> Compiler::compileFile(StringRef path) const {
  Expected<std::unique_ptr<MemoryBuffer>> file = readSource(path);
  return file ? compile((*file)->getBuffer(), path == "-" ? "<stdin>" : path)
              : file.takeError();
}

Expected<Module> Compiler::compile(mlir::ModuleOp module) const {
  StringRef name = module.getName().value_or("<module>");
  std::string key;
  if (!impl->options.cacheDir->empty()) {
    raw_string_ostream stream(key);
    if (failed(mlir::writeBytecodeToFile(module, stream)))
      return makeError(name + ": cannot be written as bytecode");
  }
  module.getContext()->appendDialectRegistry(impl->registry);
  Expected<ObjectCode> object = impl->throughCache(key, [&] {
    mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
    return impl->compileModule(*copy, name, {});
  });
  return object ? load(std::move(*object)) : object.takeError();
}

Expected<std::string> Compiler::print(Stage stage, StringRef source,
                                      StringRef name) const {
  return impl->print(stage, source, name);
}

Expected<std::unique_ptr<MemoryBuffer>>
Compiler::emit(CodeKind kind, StringRef source, StringRef name) const {
  return impl->emit(kind, source, name);
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

Expected<Module> Compiler::load(ObjectCode code) const {
  if (Error error = impl->cpu.checkRunsHere())
    return std::move(error);
  return inspect(std::move(code));
}

Expected<Module> Compiler::inspect(ObjectCode code) const {
  Stopwatch clock;
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
    MoertStatus status = moert_check_entry(context->get(), entries.back());
    if (status != MOERT_OK && status != MOERT_WRONG_CPU)
      return context->check(status);
  }
  code.times.link = clock.lap();
  return Module(std::move(*loaded), entries, code.times);
}

Expected<Module> Compiler::load(std::unique_ptr<MemoryBuffer> object) const {
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(*object);
  if (!file)
    return joinErrors(makeError("not an object file"), file.takeError());
  // In the order of their addresses, which is that of the source.
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<StringRef> name = symbol.getName();
    Expected<uint64_t> address = symbol.getAddress();
    if (!name || !address)
      return joinErrors(name.takeError(), address.takeError());
    if (name->consume_front(kEntryPrefix))
      found.emplace_back(*address, name->str());
  }
  if (found.empty())
    return makeError("the object has no symbol " + kEntryPrefix + "NAME");
  llvm::sort(found);
  ObjectCode code;
  for (auto &[address, name] : found)
    code.entries.push_back(std::move(name));
  code.object = std::move(object);
  return load(std::move(code));
}

} // namespace moe
