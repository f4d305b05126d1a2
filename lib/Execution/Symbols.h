//===- Symbols.h - the functions generated code may call --------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_SYMBOLS_H
#define MOE_LIB_EXECUTION_SYMBOLS_H

#include "llvm/ADT/ArrayRef.h"

namespace moe {

/// A name that generated code may refer to, and what it stands for.
struct RuntimeSymbol {
  const char *name;
  void *address;
};

/// All of them: the runtime's functions, the C library's mathematics and block
/// operations, conversions of 16-bit floats. Nothing allocates, prints or ends
/// the process.
llvm::ArrayRef<RuntimeSymbol> runtimeSymbols();

} // namespace moe

#endif // MOE_LIB_EXECUTION_SYMBOLS_H
