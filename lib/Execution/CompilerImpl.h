//===- CompilerImpl.h - the steps of a compilation --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_COMPILERIMPL_H
#define MOE_LIB_EXECUTION_COMPILERIMPL_H

#include "Codegen.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include <atomic>
#include <chrono>

namespace moe {

/// Measures steps.
class Stopwatch {
public:
  /// Seconds since the last call, or since this was made.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

struct Compiler::Impl {
  CompilerOptions options;
  CodegenTarget cpu;
  mlir::DialectRegistry registry;
  mutable std::atomic<uint64_t> compilations{0}, cacheHits{0}, cacheRejected{0};

  /// Source to object, by way of the cache.
  llvm::Expected<ObjectCode> compileSource(llvm::StringRef source,
                                           llvm::StringRef name) const;
  /// Module, which is changed, to object.
  llvm::Expected<ObjectCode> compileModule(mlir::ModuleOp module,
                                           llvm::StringRef name,
                                           CompileTimes times) const;
  /// The code of `source` from the cache, else what `compile` returns, which is
  /// kept there.
  llvm::Expected<ObjectCode>
  throughCache(llvm::StringRef source,
               llvm::function_ref<llvm::Expected<ObjectCode>()> compile) const;

  llvm::Expected<std::string> print(Stage stage, llvm::StringRef source,
                                    llvm::StringRef name) const;
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  emit(CodeKind kind, llvm::StringRef source, llvm::StringRef name) const;

private:
  /// A context for one compilation.
  std::unique_ptr<mlir::MLIRContext> createContext() const;
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
  parse(mlir::MLIRContext &context, llvm::StringRef source,
        llvm::StringRef name) const;
  /// Runs the pipeline to stage `to`.
  llvm::Error lower(mlir::ModuleOp module, llvm::StringRef name,
                    Stage to) const;
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  generate(mlir::ModuleOp module, llvm::StringRef name, CodeKind kind) const;
  void warn(llvm::Error problem) const;
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_COMPILERIMPL_H
