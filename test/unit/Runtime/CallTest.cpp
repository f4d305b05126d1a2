//===- CallTest.cpp - prepare, symbols, workspace and calls ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace moe::test;

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) ||       \
    __has_feature(thread_sanitizer)
// Sizes that cannot be had must come back as null here too.
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char *__tsan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

namespace {
/// A prepared `lookup` of five rows, and what is wrong with a call.
class CallTest : public ::testing::Test {
protected:
  CallTest() { EXPECT_EQ(call.prepareBlob(context), MOERT_OK); }

  /// Calls; returns the status' name and the message, "" for success.
  std::string result() { return describe(call.call(context)); }
  /// Prepares the blob likewise.
  std::string prepareResult() { return describe(call.prepareBlob(context)); }

  std::string describe(MoertStatus status) {
    if (status == MOERT_OK) {
      EXPECT_EQ(context.message(), "");
      return "";
    }
    return std::string(moert_status_name(status)) + "; " + context.message();
  }

  Context context{2};
  LookupCall call;
};
} // namespace

TEST_F(CallTest, ComputesTheResult) {
  EXPECT_EQ(result(), "");
  EXPECT_TRUE(call.isRight());
}

TEST_F(CallTest, EmptyTensorsNeedNoData) {
  LookupCall empty(0);
  ASSERT_EQ(empty.prepareBlob(context), MOERT_OK);
  for (MoertTensor &tensor : empty.tensors)
    tensor.data = nullptr;
  EXPECT_EQ(empty.call(context), MOERT_OK) << context.message();
}

TEST_F(CallTest, BindsSymbols) {
  int64_t symbol = -7;
  for (MoertTensor &tensor : call.tensors)
    tensor.data = nullptr; // not needed
  EXPECT_EQ(moert_bind_symbols(context, &call.entry, call.tensors, 3, &symbol),
            MOERT_OK);
  EXPECT_EQ(symbol, 5);
  EXPECT_EQ(
      describe(
          moert_bind_symbols(context, &call.entry, call.tensors, 3, nullptr)),
      "invalid argument; lookup: the symbols are null, expected room for 1");
}

TEST_F(CallTest, BindsSymbolsOfInputsAlone) {
  int64_t symbol = -7;
  EXPECT_EQ(moert_bind_symbols(context, &call.entry, call.tensors, 2, &symbol),
            MOERT_OK);
  EXPECT_EQ(symbol, 5);
  call.xDims[0] = call.indexDims[0] = 1; // 3 rows: only the result has a T
  call.xShape[0] = call.indexShape[0] = 3;
  EXPECT_EQ(moert_bind_symbols(context, &call.entry, call.tensors, 2, &symbol),
            MOERT_OK);
  EXPECT_EQ(symbol, -1);
}

TEST_F(CallTest, ChecksBlobsFromFiles) {
  uint64_t bytes = moert_packed_bytes(&call.entry);
  auto check = [&](const void *blob, uint64_t size) {
    return describe(moert_check_packed(context, &call.entry, blob, size));
  };
  EXPECT_EQ(check(call.packed.get(), bytes), "");
  EXPECT_EQ(check(nullptr, bytes),
            "invalid argument; lookup: the packed weights are null, expected "
            "those of moert_prepare");
  EXPECT_EQ(check(call.packed.get(), 63),
            "wrong packed weights; lookup: the packed weights are cut off: "
            "expected 112 "
            "bytes, got 63");
  EXPECT_EQ(check(call.packed.get(), bytes - 1),
            "wrong packed weights; lookup: the packed weights are cut off or "
            "too long: "
            "expected 112 bytes, got 111");
  call.entry.packed_hash ^= 1;
  EXPECT_NE(check(call.packed.get(), bytes).find("another entry"),
            std::string::npos);
}

TEST_F(CallTest, WrongCount) {
  EXPECT_EQ(
      describe(moert_call(context, &call.entry, call.tensors, 2,
                          call.packed.get(), nullptr, 0)),
      "invalid argument; lookup: expected 3 tensors (2 inputs, 1 results), "
      "got 2");
  EXPECT_EQ(describe(moert_call(context, &call.entry, nullptr, 3,
                                call.packed.get(), nullptr, 0)),
            "invalid argument; lookup: the tensors are null, expected 3");
  EXPECT_EQ(describe(moert_prepare(context, &call.entry, nullptr, 0,
                                   call.packed.get())),
            "invalid argument; lookup: expected 1 weights, got 0");
}

