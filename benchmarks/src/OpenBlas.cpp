//===- OpenBlas.cpp - the expert loop on OpenBLAS -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertLoop.h"

#if MOE_BENCH_OPENBLAS

#include <cblas.h>

namespace moe::bench {

namespace {

/// Products by sgemm on the weights as checkpoints have them; sgemv for one
/// row.
class OpenBlasSide : public ExpertLoop {
public:
  explicit OpenBlasSide(const Problem &problem) : ExpertLoop(problem) {}

private:
  llvm::Error setThreads(unsigned count) override {
    openblas_set_num_threads(count);
    return ExpertLoop::setThreads(count);
  }
  void multiplyGateUp(int64_t e, int64_t rows, const char *x,
                      float *products) override {
    auto [name, d, F, E, K, gptOss] = problem.layer;
    auto *from = reinterpret_cast<const float *>(x);
    multiply(rows, F, d, from, problem.gate.as<float>() + e * F * d, products,
             2 * F);
    multiply(rows, F, d, from, problem.up.as<float>() + e * F * d, products + F,
             2 * F);
  }
  void multiplyDown(int64_t e, int64_t rows, const char *hidden,
                    float *out) override {
    int64_t d = problem.layer.d, F = problem.layer.F;
    multiply(rows, d, F, reinterpret_cast<const float *>(hidden),
             problem.down.as<float>() + e * d * F, out, d);
  }
  /// out [rows,n] = x [rows,k] times weights [n,k] transposed.
  static void multiply(int64_t rows, int64_t n, int64_t k, const float *x,
                       const float *weights, float *out, int64_t stride) {
    if (rows == 1)
      cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, weights, k, x, 1, 0,
                  out, 1);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, n, k, 1, x, k,
                  weights, k, 0, out, stride);
  }
};

} // namespace

std::unique_ptr<Side> createOpenBlasSide(const Problem &problem) {
  return std::make_unique<OpenBlasSide>(problem);
}

std::string openBlasVersion() {
  return std::string(openblas_get_config()) + ", kernels for " +
         openblas_get_corename();
}

} // namespace moe::bench

#else

namespace moe::bench {

std::unique_ptr<Side> createOpenBlasSide(const Problem &) { return nullptr; }
std::string openBlasVersion() { return ""; }

} // namespace moe::bench

#endif
