//===- Arrays.cpp - arrays of Python as tensors ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "Errors.h"
#include "Frameworks.h"

#include <cmath>
#include <cstring>
#include <vector>

namespace nb = nanobind;
using namespace moe::python;

/// An array as its owner describes it.
struct Array::Strided {
  const MoertEntry &entry;
  const MoertArg &arg;
  void *data = nullptr;
  int32_t dtype = 0; ///< 0: none of ours
  std::string dtypeName;
  unsigned rank = 0;
  std::array<int64_t, MOERT_MAX_RANK> strides{}; ///< in bytes
  bool readOnly = false;

  Strided(const MoertEntry &entry, const MoertArg &arg)
      : entry(entry), arg(arg) {}

  [[noreturn]] void wrongType(const std::string &what) const {
    raiseType(placeOf(entry, arg) + ": " + what);
  }
  [[noreturn]] void wrongValue(const std::string &what) const {
    raiseValue(placeOf(entry, arg) + ": " + what);
  }
  /// Raises for an array of more dimensions than a tensor may have.
  void setRank(int64_t value) {
    if (value < 0 || value > int64_t(MOERT_MAX_RANK))
      wrongValue("expected " + typeOf(entry, arg) + ", got an array of " +
                 std::to_string(value) + " dimensions");
    rank = unsigned(value);
  }
  /// Raises what the pending Python error says.
  [[noreturn]] void forward() const {
    nb::python_error error;
    wrongValue(nb::str(error.value()).c_str());
  }
};

namespace {

/// The data type of a format of the buffer protocol; 0 if there is none.
int32_t fromFormat(const char *format, Py_ssize_t size, bool &swapped) {
  swapped = false;
  if (!format)
    format = "B";
  if (*format == '>' || *format == '!')
    swapped = size > 1;
  if (std::strchr("@=<>!", *format) && *format)
    ++format;
  if (!format[0] || format[1])
    return 0;
  switch (*format) {
  case 'd':
    return MOERT_F64;
  case 'f':
    return MOERT_F32;
  case 'e':
    return MOERT_F16;
  case '?':
    return MOERT_I1;
  case 'B':
    return MOERT_U8;
  case 'b':
  case 'h':
  case 'i':
  case 'l':
  case 'q':
  case 'n':
    return size == 8   ? MOERT_I64
           : size == 4 ? MOERT_I32
           : size == 2 ? MOERT_I16
                       : MOERT_I8;
  default:
    return 0;
  }
}

/// The data type of DLPack's; 0 if there is none.
int32_t fromDlpack(uint8_t code, uint8_t bits, uint16_t lanes) {
  if (lanes != 1)
    return 0;
  switch (code) {
  case DL_FLOAT:
    return bits == 64   ? MOERT_F64
           : bits == 32 ? MOERT_F32
           : bits == 16 ? MOERT_F16
                        : 0;
  case DL_BFLOAT:
    return bits == 16 ? MOERT_BF16 : 0;
  case DL_INT:
    return bits == 64   ? MOERT_I64
           : bits == 32 ? MOERT_I32
           : bits == 16 ? MOERT_I16
           : bits == 8  ? MOERT_I8
                        : 0;
  case DL_UINT:
    return bits == 8 ? MOERT_U8 : 0;
  case DL_BOOL:
    return bits == 8 ? MOERT_I1 : 0;
  case DL_F8E8M0:
    return bits == 8 ? MOERT_F8E8M0 : 0;
  default:
    return 0;
  }
}

std::string dlpackName(uint8_t code, uint8_t bits) {
  return "DLPack type (" + std::to_string(code) + ", " + std::to_string(bits) +
         " bits)";
}

/// Copies a strided array to dense memory, dimension `dim` and those behind it.
char *copyDense(char *to, const char *from, unsigned dim, unsigned rank,
                const int64_t *shape, const int64_t *strides, size_t size) {
  if (dim == rank) {
    std::memcpy(to, from, size);
    return to + size;
  }
  if (dim + 1 == rank && strides[dim] == int64_t(size)) {
    std::memcpy(to, from, size * size_t(shape[dim]));
    return to + size * size_t(shape[dim]);
  }
  for (int64_t i = 0; i < shape[dim]; ++i)
    to = copyDense(to, from + i * strides[dim], dim + 1, rank, shape, strides,
                   size);
  return to;
}

/// The nearest bf16, ties to even.
uint16_t toBf16(double value) {
  float narrow = float(value);
  uint32_t bits;
  std::memcpy(&bits, &narrow, 4);
  if (std::isnan(narrow))
    return uint16_t((bits >> 16) | 0x40);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

} // namespace

Array::~Array() {
  if (buffer.obj)
    PyBuffer_Release(&buffer);
}

void Array::take(nb::handle object, const MoertEntry &entry,
                 const MoertArg &arg) {
  Strided view(entry, arg);
  const Framework &framework = frameworkOf(object);
  bool isResult = arg.role == MOERT_OUTPUT;
  if (!isResult && arg.rank == 0 &&
      (PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()))) {
    takeNumber(object, view);
    return;
  }
  switch (framework.kind) {
  case Framework::Kind::Exchange:
    takeExchange(object, framework, view);
    break;
  case Framework::Kind::NumPy:
  case Framework::Kind::Buffer:
    takeBuffer(object, view);
    break;
  case Framework::Kind::DLPack:
    takeCapsule(object, view);
    break;
  case Framework::Kind::None:
    view.wrongType(
        "expected an array " + typeOf(entry, arg) + ", got " +
        nb::str(nb::handle((PyObject *)Py_TYPE(object.ptr())).attr("__name__"))
            .c_str());
  }
  tensor.data = view.data;
  tensor.rank = uint8_t(view.rank);
  tensor.dtype = uint8_t(view.dtype ? view.dtype : 255);
  // Powers of two travel as bytes where a library has no type for them.
  if (view.dtype == MOERT_U8 && arg.dtype == MOERT_F8E8M0)
    tensor.dtype = uint8_t(view.dtype = MOERT_F8E8M0);
  if (view.dtype != arg.dtype)
    view.wrongType(
        "expected " + typeOf(entry, arg) + ", got " +
        (view.dtype ? typeOf(tensor) : "an array of " + view.dtypeName));
  if (view.rank != arg.rank)
    view.wrongValue("expected " + typeOf(entry, arg) + ", got " +
                    typeOf(tensor));
  if (isResult && view.readOnly)
    view.wrongValue("the array is read-only");
  makeDense(view);
}