TEST_F(CallTest, WrongShape) {
  call.xShape[1] = 3;
  EXPECT_EQ(result(), "invalid argument; lookup: argument 'x': expected f32[T, "
                      "4], got f32[5, 3]");
}

TEST_F(CallTest, NegativeSize) {
  call.xShape[0] = -5;
  EXPECT_EQ(result(), "invalid argument; lookup: argument 'x': expected f32[T, "
                      "4], got f32[-5, 4]");
}

TEST_F(CallTest, WrongDType) {
  call.tensors[1].dtype = MOERT_I64;
  EXPECT_EQ(result(), "invalid argument; lookup: argument 'index': expected "
                      "i32[T], got i64[5]");
  call.tensors[1].dtype = 77;
  EXPECT_EQ(result(), "invalid argument; lookup: argument 'index': expected "
                      "i32[T], got unknown dtype 77[5]");
}

TEST_F(CallTest, WrongRank) {
  call.tensors[2].rank = 1;
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y': expected f32[T, 4], "
            "got f32[5]");
  std::vector<int64_t> shape(255, 1);
  call.tensors[2].rank = 255;
  call.tensors[2].shape = shape.data();
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y': expected f32[T, 4], "
            "got f32[1, 1, 1, 1, 1, 1, 1, 1, ...]");
  call.tensors[2].rank = 0;
  call.tensors[2].shape = nullptr;
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y': expected f32[T, 4], "
            "got f32[]");
}

TEST_F(CallTest, NullShape) {
  call.tensors[0].shape = nullptr;
  EXPECT_EQ(result(),
            "invalid argument; lookup: argument 'x': its shape is null, "
            "expected f32[T, 4]");
}

TEST_F(CallTest, DisagreementNamesBothArguments) {
  call.indexShape[0] = 6;
  EXPECT_EQ(result(),
            "invalid argument; lookup: dimension 'T' is 5 in argument "
            "'x' (f32[5, 4]), but 6 in argument 'index' (i32[6])");
  call.indexShape[0] = 5;
  call.yShape[0] = 4;
  EXPECT_EQ(result(),
            "invalid argument; lookup: dimension 'T' is 5 in argument "
            "'x' (f32[5, 4]), but 4 in result 'y' (f32[4, 4])");
}

TEST_F(CallTest, DimensionTooLarge) {
  call.xShape[0] = call.indexShape[0] = call.yShape[0] = 1LL << 40;
  EXPECT_EQ(result(),
            "too large; lookup: a size computed from T = 1099511627776 "
            "does not fit");
  int64_t symbol = 1LL << 40;
  uint64_t bytes = 1;
  EXPECT_EQ(moert_workspace_bytes(context, &call.entry, &symbol, &bytes),
            MOERT_TOO_LARGE);
  call.entry.workspace_bytes = [](const int64_t *) -> int64_t { return 0; };
  call.xShape[0] = call.indexShape[0] = call.yShape[0] = INT64_MAX;
  EXPECT_EQ(result(),
            "too large; lookup: argument 'x': f32[9223372036854775807, "
            "4] has more than 2^63 - 1 bytes");
}

TEST_F(CallTest, HugeButEmpty) {
  call.entry.n_args = 1;
  call.entry.packed_bytes = 0;
  call.entry.workspace_bytes = [](const int64_t *) -> int64_t { return 0; };
  call.entry.run = [](MoertContext *, const void *const *, void *const *,
                      const int64_t *, const void *, void *) { return 0; };
  call.sizes[0] = call.xShape[1] = 0;
  call.xShape[0] = INT64_MAX;
  call.tensors[0].data = nullptr;
  EXPECT_EQ(describe(moert_call(context, &call.entry, call.tensors, 1, nullptr,
                                nullptr, 0)),
            "");
}

TEST_F(CallTest, NullData) {
  call.tensors[2].data = nullptr;
  EXPECT_EQ(result(), "invalid argument; lookup: result 'y': its data is null, "
                      "expected f32[5, 4]");
}

