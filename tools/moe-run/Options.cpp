//===- Options.cpp - the command line of moe-run --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "moert/moert.h"

#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Option/Option.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/StringSaver.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;

namespace moe::run {

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

constexpr const char *usage = "moe-run FILE [options]";

constexpr const char *overview =
    R"(compiles a mixture-of-experts layer and runs it.

FILE is MLIR, text or bytecode ('-': the standard input). Its public functions
are the entries; moe-run compiles FILE for this machine, gives one of them its
arguments, calls it, and says what came out. Exit status 0 means that all of it
worked, and that what was to be compared agreed.

EXAMPLES:
  moe-run layer.mlir --list
        which functions there are, with their arguments and results
  moe-run layer.mlir --random=1 --dim=T=512 --check
        random tokens and weights; does the compiled code agree with the
        reference?
  moe-run layer.mlir --weights=model.safetensors --input=x.npy --output=y.npy
        a checkpoint's weights (arguments marked with moe.name), one input
  moe-run layer.mlir --weights=case.safetensors --expect=results.safetensors
        is this what another program computed?
  moe-run layer.mlir --random=1 --dim=T=1 --bench=1000 --json
        how long does a call take?

An argument gets its tensor from --weights, else from --input, else from
--random. Floats of another width are converted, with a note. What is written
appears whole or not at all, after a run without an error; a comparison that
fails does not keep results from being written.)";

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Sets `value` to the number of the last option `id`, if there is one. It must
/// be in [least, most].
template <typename T, typename Number>
Error parseInteger(const InputArgList &args, ID id, T &value, Number least,
                   Number most) {
  const Arg *arg = args.getLastArg(id);
  Number number;
  if (!arg)
    return Error::success();
  if (StringRef(arg->getValue()).getAsInteger(10, number) || number < least ||
      number > most)
    return expected(*arg, "a whole number from " + Twine(least) + " to " +
                              Twine(most));
  value = number;
  return Error::success();
}

/// The same for a number that is not negative.
Error parseTolerance(const InputArgList &args, ID id,
                     std::optional<double> &value) {
  const Arg *arg = args.getLastArg(id);
  double number;
  if (!arg)
    return Error::success();
  if (StringRef(arg->getValue()).getAsDouble(number) || !(number >= 0))
    return expected(*arg, "a number that is not negative");
  value = number;
  return Error::success();
}

/// FILE.npy, FILE.safetensors or FILE.safetensors:TENSOR, or an index of
/// shards.
Expected<TensorPlace> parsePlace(const Arg &arg, bool written) {
  TensorPlace place;
  StringRef text = place.text = arg.getValue();
  for (StringRef extension : {".safetensors:", ".json:"})
    if (size_t at = text.find(extension); at != StringRef::npos) {
      place.file = text.take_front(at + extension.size() - 1);
      place.tensor = text.drop_front(at + extension.size());
      break;
    }
  if (place.file.empty())
    place.file = text;
  StringRef file = place.file;
  if (!file.ends_with(".npy") && !file.ends_with(".safetensors") &&
      (written || !file.ends_with(".json")))
    return expected(arg, "FILE.npy or FILE.safetensors:TENSOR");
  return place;
}

Error parsePlaces(const InputArgList &args, ID id, bool written,
                  std::vector<TensorPlace> &places) {
  for (const Arg *arg : args.filtered(id)) {
    Expected<TensorPlace> place = parsePlace(*arg, written);
    if (!place)
      return place.takeError();
    places.push_back(std::move(*place));
  }
  return Error::success();
}

Error parseDims(const InputArgList &args, Options &options) {
  for (const Arg *arg : args.filtered(OPT_dim)) {
    auto [name, size] = StringRef(arg->getValue()).split('=');
    int64_t number;
    if (name.empty() || size.getAsInteger(10, number) || number < 0)
      return expected(*arg, "NAME=SIZE");
    for (const auto &[other, otherSize] : options.dims)
      if (other == name && otherSize != number)
        return makeError(spelling(*arg) + ": got " + Twine(otherSize) +
                         " for the same dimension before");
    options.dims.emplace_back(name.str(), number);
  }
  return Error::success();
}

