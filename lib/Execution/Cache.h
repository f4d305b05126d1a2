//===- Cache.h - compiled code in a folder ----------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file a module, named by the hash of everything its code depends on, so
// that a file is never out of date. Processes share a folder without locks:
// a file appears by a rename, complete, and of two that compile the same module
// either may win.
//
// What the files hold is executed. So the folder, and each file, must belong to
// this process's user and be writable by nobody else; and a file is believed
// only if the hash at its end is that of all before it: a disk that ran full, a
// copy that broke off, a name that was changed.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_CACHE_H
#define MOE_LIB_EXECUTION_CACHE_H

#include "moe/Execution/Compiler.h"

#include <array>
#include <optional>

namespace moe {

using CacheKey = std::array<uint8_t, 32>;

/// The key of code that depends on `parts`, and on the versions of this library
/// and of LLVM.
CacheKey makeCacheKey(llvm::ArrayRef<llvm::StringRef> parts);

/// A folder of compiled code, open.
class CacheFolder {
public:
  /// Makes the folder where it is missing. An error says why it is not used.
  static llvm::Expected<CacheFolder> open(llvm::StringRef path);
  CacheFolder(CacheFolder &&other) : descriptor(other.descriptor) {
    other.descriptor = -1;
  }
  CacheFolder &operator=(CacheFolder &&) = delete;
  ~CacheFolder();

  /// The code of that key, if it is there. `damaged` is set if there is a file
  /// for it that cannot be believed.
  std::optional<ObjectCode> find(const CacheKey &key, bool &damaged) const;

  /// Keeps code; nothing is left behind when that fails.
  llvm::Error store(const CacheKey &key, const ObjectCode &code) const;

private:
  explicit CacheFolder(int descriptor) : descriptor(descriptor) {}
  int descriptor;
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_CACHE_H