TEST_F(CallTest, MisalignedData) {
  call.tensors[0].data = reinterpret_cast<char *>(call.x.data()) + 2;
  std::string message = result();
  EXPECT_EQ(
      message.find("invalid argument; lookup: argument 'x': its data at 0x"),
      0u);
  EXPECT_NE(message.find("is not aligned to 4 bytes"), std::string::npos);
}

TEST_F(CallTest, Overlaps) {
  std::vector<float> room(100);
  call.tensors[0].data = room.data();
  call.tensors[2].data = room.data() + 20; // back to back is fine
  EXPECT_EQ(result(), "");
  call.tensors[2].data = room.data() + 19;
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y' overlaps argument 'x' "
            "in memory");
  call.tensors[0].data = room.data() + 38;
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y' overlaps argument 'x' "
            "in memory");
  call.tensors[0].data = call.x.data();
  call.tensors[2].data = call.packed.get() + 64;
  EXPECT_EQ(result(),
            "invalid argument; lookup: result 'y' overlaps the blob of "
            "packed weights in memory");
}

TEST_F(CallTest, ResultsOverlapEachOther) {
  MoertArg args[2] = {{"a", MOERT_OUTPUT, MOERT_I32, 0, 0, nullptr},
                      {"b", MOERT_OUTPUT, MOERT_I32, 0, 0, nullptr}};
  MoertEntry entry = call.entry;
  entry.args = args;
  entry.n_args = 2;
  entry.n_symbols = 0;
  entry.packed_bytes = 0;
  entry.workspace_bytes = [](const int64_t *) -> int64_t { return 0; };
  entry.run = [](MoertContext *, const void *const *, void *const *outputs,
                 const int64_t *, const void *packed, void *) -> int32_t {
    *static_cast<int32_t *>(outputs[0]) = packed ? -1 : 1;
    *static_cast<int32_t *>(outputs[1]) = 2;
    return MOERT_OK;
  };
  int32_t values[2] = {};
  MoertTensor results[2] = {{&values[0], nullptr, MOERT_I32, 0, {}},
                            {&values[0], nullptr, MOERT_I32, 0, {}}};
  EXPECT_EQ(
      describe(moert_call(context, &entry, results, 2, nullptr, nullptr, 0)),
      "invalid argument; lookup: result 'b' overlaps result 'a' in memory");
  results[1].data = &values[1];
  EXPECT_EQ(
      describe(moert_call(context, &entry, results, 2, nullptr, nullptr, 0)),
      "");
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 2);
}

TEST_F(CallTest, Workspace) {
  int64_t symbol = 5;
  uint64_t bytes = 0;
  ASSERT_EQ(moert_workspace_bytes(context, &call.entry, &symbol, &bytes),
            MOERT_OK);
  EXPECT_EQ(bytes, 80u);
  AlignedMemory workspace = alignedMemory(128 + 64);
  auto callWith = [&](void *data, uint64_t size) {
    return describe(moert_call(context, &call.entry, call.tensors, 3,
                               call.packed.get(), data, size));
  };
  EXPECT_EQ(callWith(workspace.get(), 80), "");
  EXPECT_TRUE(call.isRight());
  EXPECT_EQ(callWith(workspace.get(), 79),
            "invalid argument; lookup: the workspace is too small: expected at "
            "least 80 bytes, got 79");
  EXPECT_NE(
      callWith(workspace.get() + 32, 96).find("is not aligned to 64 bytes"),
      std::string::npos);
  call.tensors[2].data = workspace.get() + 16;
  EXPECT_EQ(callWith(workspace.get(), 80),
            "invalid argument; lookup: result 'y' "
            "overlaps the workspace in memory");
  call.tensors[2].data = call.y.data();
  call.tensors[0].data = workspace.get();
  EXPECT_EQ(callWith(workspace.get(), 80),
            "invalid argument; lookup: argument "
            "'x' overlaps the workspace in memory");
  EXPECT_NE(
      callWith(call.packed.get(), 80).find("the workspace overlaps the blob"),
      std::string::npos);
}

