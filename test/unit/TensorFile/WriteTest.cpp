//===- WriteTest.cpp - files appear whole or not at all -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

class Write : public FolderTest {};

TEST_F(Write, FullDiskLeavesTheOldFile) {
  put("a.npy", "old");
  // A limit on the size of files fails like a full disk.
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto oldHandler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  TensorView tensor = must(allocateTensor(MOERT_F32, {100000}));
  std::string npy = messageOf(writeNpy(path("a.npy"), tensor));
  std::string other =
      messageOf(writeSafetensors(path("b.safetensors"), {{"a", tensor}}));
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, oldHandler);
  expectMessage(npy, path("a.npy"), "cannot write: File too large");
  expectMessage(other, path("b.safetensors"), "cannot write: File too large");
  EXPECT_EQ(contents("a.npy"), "old");
  EXPECT_EQ(countFiles(), 1);
}

TEST_F(Write, ReplacesOnlyRegularFiles) {
  TensorView tensor = makeTensor(MOERT_F32, {1}, {1});
  expectMessage(messageOf(writeNpy(std::string(folder), tensor)), folder,
                "got a folder");
  // Neither a device nor a pipe may vanish under a rename.
  std::string pipe = path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expectMessage(messageOf(writeNpy(pipe, tensor)), pipe, "got a special file");
  expectMessage(messageOf(readNpy(pipe)), pipe, "got a special file");
  EXPECT_EQ(countFiles(), 1);
  put("a.npy", "old");
  ASSERT_EQ(messageOf(writeNpy(path("a.npy"), tensor)), "");
  expectSame(must(readNpy(path("a.npy"))), tensor);
  EXPECT_EQ(countFiles(), 2);
}

TEST_F(Write, NeedsItsFolder) {
  TensorView tensor = makeTensor(MOERT_F32, {1}, {1});
  expectMessage(messageOf(writeNpy(path("no/a.npy"), tensor)), path("no/a.npy"),
                "cannot write: No such file or directory");
  EXPECT_NE(messageOf(writeNpy("", tensor)), "");
}

} // namespace
