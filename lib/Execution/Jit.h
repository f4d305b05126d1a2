//===- Jit.h - object files as code in this process -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_JIT_H
#define MOE_LIB_EXECUTION_JIT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace moe {

/// The code of one object file. Symbols it does not define are looked up in
/// runtimeSymbols() and nowhere else.
class LoadedObject {
public:
  /// Links `object`; `symbols` are the ones that addresses() returns. An error
  /// that names the symbols nobody defines.
  static llvm::Expected<std::shared_ptr<LoadedObject>>
  load(std::unique_ptr<llvm::MemoryBuffer> object,
       llvm::ArrayRef<std::string> symbols);
  ~LoadedObject();

  /// Valid as long as this object.
  llvm::ArrayRef<void *> addresses() const { return found; }

private:
  LoadedObject();
  llvm::Error link(std::unique_ptr<llvm::MemoryBuffer> object,
                   llvm::ArrayRef<std::string> symbols);
  llvm::Error defineRuntime();
  /// Calls a function without arguments, if the code has one of that name.
  void callHook(llvm::StringRef name);

  std::vector<std::string> problems; // what the session reported
  std::vector<void *> found;
  bool entered = false;                  // kSanitizerEnter was called
  std::unique_ptr<llvm::orc::LLJIT> jit; // last: it reports while it ends
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_JIT_H
