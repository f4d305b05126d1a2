//===- MachineLimits.cpp - what the machine can do right now --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/MachineLimits.h"

#include "Diagnostics.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace moe {

//===----------------------------------------------------------------------===//
// Loops, one body for every width of vectors
//===----------------------------------------------------------------------===//

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

/// Makes a value one that the compiler knows nothing of, and needs.
template <typename V>
__attribute__((always_inline)) static inline void conceal(V &value) {
  asm volatile("" : "+m"(value));
}

/// `steps` times one FMA on each of `N` accumulators.
template <typename V, int N>
__attribute__((always_inline)) static inline void fmaLoop(int64_t steps) {
#pragma clang fp contract(fast)
  V sums[N] = {}, a = V{} + 0.999f, b = V{} + 1e-3f;
  for (V &sum : sums) // or they would all be one
    conceal(sum);
  for (int64_t i = 0; i < steps; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < N; ++j)
      sums[j] = sums[j] * a + b;
  }
  for (V &sum : sums)
    conceal(sum);
}

/// Reads `bytes` (a multiple of 8 streams of 8 vectors), as 8 streams.
template <typename V>
__attribute__((always_inline)) static inline void readLoop(const char *data,
                                                           int64_t bytes) {
  constexpr int64_t kStreams = 8;
  int64_t stride = bytes / kStreams / sizeof(V);
  const V *p = reinterpret_cast<const V *>(data);
  V sums[kStreams] = {};
  for (int64_t i = 0; i < stride; ++i) {
#pragma clang loop unroll(full)
    for (int64_t s = 0; s < kStreams; ++s)
      sums[s] += p[s * stride + i];
  }
  for (V &sum : sums)
    conceal(sum);
}

/// Loops for one width: FMAs a step, lanes, and the functions.
struct Loops {
  double flopsPerStep;
  void (*fma)(int64_t steps);
  void (*read)(const char *data, int64_t bytes);
};

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void fma512(int64_t steps) {
  fmaLoop<Vector16, 24>(steps);
}
__attribute__((target("avx512f"))) static void read512(const char *data,
                                                       int64_t bytes) {
  readLoop<Vector16>(data, bytes);
}
__attribute__((target("avx2,fma"))) static void fma256(int64_t steps) {
  fmaLoop<Vector8, 12>(steps);
}
__attribute__((target("avx2,fma"))) static void read256(const char *data,
                                                        int64_t bytes) {
  readLoop<Vector8>(data, bytes);
}

__attribute__((target("avx512f,avx512bf16"))) static void
dotLoop(int64_t steps) {
  constexpr int N = 24;
  __m512 sums[N] = {};
  __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f7f3f7f), // 0.996, twice
      b = (__m512bh)_mm512_set1_epi32(0x3a833a83);
  for (__m512 &sum : sums)
    conceal(sum);
  for (int64_t i = 0; i < steps; ++i) {
#pragma clang loop unroll(full)
    for (int j = 0; j < N; ++j)
      sums[j] = _mm512_dpbf16_ps(sums[j], a, b);
  }
  for (__m512 &sum : sums)
    conceal(sum);
}

static const Loops kLoops512 = {24 * 16 * 2, fma512, read512};
static const Loops kLoops256 = {12 * 8 * 2, fma256, read256};
#endif

static void fma128(int64_t steps) { fmaLoop<Vector4, 12>(steps); }
static void read128(const char *data, int64_t bytes) {
  readLoop<Vector4>(data, bytes);
}
static const Loops kLoops128 = {12 * 4 * 2, fma128, read128};

