//===- CommandLine.h - what our tools have in common ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tools whose options are a table of LLVM's option library: the way they
// refuse a command line, say which version they are, and end.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_SUPPORT_COMMANDLINE_H
#define MOE_TOOLS_SUPPORT_COMMANDLINE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptSpecifier.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace moe::tools {

/// An error without a code.
llvm::Error makeError(const llvm::Twine &message);

/// What every tool's command line has: its words' ids in the table, its texts.
struct CommandLine {
  llvm::StringRef tool;
  const char *usage, *overview;
  llvm::opt::OptSpecifier input, unknown, help, version;
};

/// The words of a command line with exactly one FILE; nothing if it asked for
/// the help or the version, which have then been printed.
llvm::Expected<std::optional<llvm::opt::InputArgList>>
parse(const llvm::opt::OptTable &table, const CommandLine &line, int argc,
      char **argv);

/// "--dim=T=0x", as written.
std::string spelling(const llvm::opt::Arg &arg);

/// "--bench=x: expected WHAT".
llvm::Error expected(const llvm::opt::Arg &arg, const llvm::Twine &what);

/// Success if a file may appear at `path`.
llvm::Error checkWritable(llvm::StringRef path);

/// Prints the versions of `tool`, of the runtime's ABI and of LLVM, and the
/// targets of this build, to the standard output.
void printVersion(llvm::StringRef tool);

/// Flushes the standard output, prints "TOOL: error: TEXT" if there is an
/// error, one of the standard output included, and returns the exit status.
int finish(llvm::StringRef tool, llvm::Error error);

} // namespace moe::tools

#endif // MOE_TOOLS_SUPPORT_COMMANDLINE_H
