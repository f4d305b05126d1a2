//===- Thorough.h - which programs see the whole compiler -------*- C++ -*-===//
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

/// Whether a random program goes through LLVM's optimiser and MLIR's verifier,
/// most of the time of a compilation: one in eight, always the same, or all of
/// them where MOE_TEST_THOROUGH is set (check-moe-all).
inline bool isThorough(llvm::StringRef text) {
  return std::getenv("MOE_TEST_THOROUGH") || llvm::xxh3_64bits(text) % 8 == 0;
}

} // namespace moe::test

#endif // MOE_TEST_UNIT_EXECUTION_THOROUGH_H
