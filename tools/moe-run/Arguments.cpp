//===- Arguments.cpp - a tensor for each argument -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "Call.h"
#include "Files.h"
#include "Random.h"

#include "moe/Execution/Compare.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moe::run {

namespace {

/// The search for the arguments of one function.
class Search {
public:
  Search(const Options &options, const Function &function)
      : options(options), function(function), entry(function.entry()),
        args(arguments(entry)), found(args.size()), symbols(entry.n_symbols) {}

  Expected<Arguments> run();

private:
  Error takeWeights();
  Error takeInputs();
  Error convertFloats();
  Error takeDims();
  Error resolveSymbols();
  Error checkSizes();
  Error fillRest();
  Error missingError(const MoertArg &arg) const;
  /// Gives argument `i` a tensor that comes from `source`.
  void give(size_t i, TensorView tensor, const Twine &source);
  Error setSymbol(size_t symbol, int64_t size, const Twine &source);

  const Options &options;
  const Function &function;
  const MoertEntry &entry;
  ArrayRef<MoertArg> args;

  struct Given {
    TensorView tensor;
    std::string source;
  };
  std::vector<std::optional<Given>> found;
  std::vector<Safetensors> files; // --weights
  std::vector<std::optional<int64_t>> symbols;
  Arguments result;
};

} // namespace

void Search::give(size_t i, TensorView tensor, const Twine &source) {
  found[i] = Given{std::move(tensor), source.str()};
}

/// "argument 'x' (f32[T, 64])".
static std::string argumentText(const MoertEntry &entry, const MoertArg &arg) {
  return ("argument '" + Twine(arg.name) + "' (" + describe(entry, arg) + ")")
      .str();
}

//===----------------------------------------------------------------------===//
// Given tensors
//===----------------------------------------------------------------------===//

Error Search::takeWeights() {
  for (const std::string &path : options.weights) {
    Expected<Safetensors> file = Safetensors::open(path);
    if (!file)
      return file.takeError();
    bool used = false;
    for (auto [i, arg] : enumerate(args)) {
      const TensorView *tensor = file->find(arg.name);
      if (!tensor)
        continue;
      used = true;
      if (found[i])
        return makeError(argumentText(entry, arg) + ": is in " +
                         found[i]->source + " and in " + path);
      give(i, *tensor, path);
    }
    if (!used)
      return makeError(path +
                       ": has no tensor with the name of an argument of " +
                       function.signature());
    files.push_back(std::move(*file));
  }
  return Error::success();
}

Error Search::takeInputs() {
  size_t next = 0;
  for (const TensorPlace &place : options.inputs) {
    while (next < found.size() && found[next])
      ++next;
    if (next == found.size())
      return makeError("--input=" + place.text +
                       ": no argument is left for it in " +
                       function.signature());
    Expected<TensorView> tensor = readTensor(place);
    if (!tensor)
      return tensor.takeError();
    give(next, std::move(*tensor), "--input=" + place.text);
  }
  return Error::success();
}

/// True for floats that differ in how many bits they have, and no more.
static bool isPlainFloat(MoertDType dtype) {
  return isFloat(dtype) && dtype != MOERT_F8E8M0;
}

Error Search::convertFloats() {
  for (auto [arg, given] : zip_equal(args, found)) {
    auto wanted = static_cast<MoertDType>(arg.dtype);
    if (!given || given->tensor.dtype == wanted || !isPlainFloat(wanted) ||
        !isPlainFloat(given->tensor.dtype))
      continue;
    result.notes.push_back(("argument '" + Twine(arg.name) +
                            "': " + given->source + " holds " +
                            moert_dtype_name(given->tensor.dtype) +
                            ", converted to " + moert_dtype_name(wanted))
                               .str());
    Expected<TensorView> converted = convertTensor(given->tensor, wanted);
    if (!converted)
      return makeError(argumentText(entry, arg) + ": " +
                       toString(converted.takeError()));
    given->tensor = std::move(*converted);
  }
  return Error::success();
}