TEST_F(CallTest, WorkspaceBytesChecksItsArguments) {
  int64_t symbol = -1;
  uint64_t bytes = 0;
  EXPECT_EQ(
      describe(moert_workspace_bytes(context, &call.entry, &symbol, &bytes)),
      "invalid argument; lookup: dimension 'T': expected at least 0, got -1");
  EXPECT_EQ(
      describe(moert_workspace_bytes(context, &call.entry, nullptr, &bytes)),
      "invalid argument; lookup: the symbols are null");
  EXPECT_EQ(
      describe(moert_workspace_bytes(context, &call.entry, &symbol, nullptr)),
      "invalid argument; lookup: the result pointer is null");
}

TEST_F(CallTest, OwnWorkspaceGrowsAndIsAligned) {
  static std::vector<void *> seen;
  seen.clear();
  call.entry.run = [](MoertContext *, const void *const *, void *const *,
                      const int64_t *symbols, const void *, void *workspace) {
    memset(workspace, 1, size_t(symbols[0]) * 16);
    seen.push_back(workspace);
    return 0;
  };
  for (int64_t rows : {5, 3, 5000, 100}) {
    LookupCall other(rows);
    ASSERT_EQ(other.prepareBlob(context), MOERT_OK);
    ASSERT_EQ(moert_call(context, &call.entry, other.tensors, 3,
                         other.packed.get(), nullptr, 0),
              MOERT_OK);
    EXPECT_EQ(uintptr_t(seen.back()) % MOERT_ALIGNMENT, 0u);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[2], seen[3]);
}

TEST_F(CallTest, NoMemoryForTheWorkspace) {
  call.entry.workspace_bytes = [](const int64_t *) -> int64_t {
    return INT64_MAX;
  };
  EXPECT_EQ(result(), "out of memory; lookup: no memory for a workspace of "
                      "9223372036854775807 bytes");
  call.entry.workspace_bytes = [](const int64_t *) -> int64_t {
    return 1LL << 60;
  };
  EXPECT_EQ(result(), "out of memory; lookup: no memory for a workspace of "
                      "1152921504606846976 bytes");
  call.entry.workspace_bytes = LookupEntry::workspaceBytes;
  EXPECT_EQ(result(), ""); // and on as before
}

TEST_F(CallTest, PrepareChecksItsArguments) {
  call.wShape[0] = 2;
  EXPECT_EQ(prepareResult(), "invalid argument; lookup: argument 'w': expected "
                             "f32[3, 4], got f32[2, 4]");
  call.wShape[0] = 3;
  call.weight.data = nullptr;
  EXPECT_EQ(prepareResult(),
            "invalid argument; lookup: argument 'w': its data is "
            "null, expected f32[3, 4]");
  call.weight.data = call.packed.get() + 32;
  EXPECT_EQ(prepareResult(),
            "invalid argument; lookup: the blob of packed weights "
            "overlaps argument 'w' in memory");
  call.weight.data = call.w.data();
  EXPECT_EQ(
      describe(moert_prepare(context, &call.entry, &call.weight, 1, nullptr)),
      "invalid argument; lookup: the packed weights are null, expected 112 "
      "bytes");
  EXPECT_NE(describe(moert_prepare(context, &call.entry, &call.weight, 1,
                                   call.packed.get() + 8))
                .find("are not aligned to 64 bytes"),
            std::string::npos);
}

TEST_F(CallTest, WeightsMayGoAndBlobsMayMove) {
  std::vector<float> kept = call.w;
  std::fill(call.w.begin(), call.w.end(), 0);
  AlignedMemory copy = alignedMemory(112);
  memcpy(copy.get(), call.packed.get(), 112);
  memset(call.packed.get(), 0, 112);
  EXPECT_EQ(describe(moert_call(context, &call.entry, call.tensors, 3,
                                copy.get(), nullptr, 0)),
            "");
  call.w = kept;
  EXPECT_TRUE(call.isRight());
}

TEST_F(CallTest, NullOrMisalignedBlob) {
  EXPECT_EQ(
      describe(moert_call(context, &call.entry, call.tensors, 3, nullptr,
                          nullptr, 0)),
      "invalid argument; lookup: the packed weights are null, expected those "
      "of moert_prepare");
  EXPECT_NE(describe(moert_call(context, &call.entry, call.tensors, 3,
                                call.packed.get() + 4, nullptr, 0))
                .find("are not aligned to 64 bytes"),
            std::string::npos);
}