/// What to compile.
Error parseCompilation(const InputArgList &args, Options &options) {
  options.target = isAvailable(Target::Cpu) ? Target::Cpu : Target::Reference;
  if (const Arg *arg = args.getLastArg(OPT_target)) {
    std::optional<Target> target = parseTarget(arg->getValue());
    if (!target)
      return expected(*arg, "reference, cpu, gpu or gpu-emulator");
    options.target = *target;
  }
  if (const Arg *arg = args.getLastArg(OPT_compile_from)) {
    std::optional<Stage> stage = parseStage(arg->getValue());
    if (!stage)
      return expected(*arg, "input, kernels, prepared, buffers, loops or llvm");
    options.from = *stage;
  }
  if (const Arg *arg = args.getLastArg(OPT_without)) {
    PipelineOptions pipeline;
    if (Error error = pipeline.leaveOut(arg->getValue()))
      return makeError(spelling(*arg) + ": " + toString(std::move(error)));
    options.without = std::move(pipeline.without);
  }
  options.optimize = !args.hasArg(OPT_no_optimize);
  options.entry = args.getLastArgValue(OPT_entry);
  options.cpu = args.getLastArgValue(OPT_cpu, "native");
  options.list = args.hasArg(OPT_list_entries);
  return Error::success();
}

/// What to compare and to measure.
Error parseChecks(const InputArgList &args, Options &options) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  options.check = args.hasArg(OPT_check, OPT_check_rows);
  if (const Arg *arg = args.getLastArg(OPT_check_rows)) {
    StringRef rows = arg->getValue();
    int64_t number;
    if (!rows.consume_front("rows:") || rows.getAsInteger(10, number) ||
        number < 1)
      return expected(*arg, "rows:N, N at least 1");
    options.checkRows = number;
  }
  options.expect = args.getLastArgValue(OPT_expect);
  options.exactRows = args.hasArg(OPT_exact_rows);
  options.stats = args.hasArg(OPT_stats);
  options.json = args.hasArg(OPT_json);
  if (Error error = parseTolerance(args, OPT_rtol, options.rtol))
    return error;
  if (Error error = parseTolerance(args, OPT_atol, options.atol))
    return error;
  if (Error error =
          parseInteger(args, OPT_bench, options.bench, int64_t(1), most))
    return error;
  return parseInteger(args, OPT_threads, options.threads, 1u,
                      unsigned(MOERT_MAX_THREADS));
}

} // namespace

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

Expected<std::optional<Options>> parseOptions(int argc, char **argv) {
  Table table;
  tools::CommandLine line = {"moe-run",   usage,    overview,   OPT_INPUT,
                             OPT_UNKNOWN, OPT_help, OPT_version};
  auto parsed = tools::parse(table, line, argc, argv);
  if (!parsed)
    return parsed.takeError();
  if (!*parsed)
    return std::nullopt;
  const InputArgList &args = **parsed;

  Options options;
  options.file = args.getLastArgValue(OPT_INPUT).str();
  if (Error error = parseCompilation(args, options))
    return std::move(error);

  options.weights = args.getAllArgValues(OPT_weights);
  if (Error error = parsePlaces(args, OPT_input, false, options.inputs))
    return std::move(error);
  if (Error error = parsePlaces(args, OPT_output, true, options.outputs))
    return std::move(error);
  if (Error error = parseInteger(args, OPT_random, options.random, uint64_t(0),
                                 std::numeric_limits<uint64_t>::max()))
    return std::move(error);
  if (Error error =
          parseInteger(args, OPT_random_integers, options.randomIntegers,
                       int64_t(1), std::numeric_limits<int64_t>::max()))
    return std::move(error);
  if (Error error = parseDims(args, options))
    return std::move(error);
  if (Error error = parseChecks(args, options))
    return std::move(error);
  return options;
}

} // namespace moe::run
