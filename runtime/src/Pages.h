//===- Pages.h - how memory is mapped ---------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_PAGES_H
#define MOERT_SRC_PAGES_H

#include <cstdint>

namespace moe::runtime {

/// Asks the system for large pages wherever one fits into `bytes` bytes at
/// `memory`. Before its first use, or it takes effect late. A layer streams all
/// of its weights in every call: with small pages, and more so in a virtual
/// machine, the walks for their addresses cost as much as a cache level.
void preferLargePages(void *memory, uint64_t bytes);

} // namespace moe::runtime

#endif // MOERT_SRC_PAGES_H