void Array::takeExchange(nb::handle object, const Framework &framework,
                         Strided &view) {
  if (framework.hasGrad) {
    bool isResult = view.arg.role == MOERT_OUTPUT;
    if (view.arg.role != MOERT_WEIGHT &&
        nb::cast<bool>(object.attr("requires_grad")) && gradEnabled())
      view.wrongValue("the tensor requires grad, and this call is not "
                      "recorded: pass x.detach(), or call under "
                      "torch.no_grad()");
    if (nb::cast<bool>(object.attr("is_neg")())) {
      if (isResult)
        view.wrongValue("the tensor is a negated view");
      owner = object.attr("resolve_neg")();
      object = owner;
    }
  }
  DLTensor from{};
  if (framework.api->tensor_from_object(object.ptr(), &from))
    view.forward();
  if (from.device.type != 1)
    view.wrongValue("expected an array on the CPU, got one on DLPack device "
                    "type " +
                    std::to_string(from.device.type));
  view.setRank(from.ndim);
  view.data = static_cast<char *>(from.data) + from.byte_offset;
  view.dtype = fromDlpack(from.dtype.code, from.dtype.bits, from.dtype.lanes);
  view.dtypeName = dlpackName(from.dtype.code, from.dtype.bits);
  int64_t size = from.dtype.bits / 8, dense = size;
  for (unsigned i = view.rank; i--;) {
    shape[i] = from.shape[i];
    view.strides[i] = from.strides ? from.strides[i] * size : dense;
    dense *= shape[i];
  }
}

void Array::takeBuffer(nb::handle object, Strided &view) {
  int32_t dtype = 0;
  if (PyObject_GetBuffer(object.ptr(), &buffer, PyBUF_FULL_RO)) {
    // NumPy exports no buffer for the types that others add to it.
    nb::python_error error;
    owner = viewAsBits(object, dtype);
    if (!owner.is_valid())
      view.wrongType("expected " + typeOf(view.entry, view.arg) + ", got " +
                     nb::str(error.value()).c_str());
    if (PyObject_GetBuffer(owner.ptr(), &buffer, PyBUF_FULL_RO))
      view.forward();
  }
  bool swapped;
  view.dtype = fromFormat(buffer.format, buffer.itemsize, swapped);
  if (dtype)
    view.dtype = dtype;
  view.dtypeName =
      std::string("format '") + (buffer.format ? buffer.format : "B") + "'";
  view.setRank(buffer.ndim);
  if (swapped)
    view.wrongValue("the array's byte order is not this machine's");
  if (buffer.suboffsets)
    for (unsigned i = 0; i < view.rank; ++i)
      if (buffer.suboffsets[i] >= 0)
        view.wrongValue("the array's rows are pointers, not memory");
  view.data = buffer.buf;
  view.readOnly = buffer.readonly;
  for (unsigned i = 0; i < view.rank; ++i) {
    shape[i] = buffer.shape[i];
    view.strides[i] = buffer.strides[i];
  }
}

