//===- Call.cpp - preparing weights and calling entries -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entry.h"
#include "Pages.h"
#include "Text.h"

#include <algorithm>

using namespace moe::runtime;

namespace {

/// Memory that a call reads or writes.
struct Extent {
  const void *data;
  uint64_t bytes;
  const char *kind, *name; // "argument", "x"; no name for blob and workspace
};

/// Returns true if two extents share a byte.
bool overlap(const Extent &a, const Extent &b) {
  if (!a.bytes || !b.bytes)
    return false;
  // Modulo 2^64, so that an extent may end at the top of the address space.
  uintptr_t begin = uintptr_t(a.data), other = uintptr_t(b.data);
  return other - begin < a.bytes || begin - other < b.bytes;
}

/// Checks that `written` shares no byte with `other`.
MoertStatus checkApart(MoertContext &context, const Extent &written,
                       const Extent &other) {
  if (!overlap(written, other))
    return MOERT_OK;
  auto quote = [](const Extent &extent) { return extent.name ? "'" : ""; };
  auto name = [](const Extent &extent) {
    return extent.name ? extent.name : "";
  };
  return context.fail(MOERT_INVALID_ARGUMENT,
                      "%s%s%s%s overlaps %s%s%s%s in memory", written.kind,
                      quote(written), name(written), quote(written), other.kind,
                      quote(other), name(other), quote(other));
}

/// Returns the extent of a tensor.
Extent extentOf(const MoertArg &arg, const MoertTensor &tensor) {
  return {tensor.data, bytesOf(tensor),
          arg.role == MOERT_OUTPUT ? "result " : "argument ", arg.name};
}

/// Checks that no result overlaps another tensor, blob or workspace.
MoertStatus checkOverlaps(MoertContext &context, const MoertEntry &entry,
                          const MoertTensor *tensors, const Extent &packed,
                          const Extent &workspace) {
  if (MoertStatus status = checkApart(context, workspace, packed))
    return status;
  size_t at = 0;
  for (uint32_t i = 0; i < entry.n_args; ++i) {
    if (isWeight(entry.args[i]))
      continue;
    Extent extent = extentOf(entry.args[i], tensors[at++]);
    bool isResult = entry.args[i].role == MOERT_OUTPUT;
    if (MoertStatus status = checkApart(context, extent, workspace))
      return status;
    if (!isResult)
      continue;
    if (MoertStatus status = checkApart(context, extent, packed))
      return status;
    // Results come last: all inputs and the results before this one.
    size_t before = 0;
    for (uint32_t j = 0; j < i; ++j)
      if (!isWeight(entry.args[j]))
        if (MoertStatus status = checkApart(
                context, extent, extentOf(entry.args[j], tensors[before++])))
          return status;
  }
  return MOERT_OK;
}

/// Computes the workspace for these symbols; records MOERT_TOO_LARGE if a size
/// does not fit.
MoertStatus sizeWorkspace(MoertContext &context, const MoertEntry &entry,
                          const int64_t *symbols, uint64_t &bytes) {
  int64_t size = entry.workspace_bytes(symbols);
  if (size >= 0) {
    bytes = uint64_t(size);
    return MOERT_OK;
  }
  char sizes[256];
  Text text(sizes, sizeof sizes);
  for (uint32_t i = 0; i < entry.n_symbols; ++i)
    text.add("%s%s = %lld", i ? ", " : "", entry.symbols[i],
             (long long)symbols[i]);
  return context.fail(MOERT_TOO_LARGE, "a size computed from %s does not fit",
                      entry.n_symbols ? sizes : "constants");
}

/// Takes the host's workspace, or the context's own if that is null.
MoertStatus takeWorkspace(MoertContext &context, uint64_t needed,
                          void *&workspace, uint64_t bytes) {
  if (!workspace) {
    if (needed && !(workspace = context.workspace.reserve(needed)))
      return context.fail(MOERT_OUT_OF_MEMORY,
                          "no memory for a workspace of %llu bytes",
                          (unsigned long long)needed);
    return MOERT_OK;
  }
  if (uintptr_t(workspace) % MOERT_ALIGNMENT)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the workspace at %p is not aligned to %u bytes",
                        workspace, MOERT_ALIGNMENT);
  if (bytes < needed)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the workspace is too small: expected at least %llu "
                        "bytes, got %llu",
                        (unsigned long long)needed, (unsigned long long)bytes);
  return MOERT_OK;
}

/// Returns the status of compiled code that has returned `status`: what it
/// recorded comes first, for that has a message.
MoertStatus finish(MoertContext &context, int32_t status,
                   const char *function) {
  context.inCall = false;
  context.endRun(); // in case the code forgot
  int32_t recorded = context.status.load(std::memory_order_relaxed);
  if (recorded)
    return MoertStatus(recorded);
  if (!status)
    return MOERT_OK;
  if (status == MOERT_WRONG_ABI)
    return context.fail(MOERT_WRONG_ABI,
                        "its code is bound to another copy of the runtime "
                        "library than the one that calls it");
  return context.fail(status > 0 && status <= MOERT_INTERNAL
                          ? MoertStatus(status)
                          : MOERT_INTERNAL,
                      "%s returned status %d (%s) without a message", function,
                      status, moert_status_name(status));
}

