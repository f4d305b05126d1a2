//===- consumer.cpp - the compiler in a program of somebody else ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles the module on the standard input and prints its functions.

#include "moe/Execution/Compiler.h"

#include "llvm/Support/raw_ostream.h"

int main() {
  llvm::Expected<moe::Compiler> compiler = moe::Compiler::create({});
  if (!compiler) {
    llvm::errs() << llvm::toString(compiler.takeError()) << '\n';
    return 1;
  }
  llvm::Expected<moe::Module> module = compiler->compileFile("-");
  if (!module) {
    llvm::errs() << llvm::toString(module.takeError()) << '\n';
    return 1;
  }
  for (const moe::Function &function : module->functions())
    llvm::outs() << function.signature() << '\n';
  return 0;
}
