//===- Calls.cpp - binding and calling functions --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "Errors.h"
#include "Objects.h"

#include <map>

namespace nb = nanobind;
using namespace moe::python;

namespace {

unsigned defaultThreads = 0;

/// Contexts that no call uses, by their number of threads. Guarded by the GIL;
/// never destroyed, for the library may be gone by then.
std::map<unsigned, std::vector<MoeContext *>> &idleContexts() {
  static auto *idle = new std::map<unsigned, std::vector<MoeContext *>>;
  return *idle;
}

/// Sizes of the named dimensions, as far as the inputs tell; -1 otherwise. Of
/// two that disagree the first is taken: the runtime says so.
std::vector<int64_t> symbolsOf(const MoertEntry &entry,
                               const std::vector<const MoertArg *> &inputs,
                               const Array *arrays) {
  std::vector<int64_t> symbols(entry.n_symbols, -1);
  for (size_t i = 0; i < inputs.size(); ++i)
    for (unsigned d = 0; d < inputs[i]->rank; ++d)
      if (int32_t dim = inputs[i]->dims[d]; dim < 0 && symbols[~dim] < 0)
        symbols[~dim] = arrays[i].shape[d];
  return symbols;
}

/// Writes the shape of a result; raises if no input has one of its dimensions.
void setShape(const MoertEntry &entry, const MoertArg &arg,
              const std::vector<int64_t> &symbols, int64_t *shape) {
  for (unsigned d = 0; d < arg.rank; ++d) {
    int32_t dim = arg.dims[d];
    shape[d] = dim >= 0 ? entry.sizes[dim] : symbols[~dim];
    if (shape[d] < 0)
      raiseValue(placeOf(entry, arg) + ": no input has dimension '" +
                 entry.symbols[~dim] + "' of " + typeOf(entry, arg) +
                 ": pass the array by out=");
  }
}

std::string countOf(const char *what, size_t expected, size_t got) {
  return "expected " + std::to_string(expected) + " " + what +
         (expected == 1 ? "" : "s") + ", got " + std::to_string(got);
}

int64_t toInt(nb::handle object, const char *what) {
  long long value = PyLong_AsLongLong(object.ptr());
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    raiseType(std::string(what) + ": expected an int");
  }
  return value;
}

} // namespace

void moe::python::setNumThreads(unsigned threads) { defaultThreads = threads; }
unsigned moe::python::getNumThreads() { return defaultThreads; }

Context::Context(unsigned threads, uintptr_t parallelFor, uintptr_t user) {
  MoertContextOptions options{};
  options.size = sizeof options;
  options.threads = threads;
  options.parallel_for = reinterpret_cast<MoertParallelFor>(parallelFor);
  options.user = reinterpret_cast<void *>(user);
  check(moe_context_create(&options, handle.out()));
}

unsigned Context::threads() const {
  uint32_t threads = 0;
  check(moe_context_threads(handle.get(), &threads));
  return threads;
}

ContextLease::ContextLease(nb::handle context, unsigned wanted) {
  if (!context.is_none()) {
    Context *given;
    if (!nb::try_cast(context, given) || !given)
      raiseType("context: expected a moe.Context");
    handle = given->get();
    return;
  }
  threads = wanted ? wanted : defaultThreads;
  if (!threads)
    return;
  std::vector<MoeContext *> &idle = idleContexts()[threads];
  if (!idle.empty()) {
    handle = idle.back();
    idle.pop_back();
    return;
  }
  MoertContextOptions options{};
  options.size = sizeof options;
  options.threads = threads;
  check(moe_context_create(&options, &handle));
}

ContextLease::~ContextLease() {
  if (handle && threads)
    idleContexts()[threads].push_back(handle);
}

Bound::Bound(Owner<MoeBound, moe_bound_destroy> owner, nb::object memory)
    : handle(std::move(owner)), memory(std::move(memory)) {
  check(moe_bound_entry(handle.get(), &descriptor));
  for (uint32_t i = 0; i < descriptor->n_args; ++i) {
    const MoertArg &arg = descriptor->args[i];
    if (arg.role == MOERT_INPUT)
      inputs.push_back(&arg);
    else if (arg.role == MOERT_OUTPUT)
      outputs.push_back(&arg);
  }
}

