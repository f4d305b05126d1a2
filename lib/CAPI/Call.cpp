//===- Call.cpp - contexts, binding and calling in C ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

using namespace llvm;
using namespace moe;
using namespace moe::capi;

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

MoeStatus moe_context_create(const MoertContextOptions *options,
                             MoeContext **context) {
  if (!context)
    return failNull("context");
  *context = nullptr;
  MoertContextOptions known = {};
  if (options)
    if (MoeStatus status = readStruct(*options, known, "MoertContextOptions"))
      return status;
  Expected<Context> created = Context::create(known);
  return created ? create(context, std::move(*created))
                 : fail(created.takeError(), MOERT_INTERNAL);
}

MoeStatus moe_context_destroy(MoeContext *context) { return destroy(context); }

MoeStatus moe_context_threads(const MoeContext *handle, uint32_t *threads) {
  if (!threads)
    return failNull("threads");
  *threads = 0;
  Use context(handle);
  if (!context)
    return context.fail();
  *threads = context->context.threads();
  return MOE_OK;
}

namespace {
/// A context for one call: the host's, if nobody else uses it, or one of the
/// library's.
class CallContext {
public:
  explicit CallContext(const MoeContext *handle) : wanted(handle), use(handle) {
    taken = use && !use->busy.exchange(true, std::memory_order_acquire);
  }
  ~CallContext() {
    if (taken)
      use->busy.store(false, std::memory_order_release);
  }
  /// MOE_OK if there is one.
  MoeStatus check() const {
    if (!wanted || taken)
      return MOE_OK;
    if (!use)
      return use.fail();
    return fail(MOE_BUSY, "the MoeContext serves another call");
  }
  /// Null for one of the library's.
  const Context *get() const { return taken ? &use->context : nullptr; }

private:
  const MoeContext *wanted;
  Use<MoeContext> use;
  bool taken;
};
} // namespace

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

/// Makes the handle of a bound function, or fails.
static MoeStatus finish(Expected<BoundFunction> result, MoeBound **bound) {
  return result ? create(bound, std::move(*result))
                : fail(result.takeError(), MOERT_INTERNAL);
}

MoeStatus moe_bind(const MoeFunction *handle, MoeContext *contextHandle,
                   const MoertTensor *weights, size_t n, MoeBound **bound) {
  if (!bound)
    return failNull("bound");
  *bound = nullptr;
  Use use(handle);
  if (!use)
    return use.fail();
  if (!weights && n)
    return failNull("weights");
  CallContext context(contextHandle);
  if (MoeStatus status = context.check())
    return status;
  const Function &function = use->function;
  ArrayRef<MoertTensor> tensors(weights, n);
  return finish(context.get() ? function.bind(*context.get(), tensors)
                              : function.bind(tensors),
                bound);
}

MoeStatus moe_bind_blob(const MoeFunction *handle, const void *blob,
                        uint64_t size, MoeBound **bound) {
  if (!bound)
    return failNull("bound");
  *bound = nullptr;
  Use function(handle);
  if (!function)
    return function.fail();
  if (!blob)
    return failNull("blob");
  return finish(function->function.bindBlob(
                    ArrayRef(static_cast<const char *>(blob), size)),
                bound);
}

MoeStatus moe_bound_destroy(MoeBound *bound) { return destroy(bound); }

MoeStatus moe_bound_entry(const MoeBound *handle, const MoertEntry **entry) {
  if (!entry)
    return failNull("entry");
  *entry = nullptr;
  Use bound(handle);
  if (!bound)
    return bound.fail();
  *entry = &bound->entry();
  return MOE_OK;
}

MoeStatus moe_bound_blob(const MoeBound *handle, const void **blob,
                         uint64_t *size) {
  if (blob)
    *blob = nullptr;
  if (size)
    *size = 0;
  Use bound(handle);
  if (!bound)
    return bound.fail();
  if (blob)
    *blob = bound->blob().data();
  if (size)
    *size = bound->blob().size();
  return MOE_OK;
}

//===----------------------------------------------------------------------===//
// Calling
//===----------------------------------------------------------------------===//

MoeStatus moe_call(const MoeBound *handle, MoeContext *contextHandle,
                   const MoertTensor *tensors, size_t n, void *workspace,
                   uint64_t workspaceBytes) {
  Use bound(handle);
  if (!bound)
    return bound.fail();
  if (!tensors && n)
    return failNull("tensors");
  CallContext context(contextHandle);
  if (MoeStatus status = context.check())
    return status;
  if (Error error = bound->callAll(context.get(), ArrayRef(tensors, n),
                                   workspace, workspaceBytes))
    return fail(std::move(error), MOERT_INTERNAL);
  return MOE_OK;
}