/// The widest loops that this machine can run.
static const Loops &widestLoops() {
#if defined(__x86_64__)
  uint64_t features = moert_cpu_features();
  if (features & MOERT_CPU_AVX512F)
    return kLoops512;
  if ((features & MOERT_CPU_AVX2) && (features & MOERT_CPU_FMA))
    return kLoops256;
#endif
  return kLoops128;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// Seconds of each of `windows` windows, in which every thread calls
/// work(thread, window) once; they start together.
static std::vector<double>
timeWindows(unsigned threads, int windows,
            const std::function<void(unsigned, int)> &work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds(windows);
  std::atomic<unsigned> arrived{0};
  auto meet = [&, threads](unsigned count) {
    ++arrived;
    while (arrived < count * threads)
      std::this_thread::yield();
  };
  auto loop = [&](unsigned thread) {
    for (int w = 0; w < windows; ++w) {
      meet(2 * w + 1);
      auto start = Clock::now();
      work(thread, w);
      meet(2 * w + 2);
      if (thread == 0)
        seconds[w] =
            std::chrono::duration<double>(Clock::now() - start).count();
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads; ++t)
    pool.emplace_back(loop, t);
  loop(0);
  for (std::thread &thread : pool)
    thread.join();
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

/// GFLOP/s of an arithmetic loop, best window.
static double arithmetic(unsigned threads, double flopsPerStep,
                         void (*loop)(int64_t)) {
  int64_t steps = 1e8 / flopsPerStep; // about a millisecond
  auto seconds = timeWindows(threads, 10, [&](unsigned, int) { loop(steps); });
  return threads * steps * flopsPerStep / seconds.front() * 1e-9;
}

/// The size that the system gives for a level of the first core's caches. (The
/// C library's answer is the host's cache, not the part that a guest has.)
static int64_t cacheBytes(int level, int64_t otherwise) {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" +
                     std::to_string(level) + "/size"); // "32768K"
  int64_t size = 0;
  char unit = 0;
  file >> size >> unit;
  return size > 0 ? size << (unit == 'M' ? 20 : 10) : otherwise;
}

constexpr int64_t kMiB = 1 << 20;

int64_t l2Bytes() { return cacheBytes(2, kMiB); }
int64_t l3Bytes() { return cacheBytes(3, 32 * kMiB); }

Bandwidth MachineLimits::bandwidth(double bytes) const {
  if (bytes <= 0.8 * l2Bytes())
    return {"l2", l2};
  if (bytes <= 0.8 * l3Bytes())
    return {"l3", l3};
  return {"dram", dram};
}

MachineLimits max(const MachineLimits &a, const MachineLimits &b) {
  return {std::max(a.fma, b.fma),         std::max(a.fma256, b.fma256),
          std::max(a.bf16Dot, b.bf16Dot), std::max(a.l2, b.l2),
          std::max(a.l3, b.l3),           std::max(a.dram, b.dram)};
}

llvm::Expected<MachineProbe> MachineProbe::create(unsigned maxThreads) {
  MachineProbe probe;
  constexpr int64_t kPage = 2 * kMiB;
  int64_t step = 16 * maxThreads * kMiB;
  probe.bytes = std::max<int64_t>(
      std::clamp(4 * l3Bytes(), 256 * kMiB, 1024 * kMiB) / step * step, step);
  probe.memory.reset(
      static_cast<char *>(std::aligned_alloc(kPage, probe.bytes)));
  if (!probe.memory)
    return makeError("no memory to measure the machine's limits: " +
                     llvm::Twine(probe.bytes) + " bytes");
#if defined(MADV_HUGEPAGE)
  // Layers keep their weights in large pages, too.
  (void)madvise(probe.memory.get(), probe.bytes, MADV_HUGEPAGE);
#endif
  std::fill_n(probe.memory.get(), probe.bytes, 1);
  return probe;
}

MachineLimits MachineProbe::measure(unsigned threads) const {
  const Loops &loops = widestLoops();
  MachineLimits limits;
  limits.fma = arithmetic(threads, loops.flopsPerStep, loops.fma);
#if defined(__x86_64__)
  uint64_t features = moert_cpu_features();
  if (&loops != &kLoops128)
    limits.fma256 = arithmetic(threads, kLoops256.flopsPerStep, kLoops256.fma);
  if (&loops == &kLoops512 && (features & MOERT_CPU_AVX512BF16))
    limits.bf16Dot = arithmetic(threads, 24 * 32 * 2, dotLoop);
#endif

  // A cache: each thread reads a part of its own again and again.
  int64_t share = bytes / threads;
  auto cached = [&](int64_t wanted, double total) {
    int64_t part =
        std::clamp<int64_t>(wanted / 4096 * 4096, 4096, share / 4096 * 4096);
    int64_t passes = std::max<int64_t>(1, total / part);
    auto seconds = timeWindows(threads, 8, [&](unsigned thread, int) {
      for (int64_t pass = 0; pass < passes; ++pass)
        loops.read(memory.get() + thread * share / 64 * 64, part);
    });
    return double(threads) * passes * part / seconds.front() * 1e-9;
  };
  limits.l2 = cached(l2Bytes() / 2, 64 * kMiB);
  limits.l3 = cached(
      std::clamp(l3Bytes() / 2 / threads, 2 * l2Bytes(), 8 * kMiB), 64 * kMiB);

  // DRAM: the threads walk through all of the memory, 8 MiB a window.
  constexpr int64_t kPiece = 8 * kMiB;
  int windows = bytes / (threads * kPiece);
  auto seconds = timeWindows(threads, windows, [&](unsigned thread, int w) {
    loops.read(memory.get() + (w * int64_t(threads) + thread) * kPiece, kPiece);
  });
  limits.dram = threads * kPiece / seconds[seconds.size() / 2] * 1e-9;
  return limits;
}

} // namespace moe
