//===- Entry.cpp - checks of an entry's descriptor ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entry.h"
#include "Text.h"

#include <cinttypes>

using namespace moe::runtime;

/// Appends the names of the MOERT_CPU_* bits in `features`.
static void addFeatureNames(Text &text, uint64_t features) {
  static const struct {
    uint64_t bit;
    const char *name;
  } kNames[] = {
      {MOERT_CPU_AVX2, "avx2"},
      {MOERT_CPU_FMA, "fma"},
      {MOERT_CPU_F16C, "f16c"},
      {MOERT_CPU_AVX512F, "avx512f"},
      {MOERT_CPU_AVX512BW, "avx512bw"},
      {MOERT_CPU_AVX512VL, "avx512vl"},
      {MOERT_CPU_AVX512DQ, "avx512dq"},
      {MOERT_CPU_AVX512BF16, "avx512bf16"},
      {MOERT_CPU_AVX512VNNI, "avx512vnni"},
      {MOERT_CPU_AVX512FP16, "avx512fp16"},
      {MOERT_CPU_AVX512CD, "avx512cd"},
      {MOERT_CPU_BMI2, "bmi2"},
      {MOERT_CPU_SSE3, "sse3"},
      {MOERT_CPU_SSSE3, "ssse3"},
      {MOERT_CPU_SSE41, "sse4.1"},
      {MOERT_CPU_SSE42, "sse4.2"},
      {MOERT_CPU_POPCNT, "popcnt"},
      {MOERT_CPU_MOVBE, "movbe"},
      {MOERT_CPU_LZCNT, "lzcnt"},
      {MOERT_CPU_BMI, "bmi"},
      {MOERT_CPU_AVX, "avx"},
      {MOERT_CPU_AVXVNNI, "avxvnni"},
      {MOERT_CPU_GFNI, "gfni"},
      {MOERT_CPU_AVX512IFMA, "avx512ifma"},
      {MOERT_CPU_AVX512VBMI, "avx512vbmi"},
      {MOERT_CPU_AVX512VBMI2, "avx512vbmi2"},
      {MOERT_CPU_AVX512BITALG, "avx512bitalg"},
      {MOERT_CPU_AVX512VPOPCNTDQ, "avx512vpopcntdq"},
  };
  const char *separator = "";
  for (const auto &[bit, name] : kNames) {
    if (!(features & bit))
      continue;
    text.add("%s%s", separator, name);
    separator = ", ";
    features &= ~bit;
  }
  if (features)
    text.add("%sunknown 0x%" PRIx64, separator, features);
}

/// Returns what is wrong with an argument's descriptor, or null.
static const char *wrongArg(const MoertEntry &entry, const MoertArg &arg) {
  if (!arg.name)
    return "its name is null";
  if (arg.role > MOERT_OUTPUT)
    return "its role is unknown";
  if (!moert_dtype_bytes(arg.dtype))
    return "its dtype is unknown";
  if (arg.rank > MOERT_MAX_RANK)
    return "its rank is above MOERT_MAX_RANK";
  if (arg.rank && !arg.dims)
    return "its dims are null";
  for (unsigned i = 0; i < arg.rank; ++i) {
    int32_t dim = arg.dims[i];
    if (dim < 0 && uint32_t(~dim) >= entry.n_symbols)
      return "it uses a symbol number out of range";
    if (dim < 0 && isWeight(arg))
      return "it is a weight with a named dimension";
    if (dim >= 0 && !entry.sizes)
      return "it uses sizes, which are null";
    if (dim >= 0 && entry.sizes[dim] < 0)
      return "it has a negative size";
  }
  return nullptr;
}

/// Returns what is wrong with a descriptor's own fields, or null.
static const char *wrongEntry(const MoertEntry &entry) {
  if (!entry.name)
    return "its name is null";
  if (entry.n_args && !entry.args)
    return "its args are null";
  if (entry.n_symbols && !entry.symbols)
    return "its symbols are null";
  for (uint32_t i = 0; i < entry.n_symbols; ++i)
    if (!entry.symbols[i])
      return "the name of a symbol is null";
  for (uint32_t i = 1; i < entry.n_args; ++i)
    if (entry.args[i - 1].role == MOERT_OUTPUT &&
        entry.args[i].role != MOERT_OUTPUT)
      return "an argument follows a result";
  if (!entry.run || !entry.workspace_bytes)
    return "a function is null";
  if (entry.packed_bytes > INT64_MAX - MOERT_ALIGNMENT)
    return "its packed bytes are above 2^63";
  return nullptr;
}

MoertStatus moe::runtime::beginEntry(MoertContext &context,
                                     const MoertEntry *entry) {
  context.begin(nullptr);
  if (!entry)
    return context.fail(MOERT_INVALID_ARGUMENT, "the entry is null");
  // The version comes first: of another one, no other field means anything.
  if (entry->abi != MOERT_ABI_VERSION)
    return context.fail(MOERT_WRONG_ABI,
                        "the entry is of ABI version %u, expected %u",
                        entry->abi, MOERT_ABI_VERSION);
  if (entry->size != sizeof(MoertEntry))
    return context.fail(MOERT_WRONG_ABI,
                        "the entry's descriptor has %u bytes, expected %zu",
                        entry->size, sizeof(MoertEntry));
  context.entryName = entry->name;
  if (const char *what = wrongEntry(*entry))
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the entry's descriptor is malformed: %s", what);
  for (uint32_t i = 0; i < entry->n_args; ++i)
    if (const char *what = wrongArg(*entry, entry->args[i]))
      return context.fail(
          MOERT_INVALID_ARGUMENT,
          "the entry's descriptor is malformed: argument %u: %s", i, what);
  if (needsBlob(*entry) && !entry->prepare)
    return context.fail(
        MOERT_INVALID_ARGUMENT,
        "the entry's descriptor is malformed: it has weights but "
        "no function prepare");
  if (uint64_t lacking = entry->cpu_features & ~moert_cpu_features()) {
    char names[256];
    Text text(names, sizeof names);
    addFeatureNames(text, lacking);
    return context.fail(
        MOERT_WRONG_CPU,
        "compiled for '%s', needs CPU features that this machine lacks: %s",
        entry->target ? entry->target : "?", names);
  }
  return MOERT_OK;
}

MoertStatus moert_check_entry(MoertContext *context, const MoertEntry *entry) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  return beginEntry(*context, entry);
}
