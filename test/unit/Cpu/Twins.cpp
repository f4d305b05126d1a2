//===- Twins.cpp - one program through two pipelines ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Twins.h"
#include "../Execution/GuardPages.h"
#include "../Execution/Thorough.h"

#include "moe/Execution/Compare.h"

#include "llvm/ADT/SmallVectorExtras.h"

#include <cstring>
#include <map>

using namespace llvm;

namespace moe::test {

/// The value, or the end of the program: these tests need no failure of theirs.
template <typename T> static T get(Expected<T> value) {
  return cantFail(std::move(value));
}

TensorView makeTensor(MoertDType dtype, ArrayRef<int64_t> shape,
                      function_ref<double()> next) {
  TensorView tensor = get(allocateTensor(dtype, shape));
  for (int64_t i = 0; i < tensor.elements(); ++i)
    writeElement(dtype, const_cast<char *>(tensor.data), i, next());
  return tensor;
}

std::string elementName(MoertDType dtype) { return moert_dtype_name(dtype); }

/// @main of `text`, compiled for `target`.
static Expected<Function> compileFor(Target target, const std::string &text,
                                     StringRef cpu) {
  CompilerOptions options;
  options.target = target;
  options.cpu = cpu.str();
  options.optimize = options.verifyPasses =
      target == Target::Cpu && isThorough(text); // the other one is the oracle
  Expected<Compiler> compiler = Compiler::create(options);
  if (!compiler)
    return compiler.takeError();
  Expected<Module> module = compiler->compile(text, "program.mlir");
  if (!module)
    return module.takeError();
  return module->lookup("main");
}

std::optional<Twins> Twins::compile(const std::string &text, StringRef cpu) {
  Expected<Function> fast = compileFor(Target::Cpu, text, cpu);
  Expected<Function> plain = compileFor(Target::Reference, text, "native");
  for (Expected<Function> *function : {&fast, &plain})
    if (!*function)
      ADD_FAILURE() << toString(function->takeError());
  if (testing::Test::HasFailure())
    return std::nullopt;
  return Twins(std::move(*fast), std::move(*plain));
}

/// The results of `function` on `threads` threads. They start with a pattern
/// that no result has.
static std::vector<TensorView>
call(const Function &function, ArrayRef<TensorView> inputs, unsigned threads) {
  static std::map<unsigned, Context> contexts;
  auto found = contexts.find(threads);
  if (found == contexts.end())
    found = contexts.emplace(threads, get(Context::create(threads))).first;
  const MoertEntry &entry = function.entry();
  SmallVector<int64_t> symbols(entry.n_symbols, 0);
  SmallVector<MoertTensor> tensors, weights;
  for (auto [arg, view] : zip(ArrayRef(entry.args, entry.n_args), inputs)) {
    (arg.role == MOERT_WEIGHT ? weights : tensors).push_back(asTensor(view));
    for (auto [dim, size] : zip_equal(ArrayRef(arg.dims, arg.rank), view.shape))
      if (dim < 0)
        symbols[~dim] = size;
  }
  std::vector<TensorView> results;
  for (const MoertArg *arg : function.args(MOERT_OUTPUT)) {
    SmallVector<int64_t> shape =
        map_to_vector(ArrayRef(arg->dims, arg->rank), [&](int32_t dim) {
          return dim < 0 ? symbols[~dim] : entry.sizes[dim];
        });
    results.push_back(get(allocateTensor(MoertDType(arg->dtype), shape)));
    if (size_t bytes = results.back().bytes())
      std::memset(const_cast<char *>(results.back().data), 0x5a, bytes);
  }
  auto outputs = map_to_vector(
      results, [](const TensorView &view) { return asTensor(view); });
  BoundFunction bound = get(function.bind(weights));
  if (Error error = bound.call(found->second, tensors, outputs))
    ADD_FAILURE() << toString(std::move(error));
  return results;
}

static bool isSame(const TensorView &a, const TensorView &b) {
  size_t bytes = a.bytes();
  return bytes == 0 || std::memcmp(a.data, b.data, bytes) == 0;
}

std::vector<TensorView>
Twins::callAndCompare(ArrayRef<TensorView> inputs) const {
  std::vector<TensorView> want = call(reference, inputs, 1),
                          got = call(cpu, inputs, 1);
  for (unsigned threads : {2, 3, 7})
    for (auto [i, a, b] : enumerate(got, call(cpu, inputs, threads)))
      EXPECT_TRUE(isSame(a, b))
          << "result " << i << " differs on " << threads << " threads";
  for (auto [i, a, b] : enumerate(got, want)) {
    Tolerance tolerance;
    tolerance.rtol = defaultRtol(a.dtype);
    tolerance.exactRows = true;
    ComparedPair pair{"result " + std::to_string(i), a, b};
    Comparison result = get(compare(pair, tolerance)).front();
    EXPECT_EQ(result.badRows, 0)
        << pair.name << " of " << result.rows << " rows";
    for (const Mismatch &bad : result.mismatches)
      ADD_FAILURE() << pair.name << " row " << bad.row << " column "
                    << bad.column << ": got " << bad.got << ", expected "
                    << bad.want;
  }
  return got;
}

void Twins::expectAgreement(ArrayRef<TensorView> inputs) const {
  callAndCompare(inputs);
}

void Twins::expectGuardedAgreement(ArrayRef<TensorView> inputs) const {
  std::vector<TensorView> want = callAndCompare(inputs);
  for (Edge edge : {Edge::Front, Edge::Back}) {
    Expected<std::vector<TensorView>> got =
        callGuarded(cpu.entry(), inputs, edge);
    if (!got) {
      ADD_FAILURE() << toString(got.takeError());
      return;
    }
    for (auto [i, a, b] : enumerate(*got, want))
      EXPECT_TRUE(isSame(a, b)) << "result " << i << " differs when guarded";
  }
}

} // namespace moe::test
