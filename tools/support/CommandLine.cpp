//===- CommandLine.cpp - what our tools have in common --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"

#include "moe/Pipelines/Pipelines.h"
#include "moert/moert.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moe::tools {

Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// Success if the command line has no word that means nothing: `unknown` is the
/// table's id of such words, `missing` the number of values that are missing.
static Error checkKnown(const opt::OptTable &table,
                        const opt::InputArgList &args,
                        opt::OptSpecifier unknown, unsigned missing) {
  if (missing)
    return makeError("an option at the end lacks its value");
  for (const opt::Arg *arg : args.filtered(unknown)) {
    std::string word = arg->getAsString(args), nearest;
    std::string hint = "; --help lists all";
    if (table.findNearest(word, nearest) <= 2)
      hint = "; did you mean '" + nearest + "'?";
    return makeError("unknown option '" + word + "'" + hint);
  }
  return Error::success();
}

Expected<std::optional<opt::InputArgList>> parse(const opt::OptTable &table,
                                                 const CommandLine &line,
                                                 int argc, char **argv) {
  unsigned missingIndex, missingCount;
  opt::InputArgList args =
      table.ParseArgs(ArrayRef(argv + 1, argc - 1), missingIndex, missingCount);
  if (Error error = checkKnown(table, args, line.unknown, missingCount))
    return std::move(error);
  if (args.hasArg(line.help)) {
    table.printHelp(outs(), line.usage, line.overview);
    return std::nullopt;
  }
  if (args.hasArg(line.version)) {
    printVersion(line.tool);
    return std::nullopt;
  }
  size_t files = args.getAllArgValues(line.input).size();
  if (files != 1)
    return makeError("expected one FILE, got " + Twine(files) +
                     "; usage: " + line.usage + ", or --help");
  return std::move(args);
}

std::string spelling(const opt::Arg &arg) {
  return (arg.getSpelling() + arg.getValue()).str();
}

Error expected(const opt::Arg &arg, const Twine &what) {
  return makeError(spelling(arg) + ": expected " + what);
}

Error checkWritable(StringRef path) {
  if (sys::fs::is_directory(path))
    return makeError(path + ": cannot write: is a folder");
  StringRef folder = sys::path::parent_path(path);
  if (folder.empty())
    folder = ".";
  if (!sys::fs::is_directory(folder))
    return makeError(path + ": cannot write: no folder " + folder);
  if (std::error_code code =
          sys::fs::access(folder, sys::fs::AccessMode::Write))
    return makeError(path + ": cannot write: " + code.message());
  return Error::success();
}

void printVersion(StringRef tool) {
  outs() << tool << ' ' << MOE_VERSION << "\n  runtime ABI "
         << moert_abi_version() << "\n  LLVM " << LLVM_VERSION_STRING
         << "\n  targets:";
  for (Target target :
       {Target::Reference, Target::Cpu, Target::Gpu, Target::GpuEmulator})
    if (isAvailable(target))
      outs() << ' ' << stringify(target);
  outs() << '\n';
}

int finish(StringRef tool, Error error) {
  outs().flush();
  if (outs().has_error()) {
    error = joinErrors(std::move(error),
                       makeError("standard output: cannot write: " +
                                 outs().error().message()));
    outs().clear_error();
  }
  if (!error)
    return 0;
  WithColor::error(errs(), tool) << toString(std::move(error)) << '\n';
  return 1;
}

} // namespace moe::tools
