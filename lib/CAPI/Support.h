//===- Support.h - what the parts of the C API share ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CAPI_SUPPORT_H
#define MOE_LIB_CAPI_SUPPORT_H

#include "Handles.h"
#include "moe-c/moe.h"

#include "moe/Execution/Compiler.h"
#include "moe/Execution/Module.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <string>

namespace moe::capi {

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Keeps the message, as one line, for moe_error_message; returns the status.
MoeStatus fail(MoeStatus status, const llvm::Twine &message);

/// The same for an error, which must not be success: the status is its own if
/// it comes from the runtime, else `otherwise`.
MoeStatus fail(llvm::Error error, MoeStatus otherwise = MOE_COMPILE_ERROR);

/// Fails: the argument called `name` is null.
MoeStatus failNull(const char *name);

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

/// A context, and whether a call has it.
struct ContextObject {
  explicit ContextObject(Context context) : context(std::move(context)) {}
  Context context;
  std::atomic<bool> busy{false};
};

/// A function, and its signature once somebody has asked for it.
struct FunctionObject {
  explicit FunctionObject(Function f)
      : function(std::move(f)), signature(function.signature()) {}
  Function function;
  std::string signature;
};

/// What stands behind each type of handle.
template <typename Handle> struct HandleTraits;
#define MOE_HANDLE(HANDLE, OBJECT, KIND)                                       \
  template <> struct HandleTraits<HANDLE> {                                    \
    using Object = OBJECT;                                                     \
    static constexpr Kind kind = Kind::KIND;                                   \
    static constexpr const char *name = #HANDLE;                               \
  }
MOE_HANDLE(MoeCompiler, Compiler, Compiler);
MOE_HANDLE(MoeModule, Module, Module);
MOE_HANDLE(MoeFunction, FunctionObject, Function);
MOE_HANDLE(MoeBound, BoundFunction, Bound);
MOE_HANDLE(MoeContext, ContextObject, Context);
MOE_HANDLE(MoeBuffer, std::string, Buffer);
#undef MOE_HANDLE

/// The object of a handle, kept alive as long as this lives; false if the
/// handle is not valid.
template <typename Handle> class Use {
  using Traits = HandleTraits<Handle>;

public:
  using Object = typename Traits::Object;
  explicit Use(const Handle *handle)
      : handle(handle),
        object(static_cast<Object *>(beginUse(handle, Traits::kind))) {}
  Use(const Use &) = delete;
  Use &operator=(const Use &) = delete;
  ~Use() {
    if (object)
      endUse(handle);
  }
  explicit operator bool() const { return object; }
  Object &operator*() const { return *object; }
  Object *operator->() const { return object; }

  /// Fails: this handle is not valid.
  MoeStatus fail() const {
    return capi::fail(
        MOE_INVALID_HANDLE,
        llvm::Twine("the ") + Traits::name +
            (handle ? " is not one, or was destroyed" : " is null"));
  }

private:
  const Handle *handle;
  Object *object;
};

/// Makes a handle for an object.
template <typename Handle, typename... Args>
MoeStatus create(Handle **handle, Args &&...args) {
  using Object = typename HandleTraits<Handle>::Object;
  *handle = static_cast<Handle *>(createTicket(
      HandleTraits<Handle>::kind, new Object(std::forward<Args>(args)...),
      [](void *object) { delete static_cast<Object *>(object); }));
  return *handle ? MOE_OK : fail(MOERT_OUT_OF_MEMORY, "too many handles");
}

/// Ends a handle; null is fine.
template <typename Handle> MoeStatus destroy(const Handle *handle) {
  if (!handle || destroyTicket(handle, HandleTraits<Handle>::kind))
    return MOE_OK;
  return Use<Handle>(handle).fail();
}

//===----------------------------------------------------------------------===//
// Structs that begin with their size
//===----------------------------------------------------------------------===//

/// Reads a struct of the host's, which may be shorter than ours, or longer if
/// the rest is 0. Missing fields are 0.
template <typename T>
MoeStatus readStruct(const T &from, T &to, const char *name) {
  constexpr uint32_t least = sizeof(uint32_t);
  const auto *bytes = reinterpret_cast<const char *>(&from);
  uint32_t size = from.size;
  if (size < least || size > 4096)
    return fail(MOERT_INVALID_ARGUMENT, llvm::Twine(name) + ".size: expected " +
                                            llvm::Twine(sizeof(T)) + ", got " +
                                            llvm::Twine(size));
  for (uint32_t i = sizeof(T); i < size; ++i)
    if (bytes[i])
      return fail(MOERT_INVALID_ARGUMENT,
                  llvm::Twine(name) +
                      " has a field that this version does not know");
  to = {};
  std::memcpy(static_cast<void *>(&to), bytes,
              std::min<size_t>(size, sizeof(T)));
  to.size = sizeof(T);
  return MOE_OK;
}

/// Writes a struct of the host's, whose size is set: as much as it has room
/// for.
template <typename T>
MoeStatus writeStruct(const T &from, T &to, const char *name) {
  uint32_t size = to.size;
  if (size < sizeof(uint32_t) || size > 4096)
    return fail(MOERT_INVALID_ARGUMENT, llvm::Twine(name) + ".size: expected " +
                                            llvm::Twine(sizeof(T)) + ", got " +
                                            llvm::Twine(size));
  auto *bytes = reinterpret_cast<char *>(&to);
  std::memset(bytes, 0, size);
  std::memcpy(bytes, &from, std::min<size_t>(size, sizeof(T)));
  to.size = size;
  return MOE_OK;
}

} // namespace moe::capi

#endif // MOE_LIB_CAPI_SUPPORT_H
