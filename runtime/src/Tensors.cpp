//===- Tensors.cpp - checks of a call's tensors ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entry.h"
#include "Text.h"

#include <algorithm>

using namespace moe::runtime;

namespace {

/// A type in the way of IR, for messages: "f32[T, 64]", "f32[]".
struct TypeName {
  char text[192];

  /// The type that the descriptor asks for.
  TypeName(const MoertEntry &entry, const MoertArg &arg) {
    write(arg.dtype, arg.rank, [&](Text &text, unsigned i) {
      int32_t dim = arg.dims[i];
      if (dim < 0)
        text.add("%s", *entry.symbols[~dim] ? entry.symbols[~dim] : "?");
      else
        text.add("%lld", (long long)entry.sizes[dim]);
    });
  }

  /// The type of a host's tensor.
  explicit TypeName(const MoertTensor &tensor) {
    write(tensor.dtype, tensor.rank, [&](Text &text, unsigned i) {
      text.add("%lld", (long long)tensor.shape[i]);
    });
  }

private:
  template <typename Dim> void write(uint8_t dtype, unsigned rank, Dim addDim) {
    Text out(text, sizeof text);
    if (moert_dtype_bytes(dtype))
      out.add("%s[", moert_dtype_name(dtype));
    else
      out.add("unknown dtype %u[", dtype);
    for (unsigned i = 0; i < std::min(rank, MOERT_MAX_RANK); ++i) {
      out.add("%s", i ? ", " : "");
      addDim(out, i);
    }
    out.add(rank > MOERT_MAX_RANK ? ", ...]" : "]");
  }
};

/// Returns how messages call the thing that `arg` describes.
const char *kindOf(const MoertArg &arg) {
  return arg.role == MOERT_OUTPUT ? "result" : "argument";
}

/// Returns true if tensors of that part include one for `arg`.
bool belongs(const MoertArg &arg, Part part) {
  switch (part) {
  case Part::Weights:
    return arg.role == MOERT_WEIGHT;
  case Part::Inputs:
    return arg.role == MOERT_INPUT;
  case Part::Call:
    return arg.role != MOERT_WEIGHT;
  }
  return false;
}

/// Calls visit(arg, tensor) for each pair, in order, until one fails.
template <typename Visit>
MoertStatus forEach(const MoertEntry &entry, Part part,
                    const MoertTensor *tensors, Visit visit) {
  for (uint32_t i = 0; i < entry.n_args; ++i)
    if (belongs(entry.args[i], part))
      if (MoertStatus status = visit(entry.args[i], *tensors++))
        return status;
  return MOERT_OK;
}

/// Returns true, and the tensor's bytes, if they fit in 63 bits.
bool sizeOf(const MoertTensor &tensor, uint64_t &bytes) {
  for (unsigned i = 0; i < tensor.rank; ++i)
    if (!tensor.shape[i]) {
      bytes = 0;
      return true;
    }
  int64_t size = int64_t(moert_dtype_bytes(tensor.dtype));
  for (unsigned i = 0; i < tensor.rank; ++i)
    if (__builtin_mul_overflow(size, tensor.shape[i], &size))
      return false;
  bytes = uint64_t(size);
  return true;
}

/// Records that two tensors disagree on symbol number `symbol`: `arg` says
/// `size`, and a tensor before it, or an earlier dimension, `bound`.
MoertStatus failDisagreement(MoertContext &context, const MoertEntry &entry,
                             const MoertTensor *tensors, uint32_t symbol,
                             int64_t bound, int64_t size, const MoertArg &arg,
                             const MoertTensor &tensor) {
  // The first of the two stands at or before `tensor`: no results are missed.
  return forEach(
      entry, Part::Call, tensors,
      [&](const MoertArg &first, const MoertTensor &firstTensor) {
        for (unsigned i = 0; i < first.rank; ++i)
          if (first.dims[i] == ~int32_t(symbol))
            return context.fail(
                MOERT_INVALID_ARGUMENT,
                "dimension '%s' is %lld in %s '%s' (%s), but %lld in %s '%s' "
                "(%s)",
                entry.symbols[symbol], (long long)bound, kindOf(first),
                first.name, TypeName(firstTensor).text, (long long)size,
                kindOf(arg), arg.name, TypeName(tensor).text);
        return MOERT_OK;
      });
}

/// Checks the number of tensors.
MoertStatus checkCount(MoertContext &context, const MoertEntry &entry,
                       Part part, const MoertTensor *tensors, size_t n) {
  size_t count[3] = {};
  for (uint32_t i = 0; i < entry.n_args; ++i)
    ++count[entry.args[i].role];
  size_t expected = count[part == Part::Weights ? MOERT_WEIGHT : MOERT_INPUT];
  if (part == Part::Call)
    expected += count[MOERT_OUTPUT];
  if (n != expected && part == Part::Weights)
    return context.fail(MOERT_INVALID_ARGUMENT, "expected %zu weights, got %zu",
                        expected, n);
  if (n != expected)
    return context.fail(
        MOERT_INVALID_ARGUMENT,
        "expected %zu tensors (%zu inputs, %zu results), got %zu", expected,
        count[MOERT_INPUT], count[MOERT_OUTPUT], n);
  if (n && !tensors)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the tensors are null, expected %zu", expected);
  return MOERT_OK;
}

} // namespace

