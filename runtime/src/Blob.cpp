//===- Blob.cpp - the header of packed weights ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entry.h"

#include <cstring>

using namespace moe::runtime;

namespace {

/// Stands before the payload. Blobs may be kept in files, so nothing in one is
/// taken on trust.
struct BlobHeader {
  char magic[8];
  uint32_t abi;
  uint32_t headerBytes;
  uint64_t hash;         // MoertEntry.packed_hash
  uint64_t payloadBytes; // MoertEntry.packed_bytes
  uint64_t reserved[3];
  uint64_t checksum; // of all before it
};
static_assert(sizeof(BlobHeader) == MOERT_ALIGNMENT,
              "the payload must be aligned");

constexpr char kMagic[8] = {'M', 'O', 'E', 'B', 'L', 'O', 'B', '\n'};

} // namespace

/// Returns the 64-bit FNV-1a hash of a header without its checksum.
static uint64_t checksumOf(const BlobHeader &header) {
  unsigned char bytes[offsetof(BlobHeader, checksum)];
  memcpy(bytes, &header, sizeof bytes);
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

uint64_t moert_packed_bytes(const MoertEntry *entry) {
  uint64_t bytes;
  if (!entry)
    return 0;
  if (__builtin_add_overflow(entry->packed_bytes, sizeof(BlobHeader), &bytes))
    return UINT64_MAX;
  return bytes;
}

bool moe::runtime::needsBlob(const MoertEntry &entry) {
  if (entry.packed_bytes)
    return true;
  for (uint32_t i = 0; i < entry.n_args; ++i)
    if (isWeight(entry.args[i]))
      return true;
  return false;
}

void *moe::runtime::blobPayload(void *blob) {
  return static_cast<char *>(blob) + sizeof(BlobHeader);
}

void moe::runtime::clearBlob(void *blob) {
  memset(blob, 0, sizeof(BlobHeader));
}

void moe::runtime::sealBlob(const MoertEntry &entry, void *blob) {
  BlobHeader header{};
  memcpy(header.magic, kMagic, sizeof kMagic);
  header.abi = MOERT_ABI_VERSION;
  header.headerBytes = sizeof(BlobHeader);
  header.hash = entry.packed_hash;
  header.payloadBytes = entry.packed_bytes;
  header.checksum = checksumOf(header);
  memcpy(blob, &header, sizeof header);
}

MoertStatus moe::runtime::checkBlob(MoertContext &context,
                                    const MoertEntry &entry, const void *blob) {
  if (!blob)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the packed weights are null, expected those of "
                        "moert_prepare");
  if (uintptr_t(blob) % MOERT_ALIGNMENT)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "the packed weights at %p are not aligned to %u bytes",
                        blob, MOERT_ALIGNMENT);
  BlobHeader header;
  memcpy(&header, blob, sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic))
    return context.fail(MOERT_WRONG_BLOB,
                        "the packed weights do not come from a moert_prepare "
                        "that succeeded (no magic number at their start)");
  if (header.checksum != checksumOf(header))
    return context.fail(
        MOERT_WRONG_BLOB,
        "the header of the packed weights is damaged (checksum)");
  if (header.abi != MOERT_ABI_VERSION || header.headerBytes != sizeof header)
    return context.fail(MOERT_WRONG_BLOB,
                        "the packed weights are of ABI version %u, expected %u",
                        header.abi, MOERT_ABI_VERSION);
  if (header.hash != entry.packed_hash)
    return context.fail(MOERT_WRONG_BLOB,
                        "the packed weights were prepared for another entry or "
                        "target: expected layout %016llx, got %016llx",
                        (unsigned long long)entry.packed_hash,
                        (unsigned long long)header.hash);
  if (header.payloadBytes != entry.packed_bytes)
    return context.fail(MOERT_WRONG_BLOB,
                        "the packed weights were prepared for another entry or "
                        "target: expected %llu bytes, got %llu",
                        (unsigned long long)entry.packed_bytes,
                        (unsigned long long)header.payloadBytes);
  return MOERT_OK;
}

MoertStatus moert_check_packed(MoertContext *context, const MoertEntry *entry,
                               const void *packed, uint64_t bytes) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  if (MoertStatus status = beginEntry(*context, entry))
    return status;
  if (packed && bytes < sizeof(BlobHeader))
    return context->fail(MOERT_WRONG_BLOB,
                         "the packed weights are cut off: expected %llu bytes, "
                         "got %llu",
                         (unsigned long long)moert_packed_bytes(entry),
                         (unsigned long long)bytes);
  if (MoertStatus status = checkBlob(*context, *entry, packed))
    return status;
  if (bytes != moert_packed_bytes(entry))
    return context->fail(MOERT_WRONG_BLOB,
                         "the packed weights are cut off or too long: expected "
                         "%llu bytes, got %llu",
                         (unsigned long long)moert_packed_bytes(entry),
                         (unsigned long long)bytes);
  return MOERT_OK;
}
