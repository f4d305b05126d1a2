//===- Compiler.cpp - compilers and buffers in C --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

using namespace llvm;
using namespace moe;
using namespace moe::capi;

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

/// A diagnostic in C: `notes` is where its notes live.
static MoeDiagnostic convert(const Diagnostic &diagnostic,
                             std::vector<std::vector<MoeDiagnostic>> &notes) {
  std::vector<MoeDiagnostic> mine;
  for (const Diagnostic &note : diagnostic.notes)
    mine.push_back(convert(note, notes));
  notes.push_back(std::move(mine)); // moves no elements
  MoeDiagnostic result = {};
  result.severity = static_cast<int32_t>(diagnostic.severity);
  result.location = diagnostic.location.c_str();
  result.message = diagnostic.message.c_str();
  result.n_notes = notes.back().size();
  result.notes = notes.back().data();
  return result;
}

/// The options in C++; a failure says which of them there is not.
static MoeStatus convert(const MoeCompilerOptions &from, CompilerOptions &to) {
  to.cpu = from.cpu ? from.cpu : "native";
  Expected<PipelineOptions> parsed =
      PipelineOptions::parse(from.target ? from.target : stringify(Target::Cpu),
                             from.from ? from.from : stringify(Stage::Input),
                             stringify(Stage::Llvm), to.cpu);
  if (!parsed)
    return fail(parsed.takeError(), MOERT_INVALID_ARGUMENT);
  to.target = parsed->target;
  to.from = parsed->from;
  if (from.cache_dir)
    to.cacheDir = from.cache_dir;
  if (from.diagnostics)
    to.diagnostics = [callback = from.diagnostics,
                      user = from.user](const Diagnostic &diagnostic) {
      std::vector<std::vector<MoeDiagnostic>> notes;
      MoeDiagnostic converted = convert(diagnostic, notes);
      callback(user, &converted);
    };
  return MOE_OK;
}

MoeStatus moe_compiler_create(const MoeCompilerOptions *options,
                              MoeCompiler **compiler) {
  if (!compiler)
    return failNull("compiler");
  *compiler = nullptr;
  MoeCompilerOptions known = {};
  if (options)
    if (MoeStatus status = readStruct(*options, known, "MoeCompilerOptions"))
      return status;
  CompilerOptions converted;
  if (MoeStatus status = convert(known, converted))
    return status;
  Expected<Compiler> created = Compiler::create(std::move(converted));
  return created ? create(compiler, std::move(*created))
                 : fail(created.takeError(), MOERT_INVALID_ARGUMENT);
}

MoeStatus moe_compiler_destroy(MoeCompiler *compiler) {
  return destroy(compiler);
}

MoeStatus moe_compiler_cpu(const MoeCompiler *handle, const char **cpu) {
  if (!cpu)
    return failNull("cpu");
  *cpu = nullptr;
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  *cpu = compiler->cpu().data(); // of a std::string
  return MOE_OK;
}

MoeStatus moe_compiler_statistics(const MoeCompiler *handle,
                                  MoeStatistics *statistics) {
  if (!statistics)
    return failNull("statistics");
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  CompilerStatistics counted = compiler->statistics();
  MoeStatistics result = {};
  result.compilations = counted.compilations;
  result.cache_hits = counted.cacheHits;
  result.cache_rejected = counted.cacheRejected;
  return writeStruct(result, *statistics, "MoeStatistics");
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

/// Makes the handle of a module, or fails.
static MoeStatus finish(Expected<Module> result, MoeModule **module) {
  return result ? create(module, std::move(*result)) : fail(result.takeError());
}

MoeStatus moe_compile(const MoeCompiler *handle, const char *source,
                      size_t size, const char *name, MoeModule **module) {
  if (!module)
    return failNull("module");
  *module = nullptr;
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  if (!source && size)
    return failNull("source");
  return finish(
      compiler->compile(StringRef(source, size), name ? name : "<memory>"),
      module);
}

MoeStatus moe_compile_file(const MoeCompiler *handle, const char *path,
                           MoeModule **module) {
  if (!module)
    return failNull("module");
  *module = nullptr;
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  if (!path)
    return failNull("path");
  return finish(compiler->compileFile(path), module);
}

MoeStatus moe_load_object(const MoeCompiler *handle, const void *object,
                          size_t size, MoeModule **module) {
  if (!module)
    return failNull("module");
  *module = nullptr;
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  if (!object)
    return failNull("object");
  return finish(
      compiler->load(MemoryBuffer::getMemBufferCopy(
          StringRef(static_cast<const char *>(object), size), "<memory>")),
      module);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// What `what` asks for.
static Expected<std::string> emit(const Compiler &compiler, StringRef source,
                                  StringRef name, StringRef what) {
  if (std::optional<Stage> stage = parseStage(what))
    return compiler.print(*stage, source, name);
  static constexpr std::pair<StringLiteral, CodeKind> kinds[] = {
      {"llvm-ir", CodeKind::LlvmIr},
      {"assembly", CodeKind::Assembly},
      {"object", CodeKind::Object}};
  for (auto [known, kind] : kinds)
    if (what == known) {
      Expected<std::unique_ptr<MemoryBuffer>> code =
          compiler.emit(kind, source, name);
      if (!code)
        return code.takeError();
      return (*code)->getBuffer().str();
    }
  return make_error<RuntimeError>(
      MOERT_INVALID_ARGUMENT,
      ("cannot emit '" + what +
       "'; there are: input, kernels, prepared, buffers, loops, llvm, llvm-ir, "
       "assembly, object")
          .str());
}

MoeStatus moe_emit(const MoeCompiler *handle, const char *source, size_t size,
                   const char *name, const char *what, MoeBuffer **buffer) {
  if (!buffer)
    return failNull("buffer");
  *buffer = nullptr;
  Use compiler(handle);
  if (!compiler)
    return compiler.fail();
  if (!source && size)
    return failNull("source");
  if (!what)
    return failNull("what");
  Expected<std::string> bytes =
      emit(*compiler, StringRef(source, size), name ? name : "<memory>", what);
  return bytes ? create(buffer, std::move(*bytes)) : fail(bytes.takeError());
}

MoeStatus moe_buffer_get(const MoeBuffer *handle, const char **data,
                         size_t *size) {
  if (data)
    *data = nullptr;
  if (size)
    *size = 0;
  Use buffer(handle);
  if (!buffer)
    return buffer.fail();
  if (data)
    *data = buffer->c_str();
  if (size)
    *size = buffer->size();
  return MOE_OK;
}

MoeStatus moe_buffer_destroy(MoeBuffer *buffer) { return destroy(buffer); }
