//===- Compiler.h - from MLIR to callable functions -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler inside another program:
//
//   Expected<Compiler> compiler = Compiler::create({});
//   Expected<Module> module = compiler->compileFile("layer.mlir");
//   Expected<Function> layer = module->lookup("main");
//   Expected<BoundFunction> bound = layer->bind(weights);
//   Error error = bound->call(inputs, outputs);
//
// Nothing here aborts, throws or prints. Errors are one line: what MLIR says of
// the source starts with "FILE:LINE:COLUMN: ". The same for C programs:
// moe-c/moe.h.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_EXECUTION_COMPILER_H
#define MOE_EXECUTION_COMPILER_H

#include "moe/Execution/Module.h"
#include "moe/Pipelines/Pipelines.h"

#include "llvm/Support/MemoryBuffer.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace moe {

/// What the compiler has to say of the source.
struct Diagnostic {
  enum class Severity { Note, Remark, Warning, Error };
  Severity severity = Severity::Error;
  std::string location; ///< "FILE:LINE:COLUMN", or "" where it is not known.
  std::string message;
  std::vector<Diagnostic> notes;
};

/// "FILE:LINE:COLUMN: error: MESSAGE", a line; each note on a line below it.
std::string toString(const Diagnostic &diagnostic);

/// Called from the thread that compiles, from several at once if several do. It
/// should not throw: the compilation then fails.
using DiagnosticHandler = std::function<void(const Diagnostic &)>;

/// What an optimisation did, or did not do and why.
struct Remark {
  enum class Kind { Passed, Missed, Analysis };
  Kind kind = Kind::Analysis;
  std::string pass;     ///< "moek-fuse"; "phases" for a phase of a call
  std::string function; ///< of a phase: "main", or "main.prepare"
  std::string location; ///< as in Diagnostic
  std::string name;     ///< "fused", "not fused"
  std::string message;  ///< "the sums have other users"
};

/// As DiagnosticHandler.
using RemarkHandler = std::function<void(const Remark &)>;

struct CompilerOptions {
  Target target = Target::Reference;
  /// CPU to compile for, as LLVM names it; "native" is this machine's.
  std::string cpu = "native";
  /// The stage that the source is in.
  Stage from = Stage::Input;
  /// Sees every diagnostic, errors included; may be null.
  DiagnosticHandler diagnostics;
  /// Folder that keeps compiled code for the next process; "" for none. Without
  /// a value, the environment variable MOE_CACHE_DIR says. It is created where
  /// it is missing and must be the user's own (docs/embedding.md); one that
  /// cannot be used is a warning of each compilation.
  std::optional<std::string> cacheDir;
  /// In a build with AddressSanitizer or ThreadSanitizer: instrument the code,
  /// too. It then runs in processes of such a build alone.
  bool instrument = true;
  /// Optimise the machine code. Without, a compilation takes half of the time
  /// or less, and a call several times as long.
  bool optimize = true;
  /// Verify the module after every pass, for those who work on passes: twice
  /// the time of lowering. Without, what comes in and what comes out is
  /// verified.
  bool verifyPasses = false;
  /// Sees what optimisations have to say; may be null. With one, nothing is
  /// taken from the cache.
  RemarkHandler remarks;
  /// Optimisations to leave out, as in PipelineOptions.
  std::vector<std::string> without;
};

/// What a compiler has done so far.
struct CompilerStatistics {
  uint64_t compilations = 0;  ///< Sources that went through the pipeline.
  uint64_t cacheHits = 0;     ///< Sources whose code came from the cache.
  uint64_t cacheRejected = 0; ///< Damaged files of the cache, compiled anew.
};

/// What code generation can write.
enum class CodeKind {
  LlvmIr,   ///< Text, after LLVM's optimiser.
  Assembly, ///< Text, of the CPU.
  Object,   ///< ELF, position-independent; exports moert_entry_NAME.
};

/// Relocatable code of a module, and the functions in it.
struct ObjectCode {
  std::unique_ptr<llvm::MemoryBuffer> object; ///< ELF, position-independent.
  std::vector<std::string> entries; ///< NAME of each moert_entry_NAME.
  CompileTimes times;
};

/// Compiles modules. Its const functions may be called from several threads.
class Compiler {
public:
  /// An error if this build lacks the target, or if LLVM does not know the CPU.
  static llvm::Expected<Compiler> create(CompilerOptions options);

  /// Compiles a file of MLIR, text or bytecode, and loads the code into this
  /// process. `path` "-" is the standard input.
  llvm::Expected<Module> compileFile(llvm::StringRef path) const;
  /// The same for MLIR in memory; `name` stands for the file's.
  llvm::Expected<Module> compile(llvm::StringRef source,
                                 llvm::StringRef name = "<memory>") const;
  /// The same for a copy of `module`. Uses its context, whose registry gets the
  /// dialects of the pipeline.
  llvm::Expected<Module> compile(mlir::ModuleOp module) const;

  /// The same without loading: for another process, or another machine.
  llvm::Expected<ObjectCode>
  compileToObject(llvm::StringRef source,
                  llvm::StringRef name = "<memory>") const;

  /// Loads code that compileToObject returned. An error if this machine cannot
  /// run code for the compiler's CPU. `object` is trusted.
  llvm::Expected<Module> load(ObjectCode object) const;
  /// The same for code that is there to be looked at: signatures can be read
  /// whatever the CPU; where this machine is another one, calls fail.
  llvm::Expected<Module> inspect(ObjectCode object) const;
  /// Loads a bare object, whose entries are found by their symbols.
  llvm::Expected<Module> load(std::unique_ptr<llvm::MemoryBuffer> object) const;

  /// The module in that stage, as text.
  llvm::Expected<std::string> print(Stage stage, llvm::StringRef source,
                                    llvm::StringRef name = "<memory>") const;
  /// The module's code.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  emit(CodeKind kind, llvm::StringRef source,
       llvm::StringRef name = "<memory>") const;

  /// The CPU's name, where the options say "native" too.
  llvm::StringRef cpu() const;
  const CompilerOptions &options() const;
  CompilerStatistics statistics() const;

private:
  struct Impl;
  explicit Compiler(std::shared_ptr<const Impl> impl) : impl(std::move(impl)) {}

  std::shared_ptr<const Impl> impl;
};

} // namespace moe

#endif // MOE_EXECUTION_COMPILER_H
