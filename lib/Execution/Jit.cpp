//===- Jit.cpp - object files as code in this process ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Jit.h"
#include "Diagnostics.h"
#include "Sanitize.h"
#include "Symbols.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

using namespace llvm;

namespace moe {

LoadedObject::LoadedObject() = default;

LoadedObject::~LoadedObject() {
  if (entered)
    callHook(kSanitizerLeave);
}

Error LoadedObject::defineRuntime() {
  orc::SymbolMap table;
  for (const RuntimeSymbol &symbol : runtimeSymbols())
    table[jit->mangleAndIntern(symbol.name)] = {
        orc::ExecutorAddr::fromPtr(symbol.address),
        JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  orc::JITDylib &library = jit->getMainJITDylib();
  if (Error error = library.define(orc::absoluteSymbols(std::move(table))))
    return error;
  if (!kAddressSanitizer && !kThreadSanitizer)
    return Error::success();
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit->getDataLayout().getGlobalPrefix(),
      [](const orc::SymbolStringPtr &name) {
        return isSanitizerSymbol(*name);
      });
  if (!process)
    return process.takeError();
  library.addGenerator(std::move(*process));
  return Error::success();
}

void LoadedObject::callHook(StringRef name) {
  Expected<orc::ExecutorAddr> address = jit->lookup(name);
  if (address)
    address->toPtr<void (*)()>()();
  else
    consumeError(address.takeError());
}

Error LoadedObject::link(std::unique_ptr<MemoryBuffer> object,
                         ArrayRef<std::string> symbols) {
  // Neither the process's symbols nor a platform, which would look for its own
  // support functions there.
  Expected<std::unique_ptr<orc::LLJIT>> created =
      orc::LLJITBuilder()
          .setLinkProcessSymbolsByDefault(false)
          .setPlatformSetUp(orc::setUpInactivePlatform)
          .create();
  if (!created)
    return created.takeError();
  jit = std::move(*created);
  jit->getExecutionSession().setErrorReporter([this](Error error) {
    problems.push_back(llvm::toString(std::move(error)));
  });
  if (Error error = defineRuntime())
    return error;
  if (Error error = jit->addObjectFile(std::move(object)))
    return error;
  for (const std::string &symbol : symbols) {
    Expected<orc::ExecutorAddr> address = jit->lookup(symbol);
    if (!address)
      return address.takeError();
    found.push_back(address->toPtr<void *>());
  }
  if (kAddressSanitizer) {
    callHook(kSanitizerEnter);
    entered = true;
  }
  return Error::success();
}

Expected<std::shared_ptr<LoadedObject>>
LoadedObject::load(std::unique_ptr<MemoryBuffer> object,
                   ArrayRef<std::string> symbols) {
  std::shared_ptr<LoadedObject> result(new LoadedObject);
  Error error = result->link(std::move(object), symbols);
  if (!error)
    return result;
  // The session has reported causes; the error is that its consequences failed.
  std::string text = llvm::toString(std::move(error));
  if (!result->problems.empty())
    text = join(result->problems, "; ");
  return makeError("cannot load the compiled code: " +
                   Twine(StringRef(text).trim()));
}

} // namespace moe
