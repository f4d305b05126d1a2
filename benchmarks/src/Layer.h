//===- Layer.h - the layers that are measured -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_BENCHMARKS_LAYER_H
#define MOE_BENCHMARKS_LAYER_H

#include "moert/moert.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace moe::bench {

/// The sizes of a layer: tokens of `d` numbers, `E` experts of `F` hidden
/// units, `K` of them for each token.
struct Layer {
  const char *name;
  int64_t d, F, E, K;
  bool gptOss; ///< biases, and SwiGLU with limit 7, alpha 1.702, up + 1

  /// Numbers in the weights of one expert, without biases.
  int64_t expertNumbers() const { return 3 * d * F; }
  /// Floating-point operations of the experts for `tokens` tokens.
  double flops(int64_t tokens) const {
    return 2.0 * tokens * K * expertNumbers();
  }
};

/// A, B, C and D.
llvm::ArrayRef<Layer> layers();
/// The layer of that name, or null.
const Layer *findLayer(llvm::StringRef name);

/// Where the weights of a module come from, and how they lie.
enum class WeightForm {
  Packed, ///< marked moe.weight, [E,out,in]
  OutIn,  ///< plain inputs, [E,out,in]
  InOut,  ///< plain inputs, [E,in,out]
};

/// The source of a module whose function @main computes `depth` such layers,
/// one on the other's result. Arguments: x [T,d]; logits [T,E] f32, or indices
/// [T,K] i32 and weights [T,K] f32; then for each layer gate, up and down, with
/// their biases behind them if the layer has some. Result: y [T,d].
std::string layerSource(const Layer &layer, MoertDType dtype, WeightForm form,
                        bool fromLogits, int64_t depth = 1);

} // namespace moe::bench

#endif // MOE_BENCHMARKS_LAYER_H
