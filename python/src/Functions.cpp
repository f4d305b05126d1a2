//===- Functions.cpp - compiled functions ---------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "Errors.h"
#include "Objects.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>

namespace nb = nanobind;
using namespace moe::python;

namespace {

/// Memory of a blob that bind_blob reads for as long as it is bound: the
/// object's own where it is aligned, else a copy.
struct BlobMemory {
  Py_buffer buffer{};
  void *copy = nullptr;
  const void *data = nullptr;

  explicit BlobMemory(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &buffer, PyBUF_SIMPLE)) {
      PyErr_Clear();
      raiseType("blob: expected bytes, or another contiguous buffer");
    }
    data = buffer.buf;
    if (uintptr_t(data) % MOERT_ALIGNMENT) {
      size_t bytes = (size_t(buffer.len) + 63) / 64 * 64;
      copy = std::aligned_alloc(MOERT_ALIGNMENT, bytes ? bytes : 64);
      if (!copy) {
        PyBuffer_Release(&buffer);
        throw std::bad_alloc();
      }
      std::memcpy(copy, buffer.buf, size_t(buffer.len));
      data = copy;
    }
  }
  BlobMemory(const BlobMemory &) = delete;
  ~BlobMemory() {
    PyBuffer_Release(&buffer);
    std::free(copy);
  }
};

const char *roleName(uint8_t role) {
  return role == MOERT_INPUT    ? "input"
         : role == MOERT_WEIGHT ? "weight"
                                : "output";
}

} // namespace

nb::list moe::python::describe(const MoertEntry &entry) {
  nb::list list;
  for (uint32_t i = 0; i < entry.n_args; ++i) {
    const MoertArg &arg = entry.args[i];
    nb::list shape;
    for (unsigned d = 0; d < arg.rank; ++d) {
      if (arg.dims[d] >= 0)
        shape.append(entry.sizes[arg.dims[d]]);
      else
        shape.append(entry.symbols[~arg.dims[d]]);
    }
    list.append(nb::make_tuple(arg.name, roleName(arg.role),
                               moert_dtype_name(arg.dtype), nb::tuple(shape)));
  }
  return list;
}

Function::Function(Owner<MoeFunction, moe_function_destroy> owner)
    : handle(std::move(owner)) {
  check(moe_function_entry(handle.get(), &descriptor));
}

std::string Function::signature() const {
  const char *text = nullptr;
  check(moe_function_signature(handle.get(), &text));
  return text;
}

Bound *Function::bind(nb::list weights, nb::handle context,
                      unsigned threads) const {
  std::vector<const MoertArg *> wanted;
  for (uint32_t i = 0; i < descriptor->n_args; ++i)
    if (descriptor->args[i].role == MOERT_WEIGHT)
      wanted.push_back(&descriptor->args[i]);
  if (weights.size() != wanted.size())
    raiseType(std::string(descriptor->name) + ": expected " +
              std::to_string(wanted.size()) + " weights, got " +
              std::to_string(weights.size()));
  std::unique_ptr<Array[]> arrays(new Array[wanted.size()]);
  std::vector<MoertTensor> tensors;
  for (size_t i = 0; i < wanted.size(); ++i) {
    arrays[i].take(weights[i], *descriptor, *wanted[i]);
    tensors.push_back(arrays[i].tensor);
  }
  Owner<MoeBound, moe_bound_destroy> bound;
  ContextLease lease(context, threads);
  MoeStatus status;
  {
    nb::gil_scoped_release release;
    status = moe_bind(handle.get(), lease.get(), tensors.data(), tensors.size(),
                      bound.out());
  }
  check(status);
  return new Bound(std::move(bound), nb::none());
}

Bound *Function::bindBlob(nb::object blob) const {
  auto *memory = new BlobMemory(blob);
  nb::capsule keeper(
      memory, [](void *p) noexcept { delete static_cast<BlobMemory *>(p); });
  Owner<MoeBound, moe_bound_destroy> bound;
  check(moe_bind_blob(handle.get(), memory->data, uint64_t(memory->buffer.len),
                      bound.out()));
  return new Bound(std::move(bound), keeper);
}

uint64_t Function::workspaceBytes(const std::vector<int64_t> &sizes) const {
  if (sizes.size() != descriptor->n_symbols)
    raiseType(std::string(descriptor->name) + ": expected " +
              std::to_string(descriptor->n_symbols) + " sizes, got " +
              std::to_string(sizes.size()));
  uint64_t bytes = 0;
  check(moe_function_workspace(handle.get(), sizes.data(), &bytes));
  return bytes;
}

void moe::python::bindCalls(nb::module_ &module) {
  nb::class_<Context>(module, "Context")
      .def(nb::init<unsigned, uintptr_t, uintptr_t>(), nb::arg("threads"),
           nb::arg("parallel_for"), nb::arg("user"))
      .def_prop_ro("threads", &Context::threads);
  nb::class_<Bound>(module, "Bound")
      .def("call", &Bound::call, nb::arg("inputs"), nb::arg("out").none(),
           nb::arg("context").none(), nb::arg("threads"))
      .def("call_raw", &Bound::callRaw, nb::arg("pointers"), nb::arg("sizes"),
           nb::arg("context").none() = nb::none(), nb::arg("threads") = 0)
      .def("blob", &Bound::blob);
  nb::class_<Function>(module, "Function")
      .def_prop_ro("name", [](const Function &f) { return f.entry().name; })
      .def_prop_ro("target", [](const Function &f) { return f.entry().target; })
      .def_prop_ro("signature", &Function::signature)
      .def_prop_ro("packed_bytes",
                   [](const Function &f) { return f.entry().packed_bytes; })
      .def_prop_ro("symbols",
                   [](const Function &f) {
                     nb::list names;
                     for (uint32_t i = 0; i < f.entry().n_symbols; ++i)
                       names.append(f.entry().symbols[i]);
                     return nb::tuple(names);
                   })
      .def("describe", [](const Function &f) { return describe(f.entry()); })
      .def("workspace_bytes", &Function::workspaceBytes, nb::arg("sizes"))
      .def("bind", &Function::bind, nb::arg("weights"),
           nb::arg("context").none(), nb::arg("threads"),
           nb::rv_policy::take_ownership)
      .def("bind_blob", &Function::bindBlob, nb::arg("blob"),
           nb::rv_policy::take_ownership);
}
