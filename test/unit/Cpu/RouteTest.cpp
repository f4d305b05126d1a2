//===- RouteTest.cpp - routers as kernels, against their definition -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Every width modulo the lanes of a vector, and enough tokens for several
// tasks.

#include "../Execution/Thorough.h"
#include "Twins.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// Logits with many ties, no two others close to each other: neither the order
/// of a sum nor another exp may decide who is selected. Some are not
/// admissible.
TensorView makeLogits(Random &random, MoertDType dtype, int64_t tokens,
                      int64_t experts) {
  bool wild = random.below(3) == 0;
  return makeTensor(dtype, {tokens, experts}, [&]() -> double {
    if (wild && random.below(8) == 0)
      return std::array{-inf, inf, NaN}[random.below(3)];
    return 0.25 * random.below(24) - 3.0625;
  });
}

/// One of f32, bf16 and f16.
MoertDType dtypeOf(uint64_t seed) {
  return std::array{MOERT_F32, MOERT_BF16, MOERT_F16}[seed % 3];
}

std::string matrix(MoertDType dtype, int64_t columns) {
  return "tensor<?x" + std::to_string(columns) + "x" + elementName(dtype) + ">";
}

/// A moe.route of `experts` experts; the seed decides about everything else.
struct RandomRouter {
  RandomRouter(uint64_t seed, int64_t experts)
      : random(seed), experts(experts), dtype(dtypeOf(seed)) {
    std::array<std::string, 3> scores{"identity", "softmax", "sigmoid"};
    uint64_t score = seed % 3, rule = seed / 3 % 4;
    if (rule == 2 && score != 0)
      rule = 1;
    std::array<std::string, 4> rules{"score", "normalized", "softmax_selected",
                                     "unit"};
    int64_t selectable = experts;
    std::string groups;
    if (seed % 2)
      if (int64_t count = divisor()) {
        int64_t members = experts / count, kept = 1 + random.below(count);
        groups =
            " groups(" + std::to_string(count) + " keep " +
            std::to_string(kept) + " by top_sum " +
            std::to_string(1 + random.below(std::min<int64_t>(members, 3))) +
            ")";
        selectable = kept * members;
      }
    slots = seed % 5 == 0 ? std::min<int64_t>(selectable, 24)
                          : 1 + random.below(std::min<int64_t>(selectable, 16));
    extra = std::array{None, Bias, Keys}[seed / 2 % 3];
    MoertDType weights = dtypeOf(seed / 3);
    std::string logitsType = matrix(dtype, experts),
                biasType = "tensor<" + std::to_string(experts) + "xf32>",
                indicesType = matrix(MOERT_I32, slots),
                weightsType = matrix(weights, slots);
    std::string operand, argument;
    if (extra == Bias) {
      argument = ", %bias: " + biasType;
      operand = " bias(%bias : " + biasType + ")";
    } else if (extra == Keys) {
      argument = ", %keys: " + logitsType + " {moe.dims = [\"T\", \"\"]}";
      operand = " keys(%keys : " + logitsType + ")";
    }
    std::string attributes = " {";
    if (rule == 1)
      attributes += "epsilon = 1.0e-6 : f64";
    if (seed % 4 == 1)
      attributes += std::string(rule == 1 ? ", " : "") + "top_p = 0.71 : f64";
    attributes += "}";
    std::string dims = " {moe.dims = [\"T\", \"\"]}";
    text = "func.func @main(%logits: " + logitsType + dims + argument +
           ") -> (" + indicesType + dims + ", " + weightsType + dims +
           ") {\n  %indices, %weights = moe.route %logits" + operand +
           " score(" + scores[score] + ") weights(" + rules[rule] + ")" +
           groups + (seed % 3 ? " scale 2.5" : "") + attributes + " : " +
           logitsType + " -> " + indicesType + ", " + weightsType +
           "\n  return %indices, %weights : " + indicesType + ", " +
           weightsType + "\n}\n";
  }

  /// A number of groups that divides the experts, or 0.
  int64_t divisor() {
    for (int64_t count : {8, 4, 3, 2})
      if (experts % count == 0)
        return count;
    return 0;
  }

