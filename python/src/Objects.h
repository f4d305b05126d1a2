//===- Objects.h - the classes of the extension -----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Handles of the C API in Python's hands; moe/_module.py gives them the face
// that users see. The handles keep alive what they need, so Python may drop
// these objects in any order.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PYTHON_OBJECTS_H
#define MOE_PYTHON_OBJECTS_H

#include "moe-c/moe.h"

#include <nanobind/nanobind.h>

#include <string>
#include <utility>
#include <vector>

namespace moe::python {

/// Owns a handle.
template <typename T, MoeStatus (*Destroy)(T *)> class Owner {
public:
  Owner() = default;
  explicit Owner(T *handle) : handle(handle) {}
  Owner(Owner &&other) noexcept
      : handle(std::exchange(other.handle, nullptr)) {}
  Owner &operator=(Owner &&other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Owner() {
    if (handle)
      Destroy(handle);
  }
  T *get() const { return handle; }
  T **out() { return &handle; }

private:
  T *handle = nullptr;
};

/// Threads and scratch for one call at a time, on the caller's account.
class Context {
public:
  Context(unsigned threads, uintptr_t parallelFor, uintptr_t user);
  unsigned threads() const;
  MoeContext *get() const { return handle.get(); }

private:
  Owner<MoeContext, moe_context_destroy> handle;
};

/// A context for the duration of a call: the given one, or one of as many
/// threads as asked for, or null for the library's own. Needs the GIL.
class ContextLease {
public:
  /// `context` is a Context or None; `threads` 0 is set_num_threads's number.
  ContextLease(nanobind::handle context, unsigned threads);
  ~ContextLease();
  ContextLease(const ContextLease &) = delete;
  MoeContext *get() const { return handle; }

private:
  MoeContext *handle = nullptr;
  unsigned threads = 0; ///< of a context that goes back to the idle ones
};

/// Threads of calls that do not say otherwise; 0 is what the machine allows.
void setNumThreads(unsigned threads);
unsigned getNumThreads();

/// A function with its weights.
class Bound {
public:
  Bound(Owner<MoeBound, moe_bound_destroy> handle, nanobind::object memory);

  /// Calls it with one array for each input, which are taken as they are where
  /// possible; returns the results, or `out` with the results in it.
  nanobind::object call(nanobind::handle inputs, nanobind::handle out,
                        nanobind::handle context, unsigned threads) const;
  /// Calls it on memory that the caller vouches for: addresses of inputs, then
  /// results, dense and aligned, and the sizes of the named dimensions.
  void callRaw(nanobind::handle pointers, nanobind::handle sizes,
               nanobind::handle context, unsigned threads) const;
  nanobind::bytes blob() const;
  const MoertEntry &entry() const { return *descriptor; }

private:
  Owner<MoeBound, moe_bound_destroy> handle;
  const MoertEntry *descriptor = nullptr;
  std::vector<const MoertArg *> inputs, outputs;
  nanobind::object memory; ///< what bind_blob reads
};

/// A compiled function.
class Function {
public:
  explicit Function(Owner<MoeFunction, moe_function_destroy> handle);
  const MoertEntry &entry() const { return *descriptor; }
  std::string signature() const;
  Bound *bind(nanobind::list weights, nanobind::handle context,
              unsigned threads) const;
  Bound *bindBlob(nanobind::object blob) const;
  uint64_t workspaceBytes(const std::vector<int64_t> &sizes) const;

private:
  Owner<MoeFunction, moe_function_destroy> handle;
  const MoertEntry *descriptor = nullptr;
};

/// [(name, role, dtype, shape)] of an entry, in the order of the source.
nanobind::list describe(const MoertEntry &entry);

/// Declares Context, Function and Bound.
void bindCalls(nanobind::module_ &module);
/// Declares Compiler and Module.
void bindCompiler(nanobind::module_ &module);
/// Declares what runs loops on the threads of an OpenMP library.
void bindOpenMP(nanobind::module_ &module);

} // namespace moe::python

#endif // MOE_PYTHON_OBJECTS_H
