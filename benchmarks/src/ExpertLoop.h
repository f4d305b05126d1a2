//===- ExpertLoop.h - a loop over experts around a library ------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What a programmer writes with a good matrix library at hand: sort the slots
// by expert; then for each expert gather its tokens, multiply by gate and up,
// activate, multiply by down, and add to the result. Everything around the
// products is vectorised and runs on the threads of libgomp, which the
// libraries use, too, so that no two pools of threads wait for each other.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_EXPERTLOOP_H
#define MOE_BENCHMARKS_EXPERTLOOP_H

#include "Side.h"

namespace moe::bench {

class ExpertLoop : public Side {
public:
  llvm::Error setThreads(unsigned threads) override;
  llvm::Error run(const Batch &batch, char *y) override;

protected:
  explicit ExpertLoop(const Problem &problem) : problem(problem) {}

  /// products [rows,2F] f32 = rows [rows,d] times gate | up of expert `e`.
  virtual void multiplyGateUp(int64_t e, int64_t rows, const char *x,
                              float *products) = 0;
  /// out [rows,d] f32 = hidden [rows,F] times down of expert `e`.
  virtual void multiplyDown(int64_t e, int64_t rows, const char *hidden,
                            float *out) = 0;

  const Problem &problem;
  unsigned threads = 1;

private:
  void gather(const Batch &batch, const int32_t *slots, int64_t rows);
  void activate(int64_t e, int64_t rows);
  void scatter(const Batch &batch, int64_t e, const int32_t *slots,
               int64_t rows);
  void reserve(int64_t rows, int64_t tokens);

  Grouping grouping;
  int64_t capacity = 0;
  Buffer x, products, hidden, out, sum, biases;
};

} // namespace moe::bench

#endif // MOE_BENCHMARKS_EXPERTLOOP_H
