//===- Check.cpp - comparing results with others --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "Call.h"

#include "moe/Execution/Compiler.h"

#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace llvm;

namespace moe::run {

Tolerance toleranceOf(const Options &options, const MoertEntry &entry) {
  Tolerance tolerance;
  for (const MoertArg &arg : allArgs(entry))
    tolerance.rtol = std::max(tolerance.rtol,
                              defaultRtol(static_cast<MoertDType>(arg.dtype)));
  tolerance.rtol = options.rtol.value_or(tolerance.rtol);
  tolerance.atol = options.atol.value_or(0);
  tolerance.exactRows = options.exactRows;
  return tolerance;
}

Expected<std::vector<TensorView>> readExpected(StringRef path,
                                               const MoertEntry &entry) {
  Expected<Safetensors> file = Safetensors::open(path);
  if (!file)
    return file.takeError();
  std::vector<TensorView> wanted;
  for (const MoertArg &result : results(entry)) {
    Expected<TensorView> tensor = file->get(result.name);
    if (!tensor)
      return makeError(
          toString(tensor.takeError()) + "; it has: " +
          join(map_range(file->entries(),
                         [](const Safetensors::Entry &e) { return e.name; }),
               ", "));
    wanted.push_back(std::move(*tensor));
  }
  return wanted;
}

Expected<CheckedAgainst> compareWith(StringRef source, const Function &function,
                                     ArrayRef<TensorView> results,
                                     ArrayRef<TensorView> wanted,
                                     const Tolerance &tolerance) {
  std::vector<ComparedPair> pairs;
  for (auto [result, got, want] :
       zip_equal(run::results(function.entry()), results, wanted))
    pairs.push_back({result.name, got, want});
  CheckedAgainst checked{source.str(), {}};
  if (Error error = compare(pairs, tolerance).moveInto(checked.results))
    return makeError(source + ": " + toString(std::move(error)));
  return checked;
}

Expected<Function> compileReference(const Options &options, StringRef entry) {
  if (options.target == Target::Reference)
    return makeError("--check: compares with target 'reference', which is the "
                     "one that runs; --expect compares with a file");
  if (options.from != Stage::Input || options.file == "-")
    return makeError(
        "--check: needs a file in stage 'input', to compile it for "
        "target 'reference', too");
  CompilerOptions compilerOptions;
  compilerOptions.target = Target::Reference;
  Expected<Compiler> compiler = Compiler::create(std::move(compilerOptions));
  if (!compiler)
    return compiler.takeError();
  Expected<Module> module = compiler->compileFile(options.file);
  return module ? module->lookup(entry) : module.takeError();
}

//===----------------------------------------------------------------------===//
// Sampled rows
//===----------------------------------------------------------------------===//

/// The rows `indices` of a tensor's first dimension.
static Expected<TensorView> gatherRows(const TensorView &tensor,
                                       ArrayRef<int64_t> indices) {
  SmallVector<int64_t, 4> shape = tensor.shape;
  shape.front() = indices.size();
  Expected<TensorView> result = allocateTensor(tensor.dtype, shape);
  if (!result || !result->bytes())
    return result;
  int64_t bytes = tensor.bytes() / tensor.shape.front();
  char *to = const_cast<char *>(result->data);
  for (auto [i, index] : enumerate(indices))
    std::memcpy(to + i * bytes, tensor.data + index * bytes, bytes);
  return result;
}

/// The named dimension that counts rows: the first of the first input that has
/// a named one. It must be the first wherever it occurs, and nowhere missing
/// among the results, or rows would not stand for themselves.
static Expected<size_t> rowSymbol(const MoertEntry &entry) {
  std::optional<size_t> symbol;
  for (const MoertArg &arg : allArgs(entry))
    if (!symbol && arg.rank && arg.dims[0] < 0)
      symbol = ~arg.dims[0];
  if (!symbol)
    return makeError("--check=rows:N: no argument has a named first dimension");
  StringRef name = entry.symbols[*symbol];
  for (const MoertArg &arg : allArgs(entry)) {
    ArrayRef<int32_t> dims(arg.dims, arg.rank);
    if (is_contained(dims.drop_front(!dims.empty()), ~int32_t(*symbol)))
      return makeError("--check=rows:N: '" + name +
                       "' is not only the first "
                       "dimension of '" +
                       arg.name + "'");
    if (arg.role == MOERT_OUTPUT &&
        (dims.empty() || dims[0] != ~int32_t(*symbol)))
      return makeError("--check=rows:N: result '" + Twine(arg.name) +
                       "' has no row for each of '" + name + "'");
  }
  return *symbol;
}

/// Keeps `count` rows of all tensors of `args`, taken evenly from `total`.
static Error sampleRows(ArrayRef<MoertArg> args, size_t symbol, int64_t total,
                        int64_t count, std::vector<TensorView> &tensors) {
  SmallVector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i)
    indices.push_back(i * total / count);
  for (auto [arg, tensor] : zip_equal(args, tensors)) {
    if (!arg.rank || arg.dims[0] != ~int32_t(symbol))
      continue;
    Expected<TensorView> rows = gatherRows(tensor, indices);
    if (!rows)
      return rows.takeError();
    tensor = std::move(*rows);
  }
  return Error::success();
}

Expected<CheckedAgainst> checkAgainstReference(const Options &options,
                                               const Function &reference,
                                               const Context &context,
                                               const Arguments &arguments,
                                               ArrayRef<TensorView> results) {
  const MoertEntry &entry = reference.entry();
  std::vector<TensorView> inputs = arguments.tensors, got = results.vec();
  SmallVector<int64_t> symbols = arguments.symbols;
  if (options.checkRows) {
    Expected<size_t> symbol = rowSymbol(entry);
    if (!symbol)
      return symbol.takeError();
    int64_t total = symbols[*symbol];
    int64_t count = std::min(total, *options.checkRows);
    if (Error error =
            sampleRows(run::arguments(entry), *symbol, total, count, inputs))
      return std::move(error);
    if (Error error =
            sampleRows(run::results(entry), *symbol, total, count, got))
      return std::move(error);
    symbols[*symbol] = count;
  }
  Expected<Call> call = Call::create(reference, context, inputs, symbols);
  if (!call)
    return call.takeError();
  if (Error error = call->run())
    return std::move(error);
  return compareWith("reference", reference, got, call->results(),
                     toleranceOf(options, entry));
}

} // namespace moe::run
