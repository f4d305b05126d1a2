//===- Arrays.h - arrays of Python as tensors -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrays come in three ways, the cheapest first: by the C functions that the
// type offers (DLPack's exchange API: PyTorch), by the buffer protocol (NumPy,
// bytes, memoryview), by __dlpack__ (everything else). None copies.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PYTHON_ARRAYS_H
#define MOE_PYTHON_ARRAYS_H

#include "Dlpack.h"

#include "moert/moert.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

namespace moe::python {

/// Where arrays of a Python type come from, and where results of a call with
/// them go.
struct Framework {
  enum class Kind { Exchange, NumPy, Buffer, DLPack, None };
  Kind kind = Kind::None;
  const DLPackExchangeAPI *api = nullptr; ///< Exchange
  bool hasGrad = false; ///< its arrays have requires_grad and is_neg
};

/// The framework of an object's type. The types seen are remembered.
const Framework &frameworkOf(nanobind::handle object);

struct FreeDeleter {
  void operator()(void *memory) const { std::free(memory); }
};

/// An argument or a result while a call lasts: what the runtime sees, and what
/// keeps it alive.
class Array {
public:
  MoertTensor tensor{};
  std::array<int64_t, MOERT_MAX_RANK> shape{};

  Array() { tensor.shape = shape.data(); }
  ~Array();
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;

  /// Takes what `object` holds for `arg` of `entry`; an input that is not dense
  /// row-major and aligned is copied, and a Python number stands for a tensor
  /// of rank 0. A result must be writable, dense and aligned. Raises a
  /// TypeError for a wrong kind of object or dtype, a ValueError for a wrong
  /// rank, device, byte order or layout. Sizes are not checked.
  void take(nanobind::handle object, const MoertEntry &entry,
            const MoertArg &arg);

private:
  struct Strided; // what is known of an array before it is dense

  void takeExchange(nanobind::handle object, const Framework &framework,
                    Strided &view);
  void takeBuffer(nanobind::handle object, Strided &view);
  void takeCapsule(nanobind::handle object, Strided &view);
  void takeNumber(nanobind::handle object, Strided &view);
  void makeDense(const Strided &view);

  Py_buffer buffer{};
  nanobind::ndarray<nanobind::ro> imported;
  nanobind::object owner;
  alignas(8) char number[8];
  std::unique_ptr<void, FreeDeleter> copy;
};

/// "main: argument 'x'", as the runtime's messages begin.
std::string placeOf(const MoertEntry &entry, const MoertArg &arg);
/// "f32[T, 64]".
std::string typeOf(const MoertEntry &entry, const MoertArg &arg);
std::string typeOf(const MoertTensor &tensor);

/// A new array for a result of the shape that `array` has, taken by it: of the
/// framework if that can allocate from C, else NumPy's.
nanobind::object makeResult(const Framework &framework, const MoertEntry &entry,
                            const MoertArg &arg, Array &array);
/// A result as the framework of the inputs has it, `like` being one of them:
/// what makeResult returned, or an import of it without a copy.
nanobind::object toFramework(const Framework &framework, nanobind::handle like,
                             nanobind::object result);

} // namespace moe::python

#endif // MOE_PYTHON_ARRAYS_H
