//===- Sanitize.h - generated code under the sanitizers ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sanitizer sees only code that was instrumented. So that it sees generated
// code, too, a build with AddressSanitizer or ThreadSanitizer instruments that
// with LLVM's own passes. In every other build all of this does nothing.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_SANITIZE_H
#define MOE_LIB_EXECUTION_SANITIZE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/PassManager.h"

namespace llvm {
class Module;
} // namespace llvm

namespace moe {

#if __has_feature(address_sanitizer)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#if __has_feature(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

/// Marks all functions of `module` for instrumentation.
void prepareForSanitizers(llvm::Module &module);

/// Adds the instrumenting passes behind the optimiser's.
void addSanitizerPasses(llvm::ModulePassManager &passes);

/// Gives the functions that announce globals to AddressSanitizer, and withdraw
/// them, the names below, for nobody else would run them.
void exposeSanitizerHooks(llvm::Module &module);

inline constexpr llvm::StringLiteral kSanitizerEnter = "asan.module_ctor";
inline constexpr llvm::StringLiteral kSanitizerLeave = "asan.module_dtor";

/// True for the runtime functions that instrumented code calls.
bool isSanitizerSymbol(llvm::StringRef name);

} // namespace moe

#endif // MOE_LIB_EXECUTION_SANITIZE_H
