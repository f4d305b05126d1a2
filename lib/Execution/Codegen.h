//===- Codegen.h - from LLVM IR to an object in memory ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_CODEGEN_H
#define MOE_LIB_EXECUTION_CODEGEN_H

#include "moe/Execution/Compiler.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
class Target;
} // namespace llvm

namespace moe {

/// Prefix of the symbol of an entry's descriptor.
inline constexpr llvm::StringLiteral kEntryPrefix = "moert_entry_";

/// A CPU to generate code for. Immutable.
class CodegenTarget {
public:
  /// `name` as LLVM spells it; "native" is this machine's CPU with all it has.
  static llvm::Expected<CodegenTarget> create(llvm::StringRef name);

  /// The CPU's name, never "native".
  llvm::StringRef name() const { return cpu; }
  /// Success if this machine can run code for the CPU.
  llvm::Error checkRunsHere() const;

  /// Triple, CPU and features: all that generated code depends on.
  std::string description() const;

  /// Returns the code of `module`, in which nothing but descriptors stays
  /// visible: optimised and, in a build with AddressSanitizer or
  /// ThreadSanitizer, instrumented where the options say so.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  emit(llvm::Module &module, CodeKind kind,
       const CompilerOptions &options) const;

private:
  const llvm::Target *target = nullptr;
  std::string triple, cpu, features;
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_CODEGEN_H
