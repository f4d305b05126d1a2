//===- GuardPagesTest.cpp - do the guards guard? --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GuardPages.h"
#include "TestSupport.h"

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

TEST(GuardPagesDeathTest, BackEdge) {
  GuardedBuffer buffer(60, 4, Edge::Back);
  volatile char *data = buffer.data();
  data[0] = data[59] = 1;
  EXPECT_TRUE(buffer.isIntact());
  EXPECT_DEATH(data[60] = 1, "");
  data[-1] = 1;
  EXPECT_FALSE(buffer.isIntact());
}

TEST(GuardPagesDeathTest, FrontEdge) {
  GuardedBuffer buffer(5000, 64, Edge::Front);
  volatile char *data = buffer.data();
  data[0] = data[4999] = 1;
  EXPECT_TRUE(buffer.isIntact());
  EXPECT_DEATH(data[-1] = 1, "");
  data[5000] = 1;
  EXPECT_FALSE(buffer.isIntact());
}

TEST(GuardPagesDeathTest, AlignedToWhatIsAsked) {
  for (size_t bytes : {0, 1, 63, 64, 65, 4095, 4096, 4097})
    for (Edge edge : {Edge::Front, Edge::Back}) {
      GuardedBuffer buffer(bytes, MOERT_ALIGNMENT, edge);
      EXPECT_EQ(uintptr_t(buffer.data()) % MOERT_ALIGNMENT, 0u);
      EXPECT_TRUE(buffer.isIntact());
    }
}

TEST(GuardPagesDeathTest, ReadOnlyAndInaccessible) {
  GuardedBuffer buffer(8, 8, Edge::Back);
  volatile char *data = buffer.data();
  data[0] = 3;
  buffer.makeReadOnly();
  EXPECT_EQ(data[0], 3);
  EXPECT_DEATH(data[0] = 1, "");
  buffer.makeInaccessible();
  EXPECT_DEATH((void)data[0], "");
}

//===----------------------------------------------------------------------===//
// An entry that asks for less workspace than it uses: 16 of 16 T bytes
//===----------------------------------------------------------------------===//

/// A copy of the descriptor of `scale` that lies.
MoertEntry greedy(const Function &scale) {
  MoertEntry entry = scale.entry();
  entry.workspace_bytes = [](const int64_t *) -> int64_t { return 16; };
  return entry;
}

/// Arguments of `scale` for `tokens` tokens.
std::vector<TensorView> arguments(int64_t tokens) {
  return {must(allocateTensor(MOERT_F32, {tokens, 4})),
          must(allocateTensor(MOERT_F32, {4}))};
}

TEST(GuardPagesDeathTest, AnHonestEntryPasses) {
  Function scale = compileOne(kEntries, "scale", Stage::Llvm);
  for (Edge edge : {Edge::Front, Edge::Back})
    for (int64_t tokens : {0, 1, 2, 2000})
      EXPECT_EQ(message(callGuarded(scale.entry(), arguments(tokens), edge)),
                "");
}

TEST(GuardPagesDeathTest, ATooSmallWorkspaceIsSeen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // a pool is running
  Function scale = compileOne(kEntries, "scale", Stage::Llvm);
  MoertEntry entry = greedy(scale);
  for (Edge edge : {Edge::Front, Edge::Back}) {
    EXPECT_EQ(message(callGuarded(entry, arguments(1), edge)), "");
    EXPECT_EQ(message(callGuarded(entry, arguments(2), edge)),
              "a buffer of 16 bytes was overrun");
    EXPECT_DEATH((void)callGuarded(entry, arguments(2000), edge), "");
  }
}

#if __has_feature(address_sanitizer)
// Generated code is instrumented, too.
TEST(GuardPagesDeathTest, AddressSanitizerSeesGeneratedCode) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Function scale = compileOne(kEntries, "scale", Stage::Llvm);
  MoertEntry entry = greedy(scale);
  Context context = must(Context::create(1));
  std::vector<TensorView> views = arguments(5);
  views.push_back(must(allocateTensor(MOERT_F32, {5, 4})));
  MoertTensor tensors[] = {asTensor(views[0]), asTensor(views[2])};
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(MOERT_ALIGNMENT, 64), std::free);
  BoundFunction bound = must(scale.bind(asTensor(views[1])));
  EXPECT_DEATH(moert_call(context.get(), &entry, tensors, 2,
                          bound.blob().data(), workspace.get(), 64),
               "heap-buffer-overflow");
}
#endif

} // namespace
