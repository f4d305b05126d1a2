//===- ExpertLoop.cpp - a loop over experts around a library --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertLoop.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

// libgomp's own interface: the compiler's OpenMP would bring a second runtime.
extern "C" {
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads,
                   unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
void omp_set_num_threads(int threads);
}

#if defined(__x86_64__)
#define MOE_BENCH_CLONES                                                       \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MOE_BENCH_CLONES
#endif

namespace moe::bench {

//===----------------------------------------------------------------------===//
// Vectorised rows
//===----------------------------------------------------------------------===//

/// exp(x) with a relative error of 2e-7 or less.
static inline float fastExp(float x) {
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691e-4f;
  p = p * r + 1.3981999e-3f;
  p = p * r + 8.3334519e-3f;
  p = p * r + 4.1665796e-2f;
  p = p * r + 1.6666666e-1f;
  p = p * r + 5.0000001e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits = (int32_t(n) + 127) << 23;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

/// hidden = the gated unit of one row of products; biases may be null.
MOE_BENCH_CLONES static void activateRow(bool gptOss, int64_t F,
                                         const float *products,
                                         const float *gateBias,
                                         const float *upBias, float *hidden) {
  const float *gate = products, *up = products + F;
  if (!gptOss) {
    for (int64_t f = 0; f < F; ++f)
      hidden[f] = gate[f] / (1.0f + fastExp(-gate[f])) * up[f];
    return;
  }
  for (int64_t f = 0; f < F; ++f) {
    float g = gate[f] + gateBias[f], u = up[f] + upBias[f];
    g = g > 7.0f ? 7.0f : g;
    u = u > 7.0f ? 7.0f : u < -7.0f ? -7.0f : u;
    hidden[f] = g / (1.0f + fastExp(-1.702f * g)) * (u + 1.0f);
  }
}

/// sum += weight * (row + bias); bias may be null.
MOE_BENCH_CLONES static void addRow(int64_t d, float weight, const float *row,
                                    const float *bias, float *sum) {
  if (bias)
    for (int64_t i = 0; i < d; ++i)
      sum[i] += weight * (row[i] + bias[i]);
  else
    for (int64_t i = 0; i < d; ++i)
      sum[i] += weight * row[i];
}

MOE_BENCH_CLONES static void storeRow(MoertDType dtype, char *data,
                                      const float *values, int64_t n) {
  store(dtype, data, values, n);
}

/// body(begin, end) over [0, n) on libgomp's threads; alone if there is little
/// to do: `cost` is in bytes touched an item.
template <typename Body>
static void parallelRows(unsigned threads, int64_t n, int64_t cost,
                         Body &&body) {
  struct Shared {
    Body &body;
    int64_t n;
  } shared = {body, n};
  if (threads == 1 || n * cost < (64 << 10)) {
    body(0, n);
    return;
  }
  GOMP_parallel(
      [](void *data) {
        auto &[body, n] = *static_cast<Shared *>(data);
        int64_t i = omp_get_thread_num(), threads = omp_get_num_threads();
        body(n * i / threads, n * (i + 1) / threads);
      },
      &shared, threads, 0);
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

Error ExpertLoop::setThreads(unsigned count) {
  threads = count;
  omp_set_num_threads(count);
  return Error::success();
}

void ExpertLoop::reserve(int64_t rows, int64_t tokens) {
  auto [name, d, F, E, K, gptOss] = problem.layer;
  if (gptOss && !biases.bytes()) { // as f32: gate [E,F], up [E,F], down [E,d]
    biases = Buffer(E * (2 * F + d) * sizeof(float));
    float *to = biases.as<float>();
    widen(problem.dtype, problem.gateBias.data(), to, E * F);
    widen(problem.dtype, problem.upBias.data(), to + E * F, E * F);
    widen(problem.dtype, problem.downBias.data(), to + 2 * E * F, E * d);
  }
  if (sum.bytes() < tokens * d * sizeof(float))
    sum = Buffer(tokens * d * sizeof(float));
  if (rows <= capacity)
    return;
  capacity = rows;
  x = Buffer(rows * d * problem.elementBytes());
  products = Buffer(rows * 2 * F * sizeof(float));
  hidden = Buffer(rows * F * problem.elementBytes());
  out = Buffer(rows * d * sizeof(float));
}

void ExpertLoop::gather(const Batch &batch, const int32_t *slots,
                        int64_t rows) {
  size_t bytes = problem.layer.d * problem.elementBytes();
  parallelRows(threads, rows, bytes, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      memcpy(x.data() + i * bytes,
             batch.x.data() + slots[i] / problem.layer.K * bytes, bytes);
  });
}

void ExpertLoop::activate(int64_t e, int64_t rows) {
  const Layer &layer = problem.layer;
  int64_t F = layer.F;
  const float *bias = biases.bytes() ? biases.as<float>() + e * F : nullptr;
  parallelRows(threads, rows, 3 * F * 4, [&](int64_t begin, int64_t end) {
    std::vector<float> row(F);
    for (int64_t i = begin; i < end; ++i) {
      activateRow(layer.gptOss, F, products.as<float>() + i * 2 * F, bias,
                  bias ? bias + layer.E * F : nullptr, row.data());
      storeRow(problem.dtype, hidden.data() + i * F * problem.elementBytes(),
               row.data(), F);
    }
  });
}

void ExpertLoop::scatter(const Batch &batch, int64_t e, const int32_t *slots,
                         int64_t rows) {
  const Layer &layer = problem.layer;
  int64_t d = layer.d;
  const float *bias = biases.bytes()
                          ? biases.as<float>() + 2 * layer.E * layer.F + e * d
                          : nullptr;
  // An expert has a token once at most, so rows do not meet.
  parallelRows(threads, rows, 3 * d * 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      addRow(d, batch.weights[slots[i]], out.as<float>() + i * d, bias,
             sum.as<float>() + slots[i] / layer.K * d);
  });
}

Error ExpertLoop::run(const Batch &batch, char *y) {
  const Layer &layer = problem.layer;
  grouping.assign(layer, batch);
  int64_t most = 0;
  for (int64_t e = 0; e < layer.E; ++e)
    most =
        std::max<int64_t>(most, grouping.offsets[e + 1] - grouping.offsets[e]);
  reserve(most, batch.tokens);
  int64_t rowBytes = layer.d * sizeof(float);
  parallelRows(
      threads, batch.tokens, rowBytes, [&](int64_t begin, int64_t end) {
        memset(sum.data() + begin * rowBytes, 0, (end - begin) * rowBytes);
      });
  for (int64_t e = 0; e < layer.E; ++e) {
    int64_t rows = grouping.offsets[e + 1] - grouping.offsets[e];
    if (!rows)
      continue;
    const int32_t *slots = grouping.slots.data() + grouping.offsets[e];
    gather(batch, slots, rows);
    multiplyGateUp(e, rows, x.data(), products.as<float>());
    activate(e, rows);
    multiplyDown(e, rows, hidden.data(), out.as<float>());
    scatter(batch, e, slots, rows);
  }
  parallelRows(
      threads, batch.tokens, rowBytes, [&](int64_t begin, int64_t end) {
        storeRow(problem.dtype, y + begin * layer.d * problem.elementBytes(),
                 sum.as<float>() + begin * layer.d, (end - begin) * layer.d);
      });
  return Error::success();
}

} // namespace moe::bench
