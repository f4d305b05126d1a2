//===- Problem.h - inputs that all sides share ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Everything is drawn from counters by a hash, so a seed gives the same numbers
// in every process. Numbers are rounded to the data type once, here; each side
// and the reference see the rounded ones.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_PROBLEM_H
#define MOE_BENCHMARKS_PROBLEM_H

#include "Layer.h"
#include "Numbers.h"

#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <vector>

namespace moe::bench {

/// Memory that starts at a multiple of 64 bytes.
class Buffer {
public:
  Buffer() = default;
  /// Aborts the program with a message if memory is short.
  explicit Buffer(size_t bytes);
  char *data() const { return memory.get(); }
  size_t bytes() const { return size; }
  template <typename T> T *as() const {
    return reinterpret_cast<T *>(memory.get());
  }

private:
  struct Free {
    void operator()(char *p) const { free(p); }
  };
  std::unique_ptr<char, Free> memory;
  size_t size = 0;
};

/// A layer with its weights: gate and up [E,F,d], down [E,d,F], as checkpoints
/// have them; biases [E,F], [E,F], [E,d], empty if the layer has none.
struct Problem {
  const Layer &layer;
  MoertDType dtype;
  uint64_t seed;
  Buffer gate, up, down, gateBias, upBias, downBias;

  /// Weights uniform with variance 1 / fan-in, biases with variance 0.01.
  static Problem create(const Layer &layer, MoertDType dtype, uint64_t seed);
  size_t elementBytes() const { return moert_dtype_bytes(dtype); }
  /// Bytes of the weights of one expert, with its biases.
  size_t expertBytes() const;
  size_t weightBytes() const { return layer.E * expertBytes(); }
};

enum class Routing {
  Uniform, ///< every expert alike
  Zipf,    ///< the share of expert e falls as 1 / (e + 1)
  Half,    ///< half of the tokens choose expert 0 first, else uniform
};
std::optional<Routing> parseRouting(llvm::StringRef name);
llvm::StringRef stringify(Routing routing);

/// One call's inputs.
struct Batch {
  int64_t tokens = 0;
  Buffer x;                     ///< [T,d], variance 1
  std::vector<float> logits;    ///< [T,E]
  std::vector<int32_t> indices; ///< [T,K]: the greatest logits, descending
  std::vector<float> weights;   ///< [T,K]: softmax over those
  int64_t expertsHit = 0;       ///< experts that have a token

  /// `number` tells the batches of one seed apart.
  static Batch create(const Problem &problem, int64_t tokens, Routing routing,
                      uint64_t number);
};

/// The slots of a batch sorted by expert: rows [offsets[e], offsets[e+1]) are
/// those of expert e, row i is slot slots[i] = t*K+k.
struct Grouping {
  std::vector<int32_t> offsets, slots;
  void assign(const Layer &layer, const Batch &batch);
};

} // namespace moe::bench

#endif // MOE_BENCHMARKS_PROBLEM_H
