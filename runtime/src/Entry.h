//===- Entry.h - checks of descriptors, tensors and blobs -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each check returns MOERT_OK, or records the first thing that is wrong.
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_ENTRY_H
#define MOERT_SRC_ENTRY_H

#include "Context.h"

namespace moe::runtime {

/// Returns true if `arg` is bound by moert_prepare rather than at each call.
inline bool isWeight(const MoertArg &arg) { return arg.role == MOERT_WEIGHT; }

/// Starts a call on `entry`: forgets the last failure and checks the
/// descriptor.
MoertStatus beginEntry(MoertContext &context, const MoertEntry *entry);

/// Which arguments tensors stand for, in their order.
enum class Part {
  Weights,
  Inputs,
  Call, ///< inputs and results
};

/// Checks count, dtypes and shapes of tensors, and unifies their named
/// dimensions into `symbols`: -1 for those that only results have, if there are
/// none among the tensors.
MoertStatus checkShapes(MoertContext &context, const MoertEntry &entry,
                        Part part, const MoertTensor *tensors, size_t n,
                        int64_t *symbols);

/// Checks, after checkShapes, that each tensor fits in memory and has data.
MoertStatus checkData(MoertContext &context, const MoertEntry &entry, Part part,
                      const MoertTensor *tensors);

/// Returns the bytes of a tensor that passed checkData.
uint64_t bytesOf(const MoertTensor &tensor);

/// Returns true if a call needs a blob.
bool needsBlob(const MoertEntry &entry);

/// Returns where the payload of a blob starts.
void *blobPayload(void *blob);

/// Makes `blob` one that checkBlob refuses.
void clearBlob(void *blob);

/// Writes the header of a blob whose payload is complete.
void sealBlob(const MoertEntry &entry, void *blob);

/// Checks that `blob` is whole and was prepared for this entry.
MoertStatus checkBlob(MoertContext &context, const MoertEntry &entry,
                      const void *blob);

} // namespace moe::runtime

#endif // MOERT_SRC_ENTRY_H
