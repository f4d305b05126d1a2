//===- PagesTest.cpp - large pages for what is streamed -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pages.h"

#include "gtest/gtest.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using moe::runtime::preferLargePages;

namespace {
constexpr size_t kPage = 2 << 20;

/// Whether large pages are wished for at an address, as the kernel tells.
bool isLarge(const void *memory) {
  FILE *file = std::fopen("/proc/self/smaps", "r");
  if (!file)
    return false;
  char line[512];
  bool here = false, large = false;
  while (std::fgets(line, sizeof line, file)) {
    uintptr_t first, last;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &last) == 2)
      here = first <= uintptr_t(memory) && uintptr_t(memory) < last;
    else if (here && !std::strncmp(line, "VmFlags:", 8))
      large = std::strstr(line, " hg") != nullptr;
  }
  std::fclose(file);
  return large;
}

/// Four large pages and the ends of two more.
class PagesTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK))
      GTEST_SKIP() << "the system has no large pages";
    mapping =
        static_cast<char *>(mmap(nullptr, 6 * kPage, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(mapping, MAP_FAILED);
    pages = mapping + (kPage - uintptr_t(mapping) % kPage) % kPage;
  }
  void TearDown() override {
    if (mapping)
      munmap(mapping, 6 * kPage);
  }
  char *mapping = nullptr, *pages = nullptr;
};
} // namespace

TEST_F(PagesTest, WholePagesWithin) {
  preferLargePages(pages + 64, 4 * kPage);
  EXPECT_FALSE(isLarge(pages));
  for (int i : {1, 2, 3})
    EXPECT_TRUE(isLarge(pages + i * kPage)) << i;
  EXPECT_FALSE(isLarge(pages + 4 * kPage));
}

TEST_F(PagesTest, NoneInShortMemory) {
  preferLargePages(pages + 64, 2 * kPage - 128);
  preferLargePages(pages, kPage - 1);
  preferLargePages(nullptr, 0);
  EXPECT_FALSE(isLarge(pages));
  EXPECT_FALSE(isLarge(pages + kPage));
}

TEST_F(PagesTest, RefusalsLeaveNoTrace) {
  munmap(mapping, 6 * kPage);
  errno = ENOENT;
  preferLargePages(pages, 4 * kPage);
  EXPECT_EQ(errno, ENOENT);
  mapping = nullptr;
}
