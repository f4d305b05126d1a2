//===- TestSupport.h - a small entry and its tensors ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A hand-made entry in the form that the compiler emits:
//
//   lookup(x : f32[T, 4], w : f32[3, 4] weight, index : i32[T]) -> y : f32[T,
//   4] y[t] = x[t] + w[index[t]]
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_RUNTIME_TESTSUPPORT_H
#define MOE_TEST_UNIT_RUNTIME_TESTSUPPORT_H

#include "moert/moert.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moe::test {

/// A context that ends with its scope.
class Context {
public:
  explicit Context(uint32_t threads = 1, MoertParallelFor parallelFor = nullptr,
                   void *user = nullptr) {
    MoertContextOptions options{sizeof options, threads, parallelFor, user,
                                nullptr};
    EXPECT_EQ(moert_context_create(&options, &context), MOERT_OK);
  }
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;
  ~Context() { moert_context_destroy(context); }

  operator MoertContext *() const { return context; }
  /// Returns the message of the last call.
  std::string message() const { return moert_message(context); }

private:
  MoertContext *context = nullptr;
};

/// Runs task(i) for i in [0, n) on the context's threads.
inline void parallelFor(MoertContext *context, int64_t n,
                        std::function<void(int64_t)> task) {
  moert_parallel_for(
      context, n,
      [](void *args, int64_t i) {
        (*static_cast<std::function<void(int64_t)> *>(args))(i);
      },
      &task);
}

/// Memory aligned as blobs and workspaces must be.
struct AlignedDelete {
  void operator()(char *data) const { free(data); }
};
using AlignedMemory = std::unique_ptr<char, AlignedDelete>;
inline AlignedMemory alignedMemory(size_t bytes) {
  bytes = (bytes + MOERT_ALIGNMENT) / MOERT_ALIGNMENT * MOERT_ALIGNMENT;
  auto *data = static_cast<char *>(aligned_alloc(MOERT_ALIGNMENT, bytes));
  memset(data, 0, bytes);
  return AlignedMemory(data);
}

/// The descriptor of `lookup`; tests change it to their needs.
struct LookupEntry {
  static constexpr int64_t kWidth = 4, kRows = 3;

  int32_t xDims[2] = {~0, 0}, wDims[2] = {1, 0}, indexDims[1] = {~0},
          yDims[2] = {~0, 0};
  int64_t sizes[2] = {kWidth, kRows};
  const char *symbols[1] = {"T"};
  MoertArg args[4] = {{"x", MOERT_INPUT, MOERT_F32, 2, 0, xDims},
                      {"w", MOERT_WEIGHT, MOERT_F32, 2, 0, wDims},
                      {"index", MOERT_INPUT, MOERT_I32, 1, 0, indexDims},
                      {"y", MOERT_OUTPUT, MOERT_F32, 2, 0, yDims}};
  MoertEntry entry{};

  LookupEntry() {
    entry.abi = MOERT_ABI_VERSION;
    entry.size = sizeof(MoertEntry);
    entry.name = "lookup";
    entry.target = "test";
    entry.n_args = 4;
    entry.n_symbols = 1;
    entry.args = args;
    entry.sizes = sizes;
    entry.symbols = symbols;
    entry.packed_bytes = sizeof(float) * kRows * kWidth;
    entry.packed_hash = 0x1234;
    entry.prepare = prepare;
    entry.workspace_bytes = workspaceBytes;
    entry.run = run;
  }
  LookupEntry(const LookupEntry &) = delete;

  static int32_t prepare(MoertContext *, const void *const *weights,
                         void *packed) {
    memcpy(packed, weights[0], sizeof(float) * kRows * kWidth);
    return MOERT_OK;
  }

  /// A copy of the rows.
  static int64_t workspaceBytes(const int64_t *symbols) {
    int64_t bytes;
    if (symbols[0] > INT32_MAX ||
        __builtin_mul_overflow(symbols[0], sizeof(float) * kWidth, &bytes))
      return -1;
    return bytes;
  }

  static int32_t run(MoertContext *context, const void *const *inputs,
                     void *const *outputs, const int64_t *symbols,
                     const void *packed, void *workspace) {
    moert_enter(context);
    auto *x = static_cast<const float *>(inputs[0]);
    auto *index = static_cast<const int32_t *>(inputs[1]);
    auto *w = static_cast<const float *>(packed);
    auto *rows = static_cast<float *>(workspace);
    auto *y = static_cast<float *>(outputs[0]);
    int64_t n = symbols[0];
    moert_check_indices(context, index, n, 0, kRows, "index");
    parallelFor(context, n, [&](int64_t t) {
      int64_t row = index[t] < 0 || index[t] >= kRows ? 0 : index[t];
      for (int64_t i = 0; i < kWidth; ++i)
        rows[t * kWidth + i] = w[row * kWidth + i];
    });
    parallelFor(context, n, [&](int64_t t) {
      for (int64_t i = t * kWidth; i < (t + 1) * kWidth; ++i)
        y[i] = x[i] + rows[i];
    });
    return moert_leave(context);
  }
};

/// `lookup` with tensors of T rows and a prepared blob.
struct LookupCall : LookupEntry {
  std::vector<float> w, x, y;
  std::vector<int32_t> index;
  int64_t wShape[2] = {kRows, kWidth}, xShape[2], indexShape[1], yShape[2];
  MoertTensor weight, tensors[3];
  AlignedMemory packed = alignedMemory(moert_packed_bytes(&entry));

  explicit LookupCall(int64_t rows = 5)
      : w(kRows * kWidth), x(rows * kWidth), y(rows * kWidth, -1), index(rows),
        xShape{rows, kWidth}, indexShape{rows}, yShape{rows, kWidth} {
    for (size_t i = 0; i < w.size(); ++i)
      w[i] = 100 * float(i);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(i);
    for (size_t i = 0; i < index.size(); ++i)
      index[i] = int32_t(i * 7 % kRows);
    weight = {w.data(), wShape, MOERT_F32, 2, {}};
    tensors[0] = {x.data(), xShape, MOERT_F32, 2, {}};
    tensors[1] = {index.data(), indexShape, MOERT_I32, 1, {}};
    tensors[2] = {y.data(), yShape, MOERT_F32, 2, {}};
  }

  MoertStatus prepareBlob(MoertContext *context) {
    return moert_prepare(context, &entry, &weight, 1, packed.get());
  }
  MoertStatus call(MoertContext *context) {
    return moert_call(context, &entry, tensors, 3, packed.get(), nullptr, 0);
  }
  /// Returns true if `y` is what `lookup` defines.
  bool isRight() const {
    for (size_t t = 0; t < index.size(); ++t)
      for (int64_t i = 0; i < kWidth; ++i)
        if (y[t * kWidth + i] != x[t * kWidth + i] + w[index[t] * kWidth + i])
          return false;
    return true;
  }
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_RUNTIME_TESTSUPPORT_H