/// Why `arg` has no tensor. The --weights say what is wrong with theirs.
Error Search::missingError(const MoertArg &arg) const {
  std::string text = argumentText(entry, arg) + ": no tensor";
  for (const Safetensors &file : files)
    text += "; " + toString(file.get(arg.name).takeError());
  return makeError(text + "; give it with --weights, --input or --random");
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Error Search::setSymbol(size_t symbol, int64_t size, const Twine &source) {
  if (symbols[symbol] && *symbols[symbol] != size)
    return makeError("dimension '" + Twine(entry.symbols[symbol]) + "': got " +
                     Twine(size) + " from " + source + ", but " +
                     Twine(*symbols[symbol]) + " before");
  symbols[symbol] = size;
  return Error::success();
}

Error Search::takeDims() {
  ArrayRef<const char *> names(entry.symbols, entry.n_symbols);
  for (const auto &[name, size] : options.dims) {
    auto at = find_if(
        names, [&name = name](const char *symbol) { return name == symbol; });
    if (at == names.end())
      return makeError("--dim=" + name + "=" + Twine(size) + ": '" +
                       function.name() + "' has no such dimension; it has: " +
                       (names.empty() ? "none" : join(names, ", ")));
    symbols[at - names.begin()] = size;
  }
  for (auto [arg, given] : zip_equal(args, found)) {
    if (!given)
      continue;
    ArrayRef<int32_t> dims(arg.dims, arg.rank);
    if (dims.size() != given->tensor.shape.size())
      return makeError(argumentText(entry, arg) + ": got " +
                       given->tensor.describe() + " from " + given->source);
    for (auto [dim, size] : zip_equal(dims, given->tensor.shape))
      if (dim < 0)
        if (Error error = setSymbol(~dim, size,
                                    "argument '" + Twine(arg.name) + "' (" +
                                        given->source + ")"))
          return error;
  }
  return Error::success();
}

Error Search::resolveSymbols() {
  for (auto [i, size] : enumerate(symbols)) {
    if (!size)
      return makeError("dimension '" + Twine(entry.symbols[i]) +
                       "' has no size; give --dim=" + entry.symbols[i] +
                       "=SIZE or an input that has it");
    result.symbols.push_back(*size);
  }
  return Error::success();
}

/// Holds what is given, and what will be filled in, against the function.
Error Search::checkSizes() {
  SmallVector<MoertTensor> tensors;
  std::vector<TensorView> shapes; // keeps the shapes alive
  shapes.reserve(entry.n_args);
  for (auto [i, arg] : enumerate(allArgs(entry))) {
    bool given = i < found.size() && found[i];
    TensorView view;
    view.dtype =
        given ? found[i]->tensor.dtype : static_cast<MoertDType>(arg.dtype);
    view.shape =
        given ? found[i]->tensor.shape : shapeOf(entry, arg, result.symbols);
    if (arg.role == MOERT_WEIGHT)
      continue; // the runtime checks them when it packs them
    shapes.push_back(std::move(view));
    tensors.push_back(asTensor(shapes.back()));
  }
  Expected<SmallVector<int64_t>> bound = function.bindSymbols(tensors);
  if (!bound)
    return bound.takeError();
  return function.workspaceBytes(*bound).moveInto(result.workspaceBytes);
}

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

Error Search::fillRest() {
  std::vector<StringRef> filled;
  for (auto [i, arg] : enumerate(args)) {
    if (!found[i]) {
      Expected<TensorView> tensor = randomTensor(
          static_cast<MoertDType>(arg.dtype),
          shapeOf(entry, arg, result.symbols), arg.role == MOERT_WEIGHT,
          options.randomIntegers, *options.random + i);
      if (!tensor)
        return makeError(argumentText(entry, arg) + ": " +
                         toString(tensor.takeError()));
      give(i, std::move(*tensor), "--random");
      filled.push_back(arg.name);
    }
    result.tensors.push_back(found[i]->tensor);
  }
  if (!filled.empty() && filled.size() < args.size())
    result.notes.push_back("random: " + join(filled, ", "));
  return Error::success();
}

Expected<Arguments> Search::run() {
  if (Error error = takeWeights())
    return std::move(error);
  if (Error error = takeInputs())
    return std::move(error);
  if (!options.random)
    for (auto [arg, given] : zip_equal(args, found))
      if (!given)
        return missingError(arg);
  if (Error error = convertFloats())
    return std::move(error);
  if (Error error = takeDims())
    return std::move(error);
  if (Error error = resolveSymbols())
    return std::move(error);
  if (Error error = checkSizes())
    return std::move(error);
  if (Error error = fillRest())
    return std::move(error);
  return std::move(result);
}

Expected<Arguments> findArguments(const Options &options,
                                  const Function &function) {
  return Search(options, function).run();
}

} // namespace moe::run
