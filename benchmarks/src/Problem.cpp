//===- Problem.cpp - inputs that all sides share --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Problem.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sys/mman.h>
#include <thread>

using namespace llvm;

namespace moe::bench {

Buffer::Buffer(size_t bytes) : size(bytes) {
  constexpr size_t kPage = 2 << 20;
  size_t unit = bytes >= kPage ? kPage : 64;
  size_t rounded = std::max<size_t>(alignTo(bytes, unit), unit);
  memory.reset(static_cast<char *>(aligned_alloc(unit, rounded)));
  if (!memory)
    report_fatal_error("out of memory", /*gen_crash_diag=*/false);
#if defined(MADV_HUGEPAGE)
  if (unit == kPage)
    (void)madvise(memory.get(), rounded, MADV_HUGEPAGE);
#endif
}

//===----------------------------------------------------------------------===//
// Numbers out of counters
//===----------------------------------------------------------------------===//

/// A 64-bit mixer (the finalizer of splitmix64).
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Uniform in (0, 1).
static double unit(uint64_t stream, uint64_t i) {
  return ((mix(stream ^ mix(i)) >> 11) + 0.5) * 0x1p-53;
}

/// Uniform numbers of mean 0 and the given standard deviation, on all cores.
static Buffer uniform(MoertDType dtype, int64_t n, double deviation,
                      uint64_t stream) {
  constexpr int64_t kBlock = 4096;
  size_t width = moert_dtype_bytes(dtype);
  Buffer buffer(n * width);
  int64_t blocks = (n + kBlock - 1) / kBlock;
  float scale = deviation * std::sqrt(12.0) * 0x1p-24;
  auto fill = [&](int64_t first, int64_t last) {
    float values[kBlock];
    for (int64_t b = first; b < last; ++b) {
      int64_t begin = b * kBlock, count = std::min(kBlock, n - begin);
      uint64_t key = mix(stream ^ mix(b));
      for (int64_t i = 0; i < count; ++i) {
        // 32 bits are enough here, and this loop makes gigabytes.
        uint32_t h = uint32_t(key) + uint32_t(i) * 0x9e3779b9u;
        h = (h ^ (h >> 16)) * 0x85ebca6bu;
        h = (h ^ (h >> 13)) * 0xc2b2ae35u;
        h ^= h >> 16;
        values[i] = (float(h >> 8) - float((1 << 23) - 0.5)) * scale;
      }
      store(dtype, buffer.data() + begin * width, values, count);
    }
  };
  int64_t workers = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1,
                                        std::max<int64_t>(blocks, 1));
  std::vector<std::thread> threads;
  for (int64_t w = 1; w < workers; ++w)
    threads.emplace_back(fill, blocks * w / workers,
                         blocks * (w + 1) / workers);
  fill(0, blocks / workers);
  for (std::thread &thread : threads)
    thread.join();
  return buffer;
}

size_t Problem::expertBytes() const {
  int64_t biases = layer.gptOss ? 2 * layer.F + layer.d : 0;
  return (layer.expertNumbers() + biases) * elementBytes();
}

Problem Problem::create(const Layer &layer, MoertDType dtype, uint64_t seed) {
  auto [name, d, F, E, K, gptOss] = layer;
  auto draw = [&](uint64_t which, int64_t n, double deviation) {
    return uniform(dtype, n, deviation, mix(seed * 64 + which));
  };
  auto bias = [&](uint64_t which, int64_t n) {
    return layer.gptOss ? draw(which, n, 0.1) : Buffer();
  };
  return {layer,
          dtype,
          seed,
          draw(1, E * F * d, 1 / std::sqrt(d)),
          draw(2, E * F * d, 1 / std::sqrt(d)),
          draw(3, E * d * F, 1 / std::sqrt(F)),
          bias(4, E * F),
          bias(5, E * F),
          bias(6, E * d)};
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

std::optional<Routing> parseRouting(StringRef name) {
  for (Routing routing : {Routing::Uniform, Routing::Zipf, Routing::Half})
    if (name == stringify(routing))
      return routing;
  return std::nullopt;
}

StringRef stringify(Routing routing) {
  switch (routing) {
  case Routing::Uniform:
    return "uniform";
  case Routing::Zipf:
    return "zipf";
  case Routing::Half:
    return "half";
  }
  llvm_unreachable("covered switch");
}

/// Logits whose K greatest are drawn without replacement, each expert with its
/// share: log(share) plus Gumbel noise.
static std::vector<float> drawLogits(const Layer &layer, int64_t tokens,
                                     Routing routing, uint64_t stream) {
  std::vector<float> logits(tokens * layer.E);
  for (int64_t t = 0; t < tokens; ++t) {
    float *row = &logits[t * layer.E];
    for (int64_t e = 0; e < layer.E; ++e) {
      row[e] = -std::log(-std::log(unit(stream, t * layer.E + e)));
      if (routing == Routing::Zipf)
        row[e] -= std::log(e + 1.0);
    }
    if (routing == Routing::Half && t % 2 == 0)
      row[0] = *std::max_element(row, row + layer.E) + 0.5;
  }
  return logits;
}

/// The K greatest logits of each token, and the softmax over them.
static void select(const Layer &layer, Batch &batch) {
  int64_t E = layer.E, K = layer.K;
  std::vector<int32_t> order(E);
  for (int64_t t = 0; t < batch.tokens; ++t) {
    const float *logits = &batch.logits[t * E];
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + K, order.end(),
                      [&](int32_t a, int32_t b) {
                        return logits[a] > logits[b] ||
                               (logits[a] == logits[b] && a < b);
                      });
    double sum = 0;
    for (int64_t k = 0; k < K; ++k)
      sum += std::exp(double(logits[order[k]]) - logits[order[0]]);
    for (int64_t k = 0; k < K; ++k) {
      batch.indices.push_back(order[k]);
      batch.weights.push_back(
          std::exp(double(logits[order[k]]) - logits[order[0]]) / sum);
    }
  }
}

Batch Batch::create(const Problem &problem, int64_t tokens, Routing routing,
                    uint64_t number) {
  const Layer &layer = problem.layer;
  uint64_t stream = mix(mix(problem.seed * 64 + 7) ^ mix(number) ^
                        mix(tokens * 4 + int(routing)));
  Batch batch;
  batch.tokens = tokens;
  batch.x = uniform(problem.dtype, tokens * layer.d, 1, stream + 1);
  batch.logits = drawLogits(layer, tokens, routing, stream + 2);
  select(layer, batch);
  std::vector<char> hit(layer.E);
  for (int32_t e : batch.indices)
    hit[e] = 1;
  batch.expertsHit = std::count(hit.begin(), hit.end(), 1);
  return batch;
}

void Grouping::assign(const Layer &layer, const Batch &batch) {
  offsets.assign(layer.E + 1, 0);
  slots.resize(batch.indices.size());
  for (int32_t e : batch.indices)
    ++offsets[e + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  std::vector<int32_t> next(offsets.begin(), offsets.end() - 1);
  for (size_t i = 0; i < slots.size(); ++i)
    slots[next[batch.indices[i]]++] = i;
}

} // namespace moe::bench
