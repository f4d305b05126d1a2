//===- Module.cpp - modules and functions in C ----------------------------===//
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
// Modules
//===----------------------------------------------------------------------===//

MoeStatus moe_module_destroy(MoeModule *module) { return destroy(module); }

MoeStatus moe_module_times(const MoeModule *handle, MoeTimes *times) {
  if (!times)
    return failNull("times");
  Use module(handle);
  if (!module)
    return module.fail();
  const CompileTimes &measured = module->times();
  MoeTimes result = {};
  result.from_cache = measured.fromCache;
  result.parse = measured.parse;
  result.lower = measured.lower;
  result.codegen = measured.codegen;
  result.link = measured.link;
  return writeStruct(result, *times, "MoeTimes");
}

MoeStatus moe_module_size(const MoeModule *handle, size_t *functions) {
  if (!functions)
    return failNull("functions");
  *functions = 0;
  Use module(handle);
  if (!module)
    return module.fail();
  *functions = module->functions().size();
  return MOE_OK;
}

MoeStatus moe_module_function(const MoeModule *handle, size_t index,
                              MoeFunction **function) {
  if (!function)
    return failNull("function");
  *function = nullptr;
  Use module(handle);
  if (!module)
    return module.fail();
  size_t count = module->functions().size();
  if (index >= count)
    return fail(MOE_NOT_FOUND, "no function number " + Twine(index) +
                                   "; there are " + Twine(count));
  return create(function, module->functions()[index]);
}

MoeStatus moe_module_lookup(const MoeModule *handle, const char *name,
                            MoeFunction **function) {
  if (!function)
    return failNull("function");
  *function = nullptr;
  Use module(handle);
  if (!module)
    return module.fail();
  if (!name && module->functions().size() == 1)
    return create(function, module->functions().front());
  if (!name)
    return fail(MOE_NOT_FOUND, "the name is null, and the module has " +
                                   Twine(module->functions().size()) +
                                   " functions");
  Expected<Function> found = module->lookup(name);
  return found ? create(function, std::move(*found))
               : fail(found.takeError(), MOE_NOT_FOUND);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

MoeStatus moe_function_destroy(MoeFunction *function) {
  return destroy(function);
}

MoeStatus moe_function_entry(const MoeFunction *handle,
                             const MoertEntry **entry) {
  if (!entry)
    return failNull("entry");
  *entry = nullptr;
  Use function(handle);
  if (!function)
    return function.fail();
  *entry = &function->function.entry();
  return MOE_OK;
}

MoeStatus moe_function_signature(const MoeFunction *handle,
                                 const char **signature) {
  if (!signature)
    return failNull("signature");
  *signature = nullptr;
  Use function(handle);
  if (!function)
    return function.fail();
  *signature = function->signature.c_str();
  return MOE_OK;
}

MoeStatus moe_function_symbols(const MoeFunction *handle,
                               const MoertTensor *tensors, size_t n,
                               int64_t *symbols) {
  Use function(handle);
  if (!function)
    return function.fail();
  if (!tensors && n)
    return failNull("tensors");
  const MoertEntry &entry = function->function.entry();
  if (!symbols && entry.n_symbols)
    return failNull("symbols");
  Expected<SmallVector<int64_t>> bound =
      function->function.bindSymbols(ArrayRef(tensors, n));
  if (!bound)
    return fail(bound.takeError(), MOERT_INTERNAL);
  copy(*bound, symbols);
  return MOE_OK;
}

MoeStatus moe_function_workspace(const MoeFunction *handle,
                                 const int64_t *symbols, uint64_t *bytes) {
  if (!bytes)
    return failNull("bytes");
  *bytes = 0;
  Use function(handle);
  if (!function)
    return function.fail();
  const MoertEntry &entry = function->function.entry();
  if (!symbols && entry.n_symbols)
    return failNull("symbols");
  Expected<uint64_t> needed =
      function->function.workspaceBytes(ArrayRef(symbols, entry.n_symbols));
  if (!needed)
    return fail(needed.takeError(), MOERT_INTERNAL);
  *bytes = *needed;
  return MOE_OK;
}