/// Reserves `count` 8-byte words of scratch.
MoertStatus takeScratch(MoertContext &context, uint64_t count, void *&scratch) {
  // Never null for no words either: a null array is a host's mistake elsewhere.
  scratch = context.scratch.reserve(8 * (count + 1));
  if (!scratch)
    return context.fail(MOERT_OUT_OF_MEMORY, "no memory for %llu arguments",
                        (unsigned long long)count);
  return MOERT_OK;
}

} // namespace

MoertStatus moert_prepare(MoertContext *context, const MoertEntry *entry,
                          const MoertTensor *weights, size_t n, void *packed) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  if (MoertStatus status = beginEntry(*context, entry))
    return status;
  if (!packed)
    return context->fail(MOERT_INVALID_ARGUMENT,
                         "the packed weights are null, expected %llu bytes",
                         (unsigned long long)moert_packed_bytes(entry));
  if (uintptr_t(packed) % MOERT_ALIGNMENT)
    return context->fail(MOERT_INVALID_ARGUMENT,
                         "the packed weights at %p are not aligned to %u bytes",
                         packed, MOERT_ALIGNMENT);
  if (MoertStatus status =
          checkShapes(*context, *entry, Part::Weights, weights, n, nullptr))
    return status;
  if (MoertStatus status = checkData(*context, *entry, Part::Weights, weights))
    return status;

  void *scratch;
  if (MoertStatus status = takeScratch(*context, n, scratch))
    return status;
  auto **data = static_cast<const void **>(scratch);
  Extent blob{packed, moert_packed_bytes(entry), "the blob of packed weights",
              nullptr};
  size_t at = 0;
  for (uint32_t i = 0; i < entry->n_args; ++i) {
    if (!isWeight(entry->args[i]))
      continue;
    if (MoertStatus status =
            checkApart(*context, blob, extentOf(entry->args[i], weights[at])))
      return status;
    data[at] = weights[at].data;
    ++at;
  }

  preferLargePages(packed, moert_packed_bytes(entry));
  clearBlob(packed);
  context->inCall = true;
  if (entry->prepare)
    if (MoertStatus status =
            finish(*context, entry->prepare(context, data, blobPayload(packed)),
                   "prepare"))
      return status;
  context->inCall = false;
  sealBlob(*entry, packed);
  return MOERT_OK;
}

MoertStatus moert_workspace_bytes(MoertContext *context,
                                  const MoertEntry *entry,
                                  const int64_t *symbols, uint64_t *bytes) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  if (MoertStatus status = beginEntry(*context, entry))
    return status;
  if (!bytes || (entry->n_symbols && !symbols))
    return context->fail(MOERT_INVALID_ARGUMENT, "%s null",
                         bytes ? "the symbols are" : "the result pointer is");
  for (uint32_t i = 0; i < entry->n_symbols; ++i)
    if (symbols[i] < 0)
      return context->fail(MOERT_INVALID_ARGUMENT,
                           "dimension '%s': expected at least 0, got %lld",
                           entry->symbols[i], (long long)symbols[i]);
  return sizeWorkspace(*context, *entry, symbols, *bytes);
}

MoertStatus moert_call(MoertContext *context, const MoertEntry *entry,
                       const MoertTensor *tensors, size_t n, const void *packed,
                       void *workspace, uint64_t workspaceBytes) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  if (MoertStatus status = beginEntry(*context, entry))
    return status;

  void *scratch;
  uint64_t words = uint64_t(entry->n_symbols) + entry->n_args;
  if (MoertStatus status = takeScratch(*context, words, scratch))
    return status;
  auto *symbols = static_cast<int64_t *>(scratch);
  if (MoertStatus status =
          checkShapes(*context, *entry, Part::Call, tensors, n, symbols))
    return status;
  // Before the data: a T that does not fit says so, whatever the memory.
  uint64_t needed;
  if (MoertStatus status = sizeWorkspace(*context, *entry, symbols, needed))
    return status;
  if (MoertStatus status = checkData(*context, *entry, Part::Call, tensors))
    return status;
  bool blob = needsBlob(*entry);
  if (blob)
    if (MoertStatus status = checkBlob(*context, *entry, packed))
      return status;
  if (MoertStatus status =
          takeWorkspace(*context, needed, workspace, workspaceBytes))
    return status;
  Extent packedExtent{packed, blob ? moert_packed_bytes(entry) : 0,
                      "the blob of packed weights", nullptr};
  Extent workspaceExtent{workspace, needed, "the workspace", nullptr};
  if (MoertStatus status = checkOverlaps(*context, *entry, tensors,
                                         packedExtent, workspaceExtent))
    return status;

  auto **data = reinterpret_cast<void **>(symbols + entry->n_symbols);
  size_t inputs = 0, at = 0;
  for (uint32_t i = 0; i < entry->n_args; ++i) {
    if (isWeight(entry->args[i]))
      continue;
    inputs += entry->args[i].role == MOERT_INPUT;
    data[at] = tensors[at].data;
    ++at;
  }
  const void *payload =
      blob ? blobPayload(const_cast<void *>(packed)) : nullptr;
  context->inCall = true;
  return finish(
      *context,
      entry->run(context, data, data + inputs, symbols, payload, workspace),
      "run");
}

void *moert_scratch(MoertContext *context, int64_t bytes) {
  if (!ours(context))
    return nullptr;
  // Never null on success, whatever the size.
  void *memory = bytes < 0
                     ? nullptr
                     : context->workspace.reserve(std::max<int64_t>(bytes, 1));
  if (!memory)
    context->fail(MOERT_OUT_OF_MEMORY,
                  "no memory for %lld bytes of scratch space",
                  (long long)bytes);
  return memory;
}
