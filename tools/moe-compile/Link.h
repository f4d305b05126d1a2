//===- Link.h - shared libraries from object files --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_COMPILE_LINK_H
#define MOE_TOOLS_MOE_COMPILE_LINK_H

#include "Options.h"

namespace moe::compile {

/// The path of the program that links: the one that --linker names, else the
/// first of those that systems have.
llvm::Expected<std::string> findLinker(const Options &options);

/// Links the object file `object` to the library `library`, which calls itself
/// `name`. It needs the libraries that this process has loaded: the runtime's
/// (unless the host brings that) and the system's.
llvm::Error linkLibrary(llvm::StringRef linker, const Options &options,
                        llvm::StringRef object, llvm::StringRef library,
                        llvm::StringRef name);

} // namespace moe::compile

#endif // MOE_TOOLS_MOE_COMPILE_LINK_H
