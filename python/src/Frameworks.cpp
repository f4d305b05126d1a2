//===- Frameworks.cpp - libraries whose arrays come and go ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Frameworks.h"
#include "Arrays.h"
#include "Errors.h"

#include <unordered_map>

namespace nb = nanobind;
using namespace moe::python;

namespace {

/// What is imported once. It is never destroyed: the interpreter may be gone by
/// then.
struct Imports {
  nb::object empty, ndarray, masked, dtypes[MOERT_F8E8M0 + 1], gradEnabled;
};

Imports &imports() {
  static Imports *instance = [] {
    auto *made = new Imports;
    nb::module_ numpy = nb::module_::import_("numpy");
    made->empty = numpy.attr("empty");
    made->ndarray = numpy.attr("ndarray");
    made->masked = numpy.attr("ma").attr("MaskedArray");
    const std::pair<int, const char *> names[] = {
        {MOERT_F64, "float64"}, {MOERT_F32, "float32"}, {MOERT_F16, "float16"},
        {MOERT_I64, "int64"},   {MOERT_I32, "int32"},   {MOERT_I16, "int16"},
        {MOERT_I8, "int8"},     {MOERT_U8, "uint8"},    {MOERT_I1, "bool"},
    };
    for (auto [dtype, name] : names)
      made->dtypes[dtype] = numpy.attr("dtype")(name);
    return made;
  }();
  return *instance;
}

/// NumPy's type for `dtype`; bf16 is one of the package ml_dtypes.
nb::object numpyType(const MoertEntry &entry, const MoertArg &arg) {
  nb::object &type = imports().dtypes[arg.dtype];
  if (type.is_valid())
    return type;
  try {
    nb::module_ others = nb::module_::import_("ml_dtypes");
    type = nb::module_::import_("numpy").attr("dtype")(
        others.attr(arg.dtype == MOERT_BF16 ? "bfloat16" : "float8_e8m0fnu"));
  } catch (nb::python_error &) {
    raiseType(placeOf(entry, arg) + ": NumPy has no type for " +
              typeOf(entry, arg) +
              ": install ml_dtypes, or pass PyTorch tensors");
  }
  return type;
}

bool isSubtype(PyTypeObject *type, nb::handle base) {
  return PyType_IsSubtype(type, (PyTypeObject *)base.ptr());
}

Framework classify(PyTypeObject *type) {
  Framework framework;
  nb::handle handle((PyObject *)type);
  if (isSubtype(type, imports().masked))
    return framework; // its mask would be lost
  if (isSubtype(type, imports().ndarray)) {
    framework.kind = Framework::Kind::NumPy;
    return framework;
  }
  if (nb::hasattr(handle, "__dlpack_c_exchange_api__")) {
    nb::object capsule = handle.attr("__dlpack_c_exchange_api__");
    auto *api = static_cast<const DLPackExchangeAPI *>(
        PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
    PyErr_Clear();
    while (api && api->version.major > 1)
      api = api->older;
    if (api && api->version.major == 1 && api->tensor_from_object) {
      framework.kind = Framework::Kind::Exchange;
      framework.api = api;
      framework.hasGrad =
          nb::hasattr(handle, "requires_grad") && nb::hasattr(handle, "is_neg");
      return framework;
    }
  }
  if (type->tp_as_buffer && type->tp_as_buffer->bf_getbuffer)
    framework.kind = Framework::Kind::Buffer;
  else if (nb::hasattr(handle, "__dlpack__"))
    framework.kind = Framework::Kind::DLPack;
  return framework;
}

} // namespace

const Framework &moe::python::frameworkOf(nb::handle object) {
  // Keeps its types alive, so that none takes the address of another.
  static auto *seen = new std::unordered_map<PyTypeObject *, Framework>;
  PyTypeObject *type = Py_TYPE(object.ptr());
  auto found = seen->find(type);
  if (found != seen->end())
    return found->second;
  Framework framework = classify(type);
  Py_INCREF(type);
  return seen->emplace(type, framework).first->second;
}

bool moe::python::gradEnabled() {
  nb::object &enabled = imports().gradEnabled;
  if (!enabled.is_valid())
    enabled = nb::module_::import_("torch").attr("is_grad_enabled");
  return nb::cast<bool>(enabled());
}

nb::object moe::python::viewAsBits(nb::handle object, int32_t &dtype) {
  if (!nb::isinstance(object, imports().ndarray))
    return {};
  std::string name =
      nb::cast<nb::str>(object.attr("dtype").attr("name")).c_str();
  if (name == "bfloat16")
    dtype = MOERT_BF16;
  else if (name == "float8_e8m0fnu")
    dtype = MOERT_F8E8M0;
  else
    return {};
  if (!nb::cast<bool>(object.attr("dtype").attr("isnative")))
    return {};
  return object.attr("view")(dtype == MOERT_BF16 ? "u2" : "u1");
}

nb::object moe::python::makeResult(const Framework &framework,
                                   const MoertEntry &entry, const MoertArg &arg,
                                   Array &array) {
  if (framework.kind == Framework::Kind::Exchange) {
    static const DLDataType types[] = {{},
                                       {DL_FLOAT, 64, 1},
                                       {DL_FLOAT, 32, 1},
                                       {DL_FLOAT, 16, 1},
                                       {DL_BFLOAT, 16, 1},
                                       {DL_INT, 64, 1},
                                       {DL_INT, 32, 1},
                                       {DL_INT, 16, 1},
                                       {DL_INT, 8, 1},
                                       {DL_UINT, 8, 1},
                                       {DL_BOOL, 8, 1},
                                       {DL_F8E8M0, 8, 1}};
    DLTensor prototype{};
    prototype.device = {1, 0};
    prototype.dtype = types[arg.dtype];
    prototype.ndim = arg.rank;
    prototype.shape = array.shape.data();
    DLManagedTensorVersioned *managed = nullptr;
    auto setError = [](void *, const char *kind, const char *message) {
      PyErr_Format(PyExc_RuntimeError, "%s: %s", kind, message);
    };
    if (framework.api->allocate(&prototype, &managed, nullptr, setError))
      throw nb::python_error();
    array.tensor.data = static_cast<char *>(managed->dl_tensor.data) +
                        managed->dl_tensor.byte_offset;
    array.tensor.dtype = arg.dtype;
    array.tensor.rank = arg.rank;
    void *object = nullptr;
    if (framework.api->managed_to_object(managed, &object))
      throw nb::python_error();
    return nb::steal((PyObject *)object);
  }
  nb::object shape = nb::steal(PyTuple_New(arg.rank));
  for (unsigned i = 0; i < arg.rank; ++i)
    PyTuple_SET_ITEM(shape.ptr(), i, PyLong_FromLongLong(array.shape[i]));
  nb::object result = imports().empty(shape, numpyType(entry, arg));
  array.take(result, entry, arg);
  return result;
}

nb::object moe::python::toFramework(const Framework &framework, nb::handle like,
                                    nb::object result) {
  if (framework.kind != Framework::Kind::DLPack ||
      !nb::hasattr(like, "__array_namespace__"))
    return result;
  return like.attr("__array_namespace__")().attr("from_dlpack")(result);
}
