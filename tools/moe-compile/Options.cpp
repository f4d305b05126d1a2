//===- Options.cpp - the command line of moe-compile ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;

namespace moe::compile {

//===----------------------------------------------------------------------===//
// The generated table
//===----------------------------------------------------------------------===//

namespace {

enum ID {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

#define OPTTABLE_STR_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_STR_TABLE_CODE

#define OPTTABLE_PREFIXES_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_PREFIXES_TABLE_CODE

const OptTable::Info infos[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

struct Table : GenericOptTable {
  Table() : GenericOptTable(OptionStrTable, OptionPrefixesTable, infos) {}
};

constexpr const char *usage =
    "moe-compile FILE -o LIB.so|OBJ.o [--header=FILE.h] [options]";

constexpr const char *overview =
    R"(compiles a mixture-of-experts layer ahead of time.

FILE is MLIR, text or bytecode ('-': the standard input). Each of its public
functions becomes an entry, a variable moert_entry_NAME, that a program in C or
C++ calls through a small runtime library, without LLVM.

EXAMPLES:
  moe-compile layer.mlir -o layer.o --header=layer.h
  cc serve.c layer.o -lmoert -lm
        a program with the layer in it; layer.h has a function moe_NAME_call with
        a typed parameter for each tensor
  moe-compile layer.mlir -o layer.so --cpu=x86-64-v3
        a library to load with moert_library_open, for machines with AVX2
  moe-opt layer.mlir --moe-pipeline=cpu --compile-to=kernels | \
      moe-compile - --compile-from=kernels -o layer.o
        what passes of your own have changed

The CPU decides where the code runs: a program on a machine that lacks one of its
features gets a status (MOERT_WRONG_CPU), not a crash. Unless it stays here, name
the CPU. What is written appears whole or not at all.)";

/// Where the outputs go.
Error parseOutputs(const InputArgList &args, Options &options) {
  std::vector<std::string> outputs = args.getAllArgValues(OPT_output);
  if (outputs.size() != 1)
    return makeError("expected one -o FILE, got " + Twine(outputs.size()) +
                     "; usage: " + usage + ", or --help");
  options.output = outputs.front();
  StringRef output = options.output;
  if (!output.ends_with(".so") && !output.ends_with(".o"))
    return makeError("-o " + output + ": expected LIB.so or OBJ.o");
  if (args.getAllArgValues(OPT_header).size() > 1)
    return makeError("--header: given twice");
  if (const Arg *arg = args.getLastArg(OPT_header)) {
    options.header = arg->getValue();
    if (!StringRef(options.header).ends_with(".h"))
      return tools::expected(*arg, "FILE.h");
  }
  for (const std::string *path : {&options.output, &options.header}) {
    if (path->empty())
      continue;
    if (Error error = tools::checkWritable(*path))
      return error;
    bool same = false;
    if (!sys::fs::equivalent(*path, options.file, same) && same)
      return makeError(*path + ": is the source itself");
  }
  bool same = false;
  if (!sys::fs::equivalent(options.output, options.header, same) && same)
    return makeError("-o " + output + " and --header=" + options.header +
                     ": are the same file");
  return Error::success();
}

/// What to compile, for which machine.
Error parseCompilation(const InputArgList &args, Options &options) {
  if (const Arg *arg = args.getLastArg(OPT_target)) {
    std::optional<Target> target = parseTarget(arg->getValue());
    if (!target || (target != Target::Cpu && target != Target::Reference))
      return tools::expected(*arg, "cpu or reference");
    options.target = *target;
  }
  if (const Arg *arg = args.getLastArg(OPT_compile_from)) {
    std::optional<Stage> stage = parseStage(arg->getValue());
    if (!stage)
      return tools::expected(
          *arg, "input, kernels, prepared, buffers, loops or llvm");
    options.from = *stage;
  }
  options.cpu = args.getLastArgValue(OPT_cpu, "native");
  return Error::success();
}

/// How to link.
Error parseLinking(const InputArgList &args, Options &options) {
  const Arg *runtime = args.getLastArg(OPT_runtime);
  const Arg *linker = args.getLastArg(OPT_linker);
  for (const Arg *arg : {runtime, linker})
    if (arg && !options.isLibrary())
      return makeError(tools::spelling(*arg) +
                       ": is for a library, LIB.so; an object is not linked");
  if (runtime) {
    StringRef value = runtime->getValue();
    if (value != "shared" && value != "host")
      return tools::expected(*runtime, "shared or host");
    options.runtimeOfHost = value == "host";
  }
  if (linker)
    options.linker = linker->getValue();
  return Error::success();
}

} // namespace

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

Expected<std::optional<Options>> parseOptions(int argc, char **argv) {
  Table table;
  tools::CommandLine line = {"moe-compile", usage,    overview,   OPT_INPUT,
                             OPT_UNKNOWN,   OPT_help, OPT_version};
  auto parsed = tools::parse(table, line, argc, argv);
  if (!parsed)
    return parsed.takeError();
  if (!*parsed)
    return std::nullopt;
  const InputArgList &args = **parsed;

  Options options;
  options.file = args.getLastArgValue(OPT_INPUT).str();
  options.quiet = args.hasArg(OPT_quiet);
  if (Error error = parseCompilation(args, options))
    return std::move(error);
  if (Error error = parseOutputs(args, options))
    return std::move(error);
  if (Error error = parseLinking(args, options))
    return std::move(error);
  return options;
}

} // namespace moe::compile
