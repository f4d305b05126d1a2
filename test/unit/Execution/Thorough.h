//===- Thorough.h - how much of the random programs is tested ---*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_EXECUTION_THOROUGH_H
#define MOE_TEST_UNIT_EXECUTION_THOROUGH_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/xxhash.h"

#include <cstdlib>

namespace moe::test {

/// Whether all of it is: check-moe-all sets MOE_TEST_THOROUGH, check-moe does
/// not.
inline bool isThorough() { return std::getenv("MOE_TEST_THOROUGH"); }

/// Whether a random program goes through LLVM's optimiser and MLIR's verifier,
/// most of the time of a compilation: one in eight, always the same, or all of
/// them.
inline bool isThorough(llvm::StringRef text) {
  return isThorough() || llvm::xxh3_64bits(text) % 8 == 0;
}

} // namespace moe::test

#endif // MOE_TEST_UNIT_EXECUTION_THOROUGH_H