  void check(const Twins &twins, int64_t tokens) {
    std::vector<TensorView> inputs{makeLogits(random, dtype, tokens, experts)};
    if (extra == Bias)
      inputs.push_back(makeTensor(MOERT_F32, {experts},
                                  [&] { return 0.5 * random.below(3); }));
    if (extra == Keys)
      inputs.push_back(makeLogits(random, dtype, tokens, experts));
    twins.expectAgreement(inputs);
  }

  Random random;
  int64_t experts, slots;
  MoertDType dtype;
  enum { None, Bias, Keys } extra;
  std::string text;
};

} // namespace

TEST(CpuRouteTest, EveryWidth) {
  std::vector<int64_t> widths(36);
  std::iota(widths.begin(), widths.end(), 1);
  for (int64_t wide : {47, 48, 60, 64, 70, 128, 200, 256, 384, 512})
    widths.push_back(wide);
  uint64_t seed = 0;
  for (int64_t experts : widths) {
    if (++seed % 2 && !isThorough())
      continue;
    RandomRouter router(seed, experts);
    SCOPED_TRACE(router.text);
    std::optional<Twins> twins =
        Twins::compile(router.text, seed % 3 ? "native" : "x86-64-v3");
    if (!twins)
      return;
    // The last one makes several tasks, the last of them in part.
    for (int64_t tokens : {0, 1, 2, 17, 531})
      router.check(*twins, tokens);
    if (HasFailure())
      return;
  }
}

// The rows of keys are longer than the selection of them, or shorter where that
// is only known at the call.
TEST(CpuRouteTest, TopKOfDynamicRows) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Random random(seed);
    MoertDType dtype = dtypeOf(seed), result = dtypeOf(seed / 2);
    std::string keys = "tensor<3x?x" + elementName(dtype) + ">",
                indices = "tensor<3x9xi32>",
                selected = "tensor<3x9x" + elementName(result) + ">";
    std::string dims = " {moe.dims = [\"\", \"M\"]}";
    bool hasValues = seed % 2;
    std::string text =
        "func.func @main(%keys: " + keys + dims +
        (hasValues ? ", %values: " + keys + dims : "") + ") -> (" + indices +
        ", " + selected + ") {\n  %i, %v = moe.top_k %keys" +
        (hasValues ? " values(%values : " + keys + ")" : "") + " : " + keys +
        " -> " + indices + ", " + selected + "\n  return %i, %v : " + indices +
        ", " + selected + "\n}\n";
    SCOPED_TRACE(text);
    std::optional<Twins> twins =
        Twins::compile(text, seed % 3 ? "native" : "x86-64-v3");
    if (!twins)
      return;
    for (int64_t size : {0, 1, 8, 9, 15, 16, 17, 33, 1000}) {
      std::vector<TensorView> inputs{makeLogits(random, dtype, 3, size)};
      if (hasValues)
        inputs.push_back(makeLogits(random, dtype, 3, size));
      twins->expectAgreement(inputs);
    }
  }
}

// Every other column of a matrix: elements are read one by one.
TEST(CpuRouteTest, GapsBetweenElements) {
  std::optional<Twins> twins = Twins::compile(R"(
func.func @main(%x: tensor<?x42xf32> {moe.dims = ["T", ""]})
    -> (tensor<?x3xi32> {moe.dims = ["T", ""]}, tensor<?x3xf32> {moe.dims = ["T", ""]},
        tensor<?x5xi32> {moe.dims = ["T", ""]}, tensor<?x5xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x42xf32>
  %logits = tensor.extract_slice %x[0, 1] [%t, 21] [1, 2] : tensor<?x42xf32> to tensor<?x21xf32>
  %i, %w = moe.route %logits score(softmax) weights(normalized) groups(3 keep 2 by top_sum 2)
      : tensor<?x21xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %j, %v = moe.top_k %logits : tensor<?x21xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  return %i, %w, %j, %v : tensor<?x3xi32>, tensor<?x3xf32>, tensor<?x5xi32>, tensor<?x5xf32>
}
)");
  if (!twins)
    return;
  Random random(3);
  for (int64_t tokens : {1, 300})
    twins->expectAgreement(makeLogits(random, MOERT_F32, tokens, 42));
}
