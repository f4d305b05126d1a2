//===- EntryTest.cpp - refusal of foreign and malformed entries -----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace moe::test;

namespace {
class EntryTest : public ::testing::Test {
protected:
  /// Checks the entry after `change`; returns the status' name and the message.
  std::string check(std::function<void(LookupEntry &)> change) {
    LookupEntry lookup;
    change(lookup);
    Context context;
    MoertStatus status = moert_check_entry(context, &lookup.entry);
    // A call refuses just as well, and before it looks at anything else.
    EXPECT_EQ(moert_call(context, &lookup.entry, nullptr, 99, nullptr, nullptr,
                         0) == status,
              status != MOERT_OK);
    if (status == MOERT_OK)
      return "";
    return std::string(moert_status_name(status)) + "; " + context.message();
  }
};
} // namespace

TEST_F(EntryTest, AcceptsAWellFormedOne) {
  EXPECT_EQ(check([](LookupEntry &) {}), "");
}

TEST_F(EntryTest, Null) {
  Context context;
  EXPECT_EQ(moert_check_entry(context, nullptr), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(context.message(), "the entry is null");
}

TEST_F(EntryTest, AnotherVersion) {
  EXPECT_EQ(check([](LookupEntry &e) {
              e.entry.abi = 7;
              e.entry.name = reinterpret_cast<const char *>(1); // not looked at
            }),
            "wrong ABI; the entry is of ABI version 7, expected 1");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.size = 96; }),
            "wrong ABI; the entry's descriptor has 96 bytes, expected 104");
}

TEST_F(EntryTest, AnotherCpu) {
  EXPECT_EQ(
      check([](LookupEntry &e) { e.entry.cpu_features = 5ull << 60; }),
      "wrong CPU; lookup: compiled for 'test', needs CPU features that this "
      "machine lacks: unknown 0x5000000000000000");
  uint64_t lacking = MOERT_CPU_AVX512FP16 & ~moert_cpu_features();
  if (lacking) {
    EXPECT_NE(check([&](LookupEntry &e) {
                e.entry.cpu_features = lacking | 1ull << 60;
              }).find("avx512fp16, unknown 0x1000000000000000"),
              std::string::npos);
  }
  EXPECT_EQ(check([](LookupEntry &e) {
              e.entry.cpu_features = moert_cpu_features();
            }),
            "");
}

TEST_F(EntryTest, MalformedDescriptor) {
  const std::string prefix =
      "invalid argument; lookup: the entry's descriptor is malformed: ";
  EXPECT_EQ(
      check([](LookupEntry &e) { e.entry.name = nullptr; }),
      "invalid argument; the entry's descriptor is malformed: its name is "
      "null");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.args = nullptr; }),
            prefix + "its args are null");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.symbols = nullptr; }),
            prefix + "its symbols are null");
  EXPECT_EQ(check([](LookupEntry &e) { e.symbols[0] = nullptr; }),
            prefix + "the name of a symbol is null");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.run = nullptr; }),
            prefix + "a function is null");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.workspace_bytes = nullptr; }),
            prefix + "a function is null");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.prepare = nullptr; }),
            prefix + "it has weights but no function prepare");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.packed_bytes = 1ull << 63; }),
            prefix + "its packed bytes are above 2^63");
  EXPECT_EQ(check([](LookupEntry &e) { std::swap(e.args[2], e.args[3]); }),
            prefix + "an argument follows a result");
}

TEST_F(EntryTest, MalformedArgument) {
  const std::string prefix =
      "invalid argument; lookup: the entry's descriptor is "
      "malformed: argument ";
  EXPECT_EQ(check([](LookupEntry &e) { e.args[2].name = nullptr; }),
            prefix + "2: its name is null");
  EXPECT_EQ(check([](LookupEntry &e) { e.args[3].role = 3; }),
            prefix + "3: its role is unknown");
  EXPECT_EQ(check([](LookupEntry &e) { e.args[0].dtype = 0; }),
            prefix + "0: its dtype is unknown");
  EXPECT_EQ(check([](LookupEntry &e) { e.args[0].rank = 9; }),
            prefix + "0: its rank is above MOERT_MAX_RANK");
  EXPECT_EQ(check([](LookupEntry &e) { e.args[0].dims = nullptr; }),
            prefix + "0: its dims are null");
  EXPECT_EQ(check([](LookupEntry &e) { e.xDims[0] = ~1; }),
            prefix + "0: it uses a symbol number out of range");
  EXPECT_EQ(check([](LookupEntry &e) { e.wDims[0] = ~0; }),
            prefix + "1: it is a weight with a named dimension");
  EXPECT_EQ(check([](LookupEntry &e) { e.entry.sizes = nullptr; }),
            prefix + "0: it uses sizes, which are null");
  EXPECT_EQ(check([](LookupEntry &e) { e.sizes[0] = -4; }),
            prefix + "0: it has a negative size");
}

TEST_F(EntryTest, SymbolThatNothingHas) {
  LookupCall call;
  const char *symbols[2] = {"T", "U"};
  call.entry.symbols = symbols;
  call.entry.n_symbols = 2;
  Context context;
  int64_t values[2];
  EXPECT_EQ(moert_bind_symbols(context, &call.entry, call.tensors, 3, values),
            MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(context.message(),
            "lookup: the entry's descriptor is malformed: no "
            "input or result has dimension 'U'");
}

TEST_F(EntryTest, PackedBytes) {
  LookupEntry lookup;
  EXPECT_EQ(moert_packed_bytes(&lookup.entry), 64u + 48u);
  lookup.entry.packed_bytes = 0;
  EXPECT_EQ(moert_packed_bytes(&lookup.entry), 64u);
  lookup.entry.packed_bytes = UINT64_MAX - 8;
  EXPECT_EQ(moert_packed_bytes(&lookup.entry), UINT64_MAX);
  EXPECT_EQ(moert_packed_bytes(nullptr), 0u);
}
