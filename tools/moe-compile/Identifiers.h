//===- Identifiers.h - names of MLIR as names in C --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_IDENTIFIERS_H
#define MOE_TOOLS_MOE_COMPILE_IDENTIFIERS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"

#include <string>

namespace moe::compile {

/// `name` with each character that no C identifier has replaced by '_'; fit to
/// follow a prefix, for it may start with a digit.
std::string toIdentifier(llvm::StringRef name);

/// True for a name that assemblers and C compilers take as a symbol.
bool isSymbol(llvm::StringRef name);

/// Text for a C comment: what could end it, or the line, is spelled "\xNN".
std::string toComment(llvm::StringRef text);

/// Names of one scope, all different and none a keyword of C or C++.
class Scope {
public:
  /// A name like `name` that was not returned before.
  std::string add(llvm::StringRef name);

private:
  llvm::StringSet<> taken;
};

} // namespace moe::compile

#endif // MOE_TOOLS_MOE_COMPILE_IDENTIFIERS_H
