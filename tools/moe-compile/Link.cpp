//===- Link.cpp - shared libraries from object files ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Link.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <link.h>

using namespace llvm;

namespace moe::compile {

Expected<std::string> findLinker(const Options &options) {
  if (!options.linker.empty()) {
    ErrorOr<std::string> path = sys::findProgramByName(options.linker);
    if (!path || !sys::fs::can_execute(*path))
      return makeError("--linker=" + options.linker + ": no such program");
    return *path;
  }
  for (StringRef name : {"ld.lld-22", "ld.lld", "ld", "cc"})
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  return makeError(
      "no linker found: none of ld.lld-22, ld.lld, ld and cc is in "
      "PATH; install one (package lld), name one with "
      "--linker=PROGRAM, or write an object file, OBJ.o");
}

/// The path of the library NAME.so[.VERSION] that this process has loaded; ""
/// if it has none.
static std::string findLoaded(StringRef name) {
  std::pair<StringRef, std::string> search(name, "");
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *data) {
        auto &[name, path] =
            *static_cast<std::pair<StringRef, std::string> *>(data);
        if (!sys::path::filename(info->dlpi_name).starts_with(name))
          return 0;
        path = info->dlpi_name;
        return 1;
      },
      &search);
  return search.second;
}

/// Runs `linker`; an error with the first line that it prints if it fails.
static Error runLinker(StringRef linker, ArrayRef<StringRef> arguments) {
  SmallString<128> log;
  if (std::error_code code =
          sys::fs::createTemporaryFile("moe-compile", "log", log))
    return makeError("cannot create a temporary file: " + code.message());
  FileRemover remover(log);
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  std::string problem;
  int status = sys::ExecuteAndWait(linker, arguments, std::nullopt, redirects,
                                   0, 0, &problem);
  if (status == 0)
    return Error::success();
  StringRef text = problem;
  ErrorOr<std::unique_ptr<MemoryBuffer>> output = MemoryBuffer::getFile(log);
  if (output && !(*output)->getBuffer().trim().empty())
    text = (*output)->getBuffer().trim();
  if (text.empty())
    text = "it gives no reason";
  return makeError("cannot link: " + text.split('\n').first + " (exit status " +
                   Twine(status) + " of " + linker + ")");
}

Error linkLibrary(StringRef linker, const Options &options, StringRef object,
                  StringRef library, StringRef name) {
  std::vector<std::string> libraries;
  for (StringRef needed : {"libmoert.so", "libm.so", "libc.so"}) {
    if (options.runtimeOfHost && needed == "libmoert.so")
      continue;
    std::string path = findLoaded(needed);
    if (path.empty())
      return makeError("cannot link: " + needed + " is not loaded");
    libraries.push_back(path);
  }
  // A C compiler hands options to its linker.
  bool isLinker = sys::path::filename(linker).contains("ld");
  std::vector<std::string> flags{"-soname=" + name.str(), "--hash-style=gnu",
                                 "--build-id=none", "--as-needed"};
  for (StringRef keyword : {"now", "relro", "noexecstack", "defs"}) {
    if (options.runtimeOfHost && keyword == "defs")
      continue; // the runtime's are found when it is loaded
    flags.push_back("-z");
    flags.push_back(keyword.str());
  }
  std::vector<StringRef> arguments{linker, "-shared"};
  if (!isLinker)
    arguments.push_back("-nostdlib");
  for (const std::string &flag : flags) {
    if (!isLinker)
      arguments.push_back("-Xlinker");
    arguments.push_back(flag);
  }
  arguments.insert(arguments.end(), {"-o", library, object});
  arguments.insert(arguments.end(), libraries.begin(), libraries.end());
  return runLinker(linker, arguments);
}

} // namespace moe::compile
