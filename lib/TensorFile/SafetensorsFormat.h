//===- SafetensorsFormat.h - facts of the format -------------- -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_TENSORFILE_SAFETENSORSFORMAT_H
#define MOE_LIB_TENSORFILE_SAFETENSORSFORMAT_H

#include "moert/moert.h"

#include "llvm/ADT/StringRef.h"

#include <optional>

namespace moe::tensorfile {

/// Bytes of JSON that a header may have, the limit of other readers, too.
constexpr uint64_t maxSafetensorsHeader = 100'000'000;

/// The dtype that the format calls `name`; none if we have no such dtype.
std::optional<MoertDType> safetensorsDType(llvm::StringRef name);

} // namespace moe::tensorfile

#endif // MOE_LIB_TENSORFILE_SAFETENSORSFORMAT_H
