//===- Options.cpp - the command line of moe-bench ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "Side.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moe::bench {

const char *usage() {
  return R"(usage: moe-bench --shape=NAME [OPTION]...

Measures one layer in one data type and prints a JSON object a line.

  --shape=NAME        A, B, C or D
  --dtype=TYPE        f32 (default), bf16 or f16
  --cells=NAME-N,...  routing (uniform, zipf, half) and tokens of a call
                      (default uniform-128)
  --threads=N,...     threads (default 1)
  --sides=NAME,...    what to measure (default: all of moe, moe-logits,
                      moe-inplace, moe-inplace-io, moe-avx2, onednn, openblas)
  --budget=SECONDS    time to spend on each figure (default 0.5)
  --seed=N            other inputs (default 1)
  --compile=N,...     instead: time the compilation of modules of N layers
  --export=FOLDER     instead: write weights, batches and reference rows there
)";
}

static Error invalid(StringRef option, StringRef got, const Twine &expected) {
  return createStringError("--" + option + ": got '" + got + "', expected " +
                           expected);
}

/// The comma-separated values, each read by `parse` into an optional.
template <typename T, typename Parse>
static Error parseList(StringRef option, StringRef text, const Twine &expected,
                       std::vector<T> &values, Parse &&parse) {
  values.clear();
  for (StringRef part : split(text, ',')) {
    auto value = parse(part);
    if (!value)
      return invalid(option, part, expected);
    values.push_back(*value);
  }
  return Error::success();
}

static std::optional<int64_t> parseCount(StringRef text) {
  int64_t value;
  if (text.getAsInteger(10, value) || value < 1 || value > (1 << 20))
    return std::nullopt;
  return value;
}

/// "zipf-128".
static std::optional<std::pair<Routing, int64_t>> parseCell(StringRef text) {
  auto [name, count] = text.split('-');
  std::optional<Routing> routing = parseRouting(name);
  std::optional<int64_t> tokens = parseCount(count);
  if (!routing || !tokens)
    return std::nullopt;
  return std::pair(*routing, *tokens);
}

static Error parseOption(StringRef name, StringRef value, Options &options) {
  auto counts = [&](std::vector<int64_t> &values) {
    return parseList(name, value, "numbers from 1 to 1048576", values,
                     parseCount);
  };
  if (name == "threads")
    return counts(options.threads);
  if (name == "compile")
    return counts(options.depths);
  if (name == "cells")
    return parseList(name, value, "ROUTING-TOKENS, like zipf-128",
                     options.cells, parseCell);
  if (name == "sides")
    return parseList(name, value, join(sideNames(), ", "), options.sides,
                     [](StringRef side) {
                       return is_contained(sideNames(), side)
                                  ? std::optional(side.str())
                                  : std::nullopt;
                     });
  if (name == "shape") {
    options.layer = findLayer(value);
    return options.layer ? Error::success()
                         : invalid(name, value, "A, B, C or D");
  }
  if (name == "dtype") {
    for (MoertDType dtype : {MOERT_F32, MOERT_BF16, MOERT_F16})
      if (value == moert_dtype_name(dtype)) {
        options.dtype = dtype;
        return Error::success();
      }
    return invalid(name, value, "f32, bf16 or f16");
  }
  if (name == "budget") {
    bool good = to_float(value, options.budget) && options.budget > 0 &&
                options.budget <= 3600;
    return good ? Error::success()
                : invalid(name, value, "seconds, up to 3600");
  }
  if (name == "seed")
    return to_integer(value, options.seed)
               ? Error::success()
               : invalid(name, value, "a number from 0");
  if (name == "export") {
    options.exportTo = value.str();
    return value.empty() ? invalid(name, value, "a folder") : Error::success();
  }
  return createStringError("unknown option --" + name + "; see --help");
}

Expected<Options> parseOptions(int argc, char **argv) {
  Options options;
  for (StringRef argument : ArrayRef(argv, argc).drop_front()) {
    if (!argument.consume_front("--") || !argument.contains('='))
      return createStringError("got '" + argument +
                               "', expected --NAME=VALUE; see --help");
    auto [name, value] = argument.split('=');
    if (Error error = parseOption(name, value, options))
      return std::move(error);
  }
  if (!options.layer)
    return createStringError("--shape is missing; see --help");
  if (options.sides.empty())
    for (StringRef side : sideNames())
      options.sides.push_back(side.str());
  return options;
}

} // namespace moe::bench
