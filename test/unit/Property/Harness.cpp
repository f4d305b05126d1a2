//===- Harness.cpp - compiled programs against what they mean -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "../Execution/Thorough.h"

#include "moe/Execution/Compare.h"

#include <cstdlib>
#include <cstring>
#include <map>

using namespace llvm;
using namespace moe::reference;

namespace moe::test {

int64_t numPrograms(int64_t count) {
  const char *text = std::getenv("MOE_PROPERTY_SEEDS");
  int64_t share = isThorough() ? count : (count + 1) / 2;
  return share * std::max(1, text ? std::atoi(text) : 1);
}

void forEachSeed(int64_t count, function_ref<void(uint64_t)> body) {
  for (int64_t seed = 0; seed < numPrograms(count); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    body(seed);
    if (testing::Test::HasFailure())
      return;
  }
}

/// The value, or the end of the program: these tests need no failure of theirs.
template <typename T> static T get(Expected<T> value) {
  return cantFail(std::move(value));
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// A tensor of the runtime with these numbers.
template <typename Element>
static TensorView makeView(MoertDType dtype, ArrayRef<int64_t> shape,
                           ArrayRef<Element> elements) {
  TensorView view = get(allocateTensor(dtype, shape));
  for (auto [i, element] : enumerate(elements))
    writeElement(dtype, const_cast<char *>(view.data), i, element);
  return view;
}

TensorView asView(const Tensor &tensor, MoertDType dtype) {
  return makeView<double>(dtype, tensor.shape, tensor.data);
}

TensorView asView(const IndexTensor &tensor) {
  return makeView<int32_t>(MOERT_I32, tensor.shape, tensor.data);
}

TensorView asScalar(double value, MoertDType dtype) {
  return makeView<double>(dtype, {}, value);
}

Tensor asTensor64(const TensorView &view) {
  Tensor tensor(Shape(view.shape.begin(), view.shape.end()));
  for (auto [i, element] : enumerate(tensor.data))
    element = readElement(view, i);
  return tensor;
}

Wanted exactly(const IndexTensor &value) { return {asView(value)}; }

bool isSame(const TensorView &a, const TensorView &b) {
  size_t bytes = a.bytes();
  return a.dtype == b.dtype && a.shape == b.shape &&
         (bytes == 0 || std::memcmp(a.data, b.data, bytes) == 0);
}

/// The first `rows` rows; all if it is -1.
static TensorView firstRows(TensorView tensor, int64_t rows) {
  if (rows >= 0)
    tensor.shape.front() = rows;
  return tensor;
}

void expectAgreement(StringRef name, const TensorView &got,
                     const Wanted &wanted) {
  Tolerance tolerance;
  tolerance.rtol = wanted.rtol;
  tolerance.atol = wanted.atol;
  tolerance.exactRows = true;
  Expected<std::vector<Comparison>> compared =
      compare(ComparedPair{name.str(), firstRows(got, wanted.rows),
                           firstRows(wanted.value, wanted.rows)},
              tolerance);
  if (!compared) {
    ADD_FAILURE() << toString(compared.takeError());
    return;
  }
  const Comparison &result = compared->front();
  EXPECT_EQ(result.badRows, 0) << name.str() << ": of " << result.rows
                               << " rows, error " << result.maxRel;
  for (const Mismatch &bad : result.mismatches)
    ADD_FAILURE() << name.str() << " row " << bad.row << " column "
                  << bad.column << ": got " << bad.got << ", expected "
                  << bad.want;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The context with that many threads, which lives as long as the program.
static MoertContext *contextOf(unsigned threads) {
  static std::map<unsigned, Context> contexts;
  auto found = contexts.find(threads);
  if (found == contexts.end())
    found = contexts.emplace(threads, get(Context::create(threads))).first;
  return found->second.get();
}

namespace {
/// The buffers of one call.
class Buffers {
public:
  explicit Buffers(Edge edge) : edge(edge) { all.reserve(32); }

  GuardedBuffer &add(size_t bytes, size_t alignment, char residue) {
    all.emplace_back(bytes, alignment, edge);
    std::memset(all.back().data(), residue, bytes);
    return all.back();
  }
  /// A tensor in a buffer of its own; its shape is that of `view`.
  MoertTensor add(const TensorView &view, char residue = 0) {
    MoertTensor tensor = asTensor(view);
    size_t bytes = view.bytes();
    GuardedBuffer &buffer = add(bytes, moert_dtype_bytes(view.dtype), residue);
    if (bytes && view.data)
      std::memcpy(buffer.data(), view.data, bytes);
    tensor.data = buffer.data();
    return tensor;
  }
  GuardedBuffer &back() { return all.back(); }
  MutableArrayRef<GuardedBuffer> buffers() { return all; }

private:
  Edge edge;
  std::vector<GuardedBuffer> all;
};
} // namespace

/// Results that wait for their values, and the sizes of named dimensions.
static std::vector<TensorView> shapesOfResults(const MoertEntry &entry,
                                               ArrayRef<TensorView> arguments,
                                               MutableArrayRef<int64_t> sizes) {
  std::vector<TensorView> results;
  ArrayRef<MoertArg> args(entry.args, entry.n_args);
  for (auto [arg, view] : zip(args, arguments))
    for (auto [dim, size] : zip(ArrayRef(arg.dims, arg.rank), view.shape))
      if (dim < 0)
        sizes[~dim] = size;
  for (const MoertArg &arg : args.drop_front(arguments.size())) {
    TensorView &view = results.emplace_back();
    view.dtype = static_cast<MoertDType>(arg.dtype);
    for (int32_t dim : ArrayRef(arg.dims, arg.rank))
      view.shape.push_back(dim < 0 ? sizes[~dim] : entry.sizes[dim]);
  }
  return results;
}

/// A compiler for `target`, which lives as long as the program.
static const Compiler &compilerFor(Target target, bool thorough) {
  static std::map<std::pair<Target, bool>, Compiler> compilers;
  auto found = compilers.find({target, thorough});
  if (found == compilers.end()) {
    CompilerOptions options;
    options.target = target;
    options.optimize = options.verifyPasses = thorough;
    found = compilers
                .emplace(std::pair(target, thorough),
                         get(Compiler::create(std::move(options))))
                .first;
  }
  return found->second;
}

std::optional<Executable> Executable::compile(const std::string &text) {
  bool thorough = isThorough(text);
  std::vector<Function> functions;
  for (Target target : {Target::Reference, Target::Cpu}) {
    Expected<Module> module =
        compilerFor(target, thorough).compile(text, "program.mlir");
    if (!module) {
      ADD_FAILURE() << stringify(target).str() << ": "
                    << toString(module.takeError());
      return std::nullopt;
    }
    functions.push_back(get(module->lookup("main")));
  }
  return Executable(std::move(functions[0]), std::move(functions[1]));
}

Outcome Executable::call(ArrayRef<TensorView> arguments, Manner manner) const {
  const MoertEntry &entry =
      (manner.target == Target::Cpu ? cpu : reference).entry();
  MoertContext *context = contextOf(manner.threads);
  auto outcome = [&](MoertStatus status) {
    return Outcome{status, moert_message(context), {}};
  };
  ArrayRef<MoertArg> args(entry.args, entry.n_args);
  Buffers weightBuffers(manner.edge), buffers(manner.edge);
  SmallVector<MoertTensor> weights, tensors;
  for (auto [arg, view] : zip(args, arguments))
    if (arg.role == MOERT_WEIGHT) {
      weights.push_back(weightBuffers.add(view));
      weightBuffers.back().makeReadOnly();
    }
  void *packed =
      buffers.add(moert_packed_bytes(&entry), MOERT_ALIGNMENT, manner.residue)
          .data();
  MoertStatus status =
      moert_prepare(context, &entry, weights.data(), weights.size(), packed);
  if (status != MOERT_OK)
    return outcome(status);
  buffers.back().makeReadOnly();
  for (GuardedBuffer &buffer : weightBuffers.buffers())
    buffer.makeInaccessible();

  for (auto [arg, view] : zip(args, arguments))
    if (arg.role == MOERT_INPUT) {
      tensors.push_back(buffers.add(view));
      buffers.back().makeReadOnly();
    }
  SmallVector<int64_t> sizes(entry.n_symbols, 0);
  std::vector<TensorView> results = shapesOfResults(entry, arguments, sizes);
  for (TensorView &result : results)
    tensors.push_back(buffers.add(result, manner.residue));

  uint64_t bytes = 0;
  status = moert_workspace_bytes(context, &entry, sizes.data(), &bytes);
  if (status != MOERT_OK)
    return outcome(status);
  void *workspace = buffers.add(bytes, MOERT_ALIGNMENT, manner.residue).data();
  Outcome made = outcome(moert_call(context, &entry, tensors.data(),
                                    tensors.size(), packed, workspace, bytes));
  for (const GuardedBuffer &buffer : buffers.buffers())
    EXPECT_TRUE(buffer.isIntact())
        << "a buffer of " << buffer.size() << " bytes was overrun";
  for (auto [result, tensor] :
       zip(results, ArrayRef(tensors).take_back(results.size()))) {
    TensorView copy = get(allocateTensor(result.dtype, result.shape));
    if (size_t size = copy.bytes())
      std::memcpy(const_cast<char *>(copy.data), tensor.data, size);
    made.results.push_back(std::move(copy));
  }
  return made;
}

/// Bytes of a NaN in f32 and f64, of large numbers in the other types.
static constexpr char kResidue = 0x7f;

std::vector<TensorView> Executable::expect(ArrayRef<TensorView> arguments,
                                           ArrayRef<Wanted> wanted,
                                           MoertStatus status) const {
  expectOn(Target::Cpu, arguments, wanted, status);
  return expectOn(Target::Reference, arguments, wanted, status);
}

std::vector<TensorView> Executable::expectOn(Target target,
                                             ArrayRef<TensorView> arguments,
                                             ArrayRef<Wanted> wanted,
                                             MoertStatus status) const {
  SCOPED_TRACE("target " + stringify(target).str());
  Manner plain;
  plain.target = target;
  Outcome first = call(arguments, plain);
  EXPECT_EQ(first.status, status) << first.message;
  EXPECT_EQ(first.message.empty(), status == MOERT_OK) << first.message;
  if (first.status != status)
    return {};
  static unsigned calls = 0;
  constexpr unsigned threads[] = {1, 2, 3, 7};
  Manner manner{Edge::Front, threads[calls++ % 4], kResidue, target};
  Outcome second = call(arguments, manner);
  EXPECT_EQ(second.status, status) << second.message;
  EXPECT_EQ(second.message, first.message);
  // Pipeline `cpu` leaves what was there in rows that nothing specifies, and
  // after an error; `reference` is the same in all of it.
  bool all = target == Target::Reference;
  if (status != MOERT_OK && !all)
    return first.results;
  for (auto [i, a, b] : enumerate(first.results, second.results)) {
    int64_t rows = !all && i < wanted.size() ? wanted[i].rows : -1;
    EXPECT_TRUE(isSame(firstRows(a, rows), firstRows(b, rows)))
        << "result " << i << " depends on the call";
  }
  EXPECT_LE(wanted.size(), first.results.size());
  for (auto [i, want] : enumerate(wanted))
    expectAgreement("result " + std::to_string(i), first.results[i], want);
  return first.results;
}

} // namespace moe::test
