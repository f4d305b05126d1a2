//===- FuzzSupport.h - what must hold of any tensor read ------ -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_FUZZ_FUZZSUPPORT_H
#define MOE_FUZZ_FUZZSUPPORT_H

#include "moe/TensorFile/TensorFile.h"

namespace moe::fuzz {

/// Ends the program, for the fuzzer to see, unless `condition` holds.
inline void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

/// Requires a well-formed, aligned view, and reads every byte of it.
inline void checkView(const TensorView &view) {
  require(view.shape.size() <= MOERT_MAX_RANK);
  std::optional<int64_t> bytes = tensorBytes(view.dtype, view.shape);
  require(bytes && *bytes == view.bytes());
  require(*bytes % moert_dtype_bytes(view.dtype) == 0);
  require(reinterpret_cast<uintptr_t>(view.data) %
              moert_dtype_bytes(view.dtype) ==
          0);
  for (int64_t i = 0, n = view.elements(); i < n; ++i) {
    double value = readElement(view, i);
    require(view.dtype != MOERT_I1 || value == 0 || value == 1);
  }
}

/// Requires that `message` is one line of bounded length, about `label`.
inline void checkMessage(llvm::StringRef message, llvm::StringRef label) {
  require(message.starts_with(label) && !message.contains('\n') &&
          message.size() < 1000);
}

/// Requires sorted names and well-formed views, or else a good message.
inline void checkFile(llvm::Expected<Safetensors> file, llvm::StringRef label) {
  if (!file)
    return checkMessage(llvm::toString(file.takeError()), label);
  const Safetensors::Entry *previous = nullptr;
  for (const Safetensors::Entry &entry : file->entries()) {
    require(!previous || previous->name < entry.name);
    require(file->find(entry.name) == &entry.view);
    checkView(entry.view);
    previous = &entry;
  }
}

} // namespace moe::fuzz

#endif // MOE_FUZZ_FUZZSUPPORT_H