uint64_t moe::runtime::bytesOf(const MoertTensor &tensor) {
  uint64_t bytes = 0;
  sizeOf(tensor, bytes);
  return bytes;
}

MoertStatus moe::runtime::checkShapes(MoertContext &context,
                                      const MoertEntry &entry, Part part,
                                      const MoertTensor *tensors, size_t n,
                                      int64_t *symbols) {
  if (MoertStatus status = checkCount(context, entry, part, tensors, n))
    return status;
  uint32_t symbolCount = part == Part::Weights ? 0 : entry.n_symbols;
  if (symbolCount && !symbols)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the symbols are null, expected room for %u",
                        symbolCount);
  std::fill_n(symbols, symbolCount, -1);

  MoertStatus status = forEach(
      entry, part, tensors,
      [&](const MoertArg &arg, const MoertTensor &tensor) -> MoertStatus {
        auto failType = [&] {
          return context.fail(MOERT_INVALID_ARGUMENT,
                              "%s '%s': expected %s, got %s", kindOf(arg),
                              arg.name, TypeName(entry, arg).text,
                              TypeName(tensor).text);
        };
        if (tensor.rank && !tensor.shape)
          return context.fail(MOERT_INVALID_ARGUMENT,
                              "%s '%s': its shape is null, expected %s",
                              kindOf(arg), arg.name, TypeName(entry, arg).text);
        if (tensor.dtype != arg.dtype || tensor.rank != arg.rank)
          return failType();
        for (unsigned i = 0; i < arg.rank; ++i) {
          int32_t dim = arg.dims[i];
          int64_t size = tensor.shape[i];
          if (size < 0 || (dim >= 0 && size != entry.sizes[dim]))
            return failType();
          if (dim >= 0)
            continue;
          int64_t &bound = symbols[~dim];
          if (bound >= 0 && bound != size)
            return failDisagreement(context, entry, tensors, uint32_t(~dim),
                                    bound, size, arg, tensor);
          bound = size;
        }
        return MOERT_OK;
      });
  if (status || part != Part::Call)
    return status;
  for (uint32_t i = 0; i < symbolCount; ++i)
    if (symbols[i] < 0)
      return context.fail(MOERT_INVALID_ARGUMENT,
                          "the entry's descriptor is malformed: no input or "
                          "result has dimension '%s'",
                          entry.symbols[i]);
  return MOERT_OK;
}

MoertStatus moe::runtime::checkData(MoertContext &context,
                                    const MoertEntry &entry, Part part,
                                    const MoertTensor *tensors) {
  return forEach(
      entry, part, tensors,
      [&](const MoertArg &arg, const MoertTensor &tensor) -> MoertStatus {
        uint64_t bytes;
        if (!sizeOf(tensor, bytes))
          return context.fail(MOERT_TOO_LARGE,
                              "%s '%s': %s has more than 2^63 - 1 bytes",
                              kindOf(arg), arg.name, TypeName(tensor).text);
        if (!tensor.data && bytes)
          return context.fail(MOERT_INVALID_ARGUMENT,
                              "%s '%s': its data is null, expected %s",
                              kindOf(arg), arg.name, TypeName(tensor).text);
        size_t alignment = moert_dtype_bytes(tensor.dtype);
        if (bytes && uintptr_t(tensor.data) % alignment)
          return context.fail(
              MOERT_INVALID_ARGUMENT,
              "%s '%s': its data at %p is not aligned to %zu bytes",
              kindOf(arg), arg.name, tensor.data, alignment);
        return MOERT_OK;
      });
}

MoertStatus moert_bind_symbols(MoertContext *context, const MoertEntry *entry,
                               const MoertTensor *tensors, size_t n,
                               int64_t *symbols) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  if (MoertStatus status = beginEntry(*context, entry))
    return status;
  size_t inputs = 0;
  for (uint32_t i = 0; i < entry->n_args; ++i)
    inputs += entry->args[i].role == MOERT_INPUT;
  return checkShapes(*context, *entry, n == inputs ? Part::Inputs : Part::Call,
                     tensors, n, symbols);
}