void Array::takeCapsule(nb::handle object, Strided &view) {
  bool isResult = view.arg.role == MOERT_OUTPUT;
  if (isResult) {
    // Only without `ro` does Nanobind ask for an array that may be written.
    nb::ndarray<> writable;
    if (!nb::try_cast(object, writable)) {
      PyErr_Clear();
      view.wrongValue("the array cannot be written to through DLPack");
    }
    imported = nb::ndarray<nb::ro>(writable);
  } else if (!nb::try_cast(object, imported)) {
    PyErr_Clear();
    view.wrongValue("the array cannot be read through DLPack");
  }
  if (imported.device_type() != 1)
    view.wrongValue("expected an array on the CPU, got one on DLPack device "
                    "type " +
                    std::to_string(imported.device_type()));
  view.setRank(int64_t(imported.ndim()));
  nb::dlpack::dtype type = imported.dtype();
  view.dtype = fromDlpack(type.code, type.bits, type.lanes);
  view.dtypeName = dlpackName(type.code, type.bits);
  view.data = const_cast<void *>(imported.data());
  for (unsigned i = 0; i < view.rank; ++i) {
    shape[i] = int64_t(imported.shape(i));
    view.strides[i] = imported.stride(i) * type.bits / 8;
  }
}

void Array::takeNumber(nb::handle object, Strided &view) {
  uint8_t dtype = view.arg.dtype;
  std::memset(number, 0, sizeof number);
  tensor.data = number;
  tensor.rank = 0;
  tensor.dtype = dtype;
  if (dtype <= MOERT_BF16) {
    double value = PyFloat_AsDouble(object.ptr());
    if (value == -1 && PyErr_Occurred())
      view.forward();
    float narrow = float(value);
    uint16_t half = toBf16(value);
    if (dtype == MOERT_F64)
      std::memcpy(number, &value, 8);
    else if (dtype == MOERT_F32)
      std::memcpy(number, &narrow, 4);
    else if (dtype == MOERT_BF16)
      std::memcpy(number, &half, 2);
    else if (PyFloat_Pack2(value, number, /*little endian=*/1))
      view.forward();
    return;
  }
  if (!PyLong_Check(object.ptr()))
    view.wrongType("expected an integer, got a float");
  int overflow;
  long long value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  int bits = dtype == MOERT_I1 ? 1 : 8 * int(moert_dtype_bytes(dtype));
  bool isUnsigned = dtype == MOERT_U8 || dtype == MOERT_I1;
  if (bits < 64) {
    long long low = isUnsigned ? 0 : -(1ll << (bits - 1));
    long long high = isUnsigned ? (1ll << bits) - 1 : (1ll << (bits - 1)) - 1;
    overflow |= value < low || value > high;
  }
  if (overflow || dtype == MOERT_F8E8M0)
    view.wrongValue("the number does not fit in " +
                    typeOf(view.entry, view.arg));
  std::memcpy(number, &value, moert_dtype_bytes(dtype)); // little-endian
}

void Array::makeDense(const Strided &view) {
  size_t size = moert_dtype_bytes(view.dtype);
  int64_t dense = int64_t(size), count = 1;
  bool isDense = true;
  for (unsigned i = view.rank; i--;) {
    isDense &= shape[i] == 1 || view.strides[i] == dense;
    dense *= shape[i];
    count *= shape[i];
  }
  if (count == 0 || (isDense && uintptr_t(view.data) % size == 0))
    return;
  if (view.arg.role == MOERT_OUTPUT)
    view.wrongValue(isDense ? "the array's memory is not aligned"
                            : "the array is not dense row-major");
  size_t bytes = (size * size_t(count) + 63) / 64 * 64;
  copy.reset(std::aligned_alloc(64, bytes));
  if (!copy)
    throw std::bad_alloc();
  copyDense(static_cast<char *>(copy.get()), static_cast<char *>(view.data), 0,
            view.rank, shape.data(), view.strides.data(), size);
  tensor.data = copy.get();
}
