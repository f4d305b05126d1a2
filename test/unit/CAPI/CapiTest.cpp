//===- CapiTest.cpp - the C API -------------------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InC.h"
#include "moe-c/moe.h"

#include <gtest/gtest.h>

namespace {

struct Case {
  const char *name;
  const char *(*run)();
};
void PrintTo(const Case &c, std::ostream *stream) { *stream << c.name; }

class CapiTest : public testing::TestWithParam<Case> {};

// What a C program sees, and that it leaves no handle behind.
TEST_P(CapiTest, InC) {
  uint64_t before = moe_live_handles();
  const char *problem = GetParam().run();
  EXPECT_EQ(problem, nullptr) << problem;
  EXPECT_EQ(moe_live_handles(), before);
}

#define IN_C(name)                                                             \
  Case { #name, test##name }
INSTANTIATE_TEST_SUITE_P(
    Capi, CapiTest,
    testing::Values(IN_C(Versions), IN_C(WholeWay),
                    IN_C(OwnWorkspaceAndContext), IN_C(Blob), IN_C(Emit),
                    IN_C(Diagnostics), IN_C(NullHandles),
                    IN_C(DestroyedHandles), IN_C(WrongHandles),
                    IN_C(AnyOrderOfDestruction), IN_C(StructSizes),
                    IN_C(BadArguments)),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
