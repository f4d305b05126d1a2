//===- Frameworks.h - libraries whose arrays come and go --------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PYTHON_FRAMEWORKS_H
#define MOE_PYTHON_FRAMEWORKS_H

#include <nanobind/nanobind.h>

#include <cstdint>

namespace moe::python {

/// Whether PyTorch records operations on this thread.
bool gradEnabled();

/// An array of NumPy of a type that another library added (bf16), seen as
/// unsigned integers of that size, and its data type; null if it is not one.
nanobind::object viewAsBits(nanobind::handle object, int32_t &dtype);

} // namespace moe::python

#endif // MOE_PYTHON_FRAMEWORKS_H
