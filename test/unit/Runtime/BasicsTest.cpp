//===- BasicsTest.cpp - contexts, names, index checks ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <climits>
#include <sched.h>
#include <set>

using namespace moe::test;

extern "C" int createContextFromC(uint32_t threads);

TEST(ContextTest, HeaderCompilesAsC) { EXPECT_EQ(createContextFromC(3), 3); }

TEST(ContextTest, DefaultThreadsAreThoseOfTheAffinityMask) {
  cpu_set_t old, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof old, &old), 0);
  MoertContext *context;
  ASSERT_EQ(moert_context_create(nullptr, &context), MOERT_OK);
  EXPECT_GE(moert_threads(context), 1u);
  EXPECT_LE(moert_threads(context), unsigned(CPU_COUNT(&old)));
  EXPECT_STREQ(moert_message(context), "");
  moert_context_destroy(context);

  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(moert_threads(Context(0)), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof old, &old), 0);
}

TEST(ContextTest, ThreadsAreCapped) {
  EXPECT_EQ(moert_threads(Context(5)), 5u);
  EXPECT_EQ(moert_threads(Context(UINT32_MAX)), MOERT_MAX_THREADS);
}

TEST(ContextTest, RefusesOptionsOfAnotherSize) {
  MoertContextOptions options{};
  options.size = sizeof options - 8;
  MoertContext *context = reinterpret_cast<MoertContext *>(8);
  EXPECT_EQ(moert_context_create(&options, &context), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(moert_context_create(&options, nullptr), MOERT_INVALID_ARGUMENT);
}

TEST(ContextTest, NullContextIsAnErrorEverywhere) {
  LookupCall call;
  int64_t symbol = 0;
  uint64_t bytes = 0;
  moert_context_destroy(nullptr);
  EXPECT_STREQ(moert_message(nullptr), "the context is null");
  EXPECT_EQ(moert_threads(nullptr), 0u);
  EXPECT_EQ(moert_check_entry(nullptr, &call.entry), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(call.prepareBlob(nullptr), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(call.call(nullptr), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(moert_bind_symbols(nullptr, &call.entry, call.tensors, 3, &symbol),
            MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(moert_workspace_bytes(nullptr, &call.entry, &symbol, &bytes),
            MOERT_INVALID_ARGUMENT);
  moert_enter(nullptr);
  EXPECT_EQ(moert_leave(nullptr), MOERT_INVALID_ARGUMENT);
  moert_fail(nullptr, MOERT_INTERNAL, "nothing", 0, 0);
  int32_t bad = 7;
  moert_check_indices(nullptr, &bad, 1, 0, 3, "nothing");
  moert_check_offsets(nullptr, &bad, 1, 3, "nothing");
}

TEST(NamesTest, StatusesHaveNames) {
  std::set<std::string> names;
  for (int status = MOERT_OK; status <= MOERT_INTERNAL; ++status)
    names.insert(moert_status_name(status));
  EXPECT_EQ(names.size(), size_t(MOERT_INTERNAL + 1));
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_STREQ(moert_status_name(99), "?");
}

TEST(NamesTest, DTypesHaveNamesAndSizes) {
  const struct {
    MoertDType dtype;
    const char *name;
    size_t bytes;
  } kExpected[] = {{MOERT_F64, "f64", 8},      {MOERT_F32, "f32", 4},
                   {MOERT_F16, "f16", 2},      {MOERT_BF16, "bf16", 2},
                   {MOERT_I64, "i64", 8},      {MOERT_I32, "i32", 4},
                   {MOERT_I16, "i16", 2},      {MOERT_I8, "i8", 1},
                   {MOERT_U8, "u8", 1},        {MOERT_I1, "i1", 1},
                   {MOERT_F8E8M0, "f8E8M0", 1}};
  for (const auto &[dtype, name, bytes] : kExpected) {
    EXPECT_STREQ(moert_dtype_name(dtype), name);
    EXPECT_EQ(moert_dtype_bytes(dtype), bytes) << name;
  }
  EXPECT_STREQ(moert_dtype_name(0), "?");
  EXPECT_EQ(moert_dtype_bytes(0), 0u);
  EXPECT_EQ(moert_abi_version(), MOERT_ABI_VERSION);
}

TEST(CpuTest, FeaturesAreThoseThatTheCompilerFinds) {
  uint64_t features = moert_cpu_features();
#if defined(__x86_64__)
  __builtin_cpu_init();
  auto has = [&](uint64_t bit) { return (features & bit) != 0; };
  EXPECT_EQ(has(MOERT_CPU_AVX2), !!__builtin_cpu_supports("avx2"));
  EXPECT_EQ(has(MOERT_CPU_FMA), !!__builtin_cpu_supports("fma"));
  EXPECT_EQ(has(MOERT_CPU_F16C), !!__builtin_cpu_supports("f16c"));
  EXPECT_EQ(has(MOERT_CPU_BMI2), !!__builtin_cpu_supports("bmi2"));
  EXPECT_EQ(has(MOERT_CPU_AVX512F), !!__builtin_cpu_supports("avx512f"));
  EXPECT_EQ(has(MOERT_CPU_AVX512BW), !!__builtin_cpu_supports("avx512bw"));
  EXPECT_EQ(has(MOERT_CPU_AVX512VL), !!__builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(has(MOERT_CPU_AVX512DQ), !!__builtin_cpu_supports("avx512dq"));
  EXPECT_EQ(has(MOERT_CPU_AVX512CD), !!__builtin_cpu_supports("avx512cd"));
  EXPECT_EQ(has(MOERT_CPU_AVX512BF16), !!__builtin_cpu_supports("avx512bf16"));
  EXPECT_EQ(has(MOERT_CPU_AVX512VNNI), !!__builtin_cpu_supports("avx512vnni"));
  EXPECT_EQ(has(MOERT_CPU_AVX512FP16), !!__builtin_cpu_supports("avx512fp16"));
#else
  EXPECT_EQ(features, 0u);
#endif
  EXPECT_EQ(moert_cpu_features(), features);
}

namespace {
/// One run that does `work`; returns its status.
int32_t runOf(MoertContext *context, std::function<void()> work) {
  moert_enter(context);
  work();
  return moert_leave(context);
}
} // namespace

TEST(FailTest, FirstOfARunWins) {
  Context context;
  EXPECT_EQ(runOf(context,
                  [&] {
                    moert_fail(context, MOERT_TOO_LARGE, "group: T*K",
                               1LL << 40, INT32_MAX);
                    moert_fail(context, MOERT_INTERNAL, "later", 1, 2);
                  }),
            MOERT_TOO_LARGE);
  EXPECT_EQ(context.message(),
            "group: T*K: got 1099511627776, limit 2147483647");
  EXPECT_EQ(runOf(context, [] {}), MOERT_OK);
  EXPECT_EQ(context.message(), "");
}

TEST(FailTest, UnknownStatusIsInternal) {
  Context context;
  for (int32_t status : {0, -1, 99})
    EXPECT_EQ(
        runOf(context, [&] { moert_fail(context, status, nullptr, 1, 2); }),
        MOERT_INTERNAL);
  EXPECT_EQ(context.message(), "internal error: got 1, limit 2");
}

TEST(FailTest, LongMessagesAreCut) {
  Context context;
  std::string what(5000, 'w');
  runOf(context,
        [&] { moert_fail(context, MOERT_INTERNAL, what.c_str(), 1, 2); });
  EXPECT_LT(context.message().size(), 2000u);
  EXPECT_EQ(context.message().substr(context.message().size() - 4), "w...");
}

TEST(FailTest, OneOfManyThreadsWins) {
  Context context(4);
  EXPECT_EQ(runOf(context,
                  [&] {
                    parallelFor(context, 1000, [&](int64_t i) {
                      moert_fail(context, MOERT_TOO_LARGE, "task", i, i);
                    });
                  }),
            MOERT_TOO_LARGE);
  long long got, limit;
  ASSERT_EQ(sscanf(moert_message(context), "task: got %lld, limit %lld", &got,
                   &limit),
            2);
  EXPECT_EQ(got, limit);
}

TEST(CheckIndicesTest, AcceptsTheRange) {
  Context context;
  std::vector<int32_t> values(3000, 5);
  values[1] = -1;
  values[2999] = 7;
  EXPECT_EQ(runOf(context,
                  [&] {
                    moert_check_indices(context, values.data(), 3000, -1, 8,
                                        "i");
                    moert_check_indices(context, nullptr, 0, 0, 0, "none");
                  }),
            MOERT_OK);
}

TEST(CheckIndicesTest, NamesTheFirstOffender) {
  Context context;
  for (int64_t at : {0, 1, 1023, 1024, 2500}) {
    std::vector<int32_t> values(2501, 5);
    values[at] = values[2500] = 8;
    EXPECT_EQ(runOf(context,
                    [&] {
                      moert_check_indices(context, values.data(), 2501, -1, 8,
                                          "group: indices");
                    }),
              MOERT_INDEX_OUT_OF_RANGE);
    EXPECT_EQ(context.message(), "group: indices: element " +
                                     std::to_string(at) +
                                     " is 8, expected -1 <= index < 8");
  }
  int32_t low = INT_MIN;
  EXPECT_EQ(
      runOf(context, [&] { moert_check_indices(context, &low, 1, 0, 8, "i"); }),
      MOERT_INDEX_OUT_OF_RANGE);
  EXPECT_EQ(context.message(),
            "i: element 0 is -2147483648, expected 0 <= index < 8");
}

TEST(CheckOffsetsTest, Checks) {
  Context context;
  auto check = [&](std::vector<int32_t> values, int64_t rows) {
    runOf(context, [&] {
      moert_check_offsets(context, values.data(), int64_t(values.size()), rows,
                          "offsets");
    });
    return context.message();
  };
  EXPECT_EQ(check({}, 3), "");
  EXPECT_EQ(check({0}, 0), "");
  EXPECT_EQ(check({0, 0, 2, 2, 5}, 5), "");
  EXPECT_EQ(check({1, 2}, 5), "offsets: element 0 is 1, expected 0");
  EXPECT_EQ(check({0, 3, 2, 5}, 5),
            "offsets: element 2 is 2, expected at least 3, the one before");
  EXPECT_EQ(check({0, 3, 6}, 5),
            "offsets: element 2 is 6, expected at most 5, the number of rows");
}
