//===- Header.h - declarations of compiled functions ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_HEADER_H
#define MOE_TOOLS_MOE_COMPILE_HEADER_H

#include "Options.h"

#include "moe/Execution/Module.h"

namespace moe::compile {

/// A C header for `functions`, compiled for `cpu`: C99 and C++. An error if two
/// of them, or their tensors, would have one name, or one has no name in C.
llvm::Expected<std::string> headerText(const Options &options,
                                       llvm::StringRef cpu,
                                       llvm::ArrayRef<Function> functions);

} // namespace moe::compile

#endif // MOE_TOOLS_MOE_COMPILE_HEADER_H
