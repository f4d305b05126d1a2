//===- Pages.cpp - how memory is mapped -----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pages.h"

#if defined(__linux__)
#include <cerrno>
#include <sys/mman.h>
#endif

void moe::runtime::preferLargePages(void *memory, uint64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = 2 << 20;
  uintptr_t begin = (uintptr_t(memory) + kPage - 1) / kPage * kPage;
  uintptr_t end = (uintptr_t(memory) + bytes) / kPage * kPage;
  if (begin >= end)
    return;
  // It is a wish: a system without large pages is none the worse for it.
  int before = errno;
  (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
  errno = before;
#else
  (void)memory, (void)bytes;
#endif
}