nb::object Bound::call(nb::handle given, nb::handle out, nb::handle context,
                       unsigned threads) const {
  const MoertEntry &e = *descriptor;
  size_t n = inputs.size() + outputs.size();
  size_t count = size_t(PyTuple_GET_SIZE(given.ptr()));
  if (count != inputs.size())
    raiseType(std::string(e.name) + ": " +
              countOf("input", inputs.size(), count));
  std::unique_ptr<Array[]> arrays(new Array[n]);
  Framework framework;
  nb::handle like;
  for (size_t i = 0; i < count; ++i) {
    nb::handle object = PyTuple_GET_ITEM(given.ptr(), i);
    arrays[i].take(object, e, *inputs[i]);
    if (!like.is_valid() && frameworkOf(object).kind != Framework::Kind::None) {
      framework = frameworkOf(object);
      like = object;
    }
  }

  // The results: those of the caller, or new ones.
  std::vector<nb::object> results(outputs.size());
  if (out.is_none()) {
    std::vector<int64_t> symbols = symbolsOf(e, inputs, arrays.get());
    for (size_t i = 0; i < outputs.size(); ++i) {
      Array &array = arrays[count + i];
      setShape(e, *outputs[i], symbols, array.shape.data());
      results[i] = makeResult(framework, e, *outputs[i], array);
    }
  } else {
    bool isTuple = PyTuple_Check(out.ptr()) || PyList_Check(out.ptr());
    size_t have = isTuple ? size_t(PySequence_Size(out.ptr())) : 1;
    if (have != outputs.size())
      raiseType(std::string(e.name) +
                ": out: " + countOf("array", outputs.size(), have));
    for (size_t i = 0; i < have; ++i) {
      results[i] = isTuple ? nb::object(out[i]) : nb::borrow(out);
      arrays[count + i].take(results[i], e, *outputs[i]);
    }
  }

  std::vector<MoertTensor> tensors(n);
  for (size_t i = 0; i < n; ++i)
    tensors[i] = arrays[i].tensor;
  {
    ContextLease lease(context, threads);
    MoeStatus status;
    {
      nb::gil_scoped_release release;
      status =
          moe_call(handle.get(), lease.get(), tensors.data(), n, nullptr, 0);
    }
    check(status);
  }
  if (!out.is_none())
    return nb::borrow(out);
  for (nb::object &result : results)
    result = toFramework(framework, like, result);
  if (results.size() == 1)
    return results[0];
  nb::object tuple = nb::steal(PyTuple_New(Py_ssize_t(results.size())));
  for (size_t i = 0; i < results.size(); ++i)
    PyTuple_SET_ITEM(tuple.ptr(), i, results[i].release().ptr());
  return tuple;
}

void Bound::callRaw(nb::handle pointers, nb::handle sizes, nb::handle context,
                    unsigned threads) const {
  const MoertEntry &e = *descriptor;
  size_t n = inputs.size() + outputs.size();
  nb::object addresses = nb::steal(
      PySequence_Fast(pointers.ptr(), "pointers: expected a sequence"));
  nb::object numbers =
      nb::steal(PySequence_Fast(sizes.ptr(), "sizes: expected a sequence"));
  if (!addresses.is_valid() || !numbers.is_valid())
    throw nb::python_error();
  size_t have = size_t(PySequence_Fast_GET_SIZE(addresses.ptr()));
  size_t symbols = size_t(PySequence_Fast_GET_SIZE(numbers.ptr()));
  if (have != n)
    raiseType(std::string(e.name) + ": " + countOf("pointer", n, have));
  if (symbols != e.n_symbols)
    raiseType(std::string(e.name) + ": " +
              countOf("size", e.n_symbols, symbols));

  std::vector<MoertTensor> tensors(n);
  std::vector<int64_t> shapes(n * MOERT_MAX_RANK);
  for (size_t i = 0; i < n; ++i) {
    const MoertArg &arg =
        *(i < inputs.size() ? inputs[i] : outputs[i - inputs.size()]);
    int64_t *shape = &shapes[i * MOERT_MAX_RANK];
    for (unsigned d = 0; d < arg.rank; ++d)
      shape[d] =
          arg.dims[d] >= 0
              ? e.sizes[arg.dims[d]]
              : toInt(PySequence_Fast_GET_ITEM(numbers.ptr(), ~arg.dims[d]),
                      "sizes");
    nb::handle address =
        PySequence_Fast_GET_ITEM(addresses.ptr(), Py_ssize_t(i));
    void *data = PyLong_AsVoidPtr(address.ptr());
    if (!data && PyErr_Occurred()) {
      PyErr_Clear();
      raiseType("pointers: expected addresses, as ints");
    }
    tensors[i] = {data, shape, arg.dtype, arg.rank, {}};
  }
  ContextLease lease(context, threads);
  MoeStatus status;
  {
    nb::gil_scoped_release release;
    status = moe_call(handle.get(), lease.get(), tensors.data(), n, nullptr, 0);
  }
  check(status);
}

nb::bytes Bound::blob() const {
  const void *data = nullptr;
  uint64_t size = 0;
  check(moe_bound_blob(handle.get(), &data, &size));
  return nb::bytes(data, size_t(size));
}