TEST_F(CallTest, EveryDamagedHeaderByteIsNoticed) {
  for (int byte = 0; byte < 64; ++byte) {
    call.packed.get()[byte] ^= 0x10;
    EXPECT_EQ(call.call(context), MOERT_WRONG_BLOB) << byte;
    EXPECT_NE(context.message().find(byte < 8 ? "magic" : "checksum"),
              std::string::npos)
        << context.message();
    call.packed.get()[byte] ^= 0x10;
  }
  EXPECT_EQ(result(), "");
}

TEST_F(CallTest, ForeignBlob) {
  call.entry.packed_hash = 0x99;
  EXPECT_EQ(
      result(),
      "wrong packed weights; lookup: the packed weights were prepared for "
      "another entry or target: expected layout 0000000000000099, got "
      "0000000000001234");
  call.entry.packed_hash = 0x1234;
  call.entry.packed_bytes = 52;
  EXPECT_EQ(
      result(),
      "wrong packed weights; lookup: the packed weights were prepared for "
      "another entry or target: expected 52 bytes, got 48");
}

TEST_F(CallTest, FailedPrepareLeavesNoUsableBlob) {
  call.entry.prepare = [](MoertContext *context, const void *const *, void *) {
    moert_fail(context, MOERT_OUT_OF_MEMORY, "packing", 3, 2);
    return 0;
  };
  EXPECT_EQ(prepareResult(), "out of memory; lookup: packing: got 3, limit 2");
  call.entry.prepare = LookupEntry::prepare;
  EXPECT_EQ(
      result(),
      "wrong packed weights; lookup: the packed weights do not come from a "
      "moert_prepare that succeeded (no magic number at their start)");
}

TEST_F(CallTest, EntryWithoutWeightsNeedsNoBlob) {
  call.entry.n_args = 1;
  call.entry.packed_bytes = 0;
  call.entry.prepare = nullptr;
  call.entry.run = [](MoertContext *, const void *const *, void *const *,
                      const int64_t *, const void *, void *) { return 0; };
  EXPECT_EQ(describe(moert_call(context, &call.entry, call.tensors, 1, nullptr,
                                nullptr, 0)),
            "");
  // Constants that prepare computes need one.
  call.entry.packed_bytes = 8;
  call.entry.prepare = LookupEntry::prepare;
  EXPECT_EQ(
      moert_call(context, &call.entry, call.tensors, 1, nullptr, nullptr, 0),
      MOERT_INVALID_ARGUMENT);
}

TEST_F(CallTest, RunTimeErrorAndRecovery) {
  call.index[3] = 3;
  EXPECT_EQ(result(),
            "index out of range; lookup: index: element 3 is 3, expected "
            "0 <= index < 3");
  call.index[3] = 2;
  EXPECT_EQ(result(), "");
  EXPECT_TRUE(call.isRight());
}

TEST_F(CallTest, StatusWithoutMessage) {
  call.entry.run = [](MoertContext *, const void *const *, void *const *,
                      const int64_t *, const void *,
                      void *) { return int32_t(MOERT_TOO_LARGE); };
  EXPECT_EQ(result(), "too large; lookup: run returned status 7 (too large) "
                      "without a message");
  call.entry.run = [](MoertContext *, const void *const *, void *const *,
                      const int64_t *, const void *, void *) { return -3; };
  EXPECT_EQ(
      result(),
      "internal error; lookup: run returned status -3 (?) without a message");
}

TEST_F(CallTest, RunThatForgetsToLeave) {
  call.entry.run = [](MoertContext *context, const void *const *, void *const *,
                      const int64_t *, const void *, void *) {
    moert_enter(context);
    moert_fail(context, MOERT_INTERNAL, "broken", 1, 0);
    return 0;
  };
  EXPECT_EQ(result(), "internal error; lookup: broken: got 1, limit 0");
  call.entry.run = LookupEntry::run;
  EXPECT_EQ(result(), "");
}
