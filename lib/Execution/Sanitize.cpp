//===- Sanitize.cpp - generated code under the sanitizers -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sanitize.h"

#include "llvm/IR/Module.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Instrumentation/ThreadSanitizer.h"

using namespace llvm;

namespace moe {

void prepareForSanitizers(Module &module) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (kAddressSanitizer)
      function.addFnAttr(Attribute::SanitizeAddress);
    if (kThreadSanitizer) {
      function.addFnAttr(Attribute::SanitizeThread);
      function.setDoesNotThrow(); // else it gets a handler that resumes
    }
  }
}

void addSanitizerPasses(ModulePassManager &passes) {
  // Globals are listed in an array: their own section would need symbols
  // for its ends, which a linker defines.
  if (kAddressSanitizer)
    passes.addPass(AddressSanitizerPass({}, /*UseGlobalGC=*/false,
                                        /*UseOdrIndicator=*/false));
  if (kThreadSanitizer)
    passes.addPass(createModuleToFunctionPassAdaptor(ThreadSanitizerPass()));
}

void exposeSanitizerHooks(Module &module) {
  for (StringRef name : {kSanitizerEnter, kSanitizerLeave})
    if (Function *function = module.getFunction(name)) {
      function->setComdat(nullptr);
      function->setLinkage(GlobalValue::ExternalLinkage);
    }
  for (StringRef list : {"llvm.global_ctors", "llvm.global_dtors"})
    if (GlobalVariable *variable = module.getGlobalVariable(list);
        variable && kAddressSanitizer)
      variable->eraseFromParent();
}

bool isSanitizerSymbol(StringRef name) {
  return (kAddressSanitizer && name.starts_with("__asan_")) ||
         (kThreadSanitizer && name.starts_with("__tsan_"));
}

} // namespace moe
