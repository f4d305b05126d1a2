//===- GoldenLayers.cpp - whole layers of public models -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"

using namespace moe::reference;

ExpertOperands::ExpertOperands(const GoldenCase &data,
                               const std::string &prefix,
                               const std::string &expert) {
  auto bind = [&](const std::string &name, Tensor &value) -> const Tensor * {
    if (!data.has(name))
      return nullptr;
    value = data.tensor(name);
    return &value;
  };
  ffn.gate = bind(prefix + "w_gate", gate);
  ffn.up = bind(prefix + "w_up" + expert, up);
  ffn.down = bind(prefix + "w_down" + expert, down);
  ffn.gateBias = bind(prefix + "b_gate", gateBias);
  ffn.upBias = bind(prefix + "b_up", upBias);
  ffn.downBias = bind(prefix + "b_down", downBias);
}

Tensor moe::reference::runExperts(const Tensor &x, const Grouping &grouping,
                                  int64_t k, const FeedForward &ffn) {
  return expertFFN(dispatch(x, grouping.rowSlot, k), grouping.offsets, ffn);
}

Tensor moe::reference::mixture(const Tensor &x, const Routing &routing,
                               const FeedForward &ffn) {
  Grouping grouping = group(routing.indices, ffn.up->dim(0));
  Tensor rows = runExperts(x, grouping, routing.indices.cols(), ffn);
  return combine(rows, grouping.slotRow, &routing.weights);
}

/// The plain layer: router, experts, weighted sum, shared expert if there is
/// one. `adjust` sets what the experts need besides their weights.
static void layer(GoldenCase &data, const RouteOptions &options,
                  void (*adjust)(FeedForward &) = nullptr) {
  Tensor x = data.tensor("x");
  Tensor logits = matmul(x, data.tensor("w_router"));
  if (data.has("router_bias"))
    logits = add(logits, data.tensor("router_bias"));
  Tensor bias = data.has("score_bias") ? data.tensor("score_bias") : Tensor();
  Routing routing = route(logits, data.dim("K"), options,
                          data.has("score_bias") ? &bias : nullptr);

  ExpertOperands experts(data);
  if (adjust)
    adjust(experts.ffn);
  Tensor y = mixture(x, routing, experts.ffn);
  if (data.has("shared_w_up"))
    y = add(y, denseFFN(x, ExpertOperands(data, "shared_").ffn));

  data.give("logits", logits);
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
  data.give("y", y);
}

static void mixtral(GoldenCase &data) { layer(data, softmaxNormalized); }
static void olmoe(GoldenCase &data) { layer(data, softmaxScore); }

static void deepseekV3(GoldenCase &data) {
  RouteOptions options;
  options.score = Score::Sigmoid;
  options.weights = Weights::Normalized;
  options.groups = ExpertGroups{4, 2, 2};
  options.scale = 2.5;
  options.epsilon = 1e-20;
  layer(data, options);
}

static void gptOss(GoldenCase &data) {
  layer(data, {Score::Identity, Weights::SoftmaxSelected},
        [](FeedForward &ffn) {
          ffn.alpha = 1.702;
          ffn.limit = 7;
          ffn.upOffset = 1;
        });
}

static void switchTop1(GoldenCase &data) {
  Tensor x = data.tensor("x");
  Tensor logits = matmul(x, data.tensor("w_router"));
  Routing routing = route(logits, 1, softmaxScore);
  ExpertOperands experts(data);
  experts.ffn.activation = Activation::ReLU;
  Grouping grouping =
      group(routing.indices, data.dim("E"), data.dim("capacity"));

  // A dropped slot keeps its index; its stored weight is 0.
  IndexTensor kept({x.dim(0)});
  for (int64_t t = 0; t < x.dim(0); ++t) {
    kept(t) = grouping.slotRow(t, 0) >= 0;
    routing.weights(t, 0) *= kept(t);
  }
  data.give("logits", logits);
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
  data.give("kept", kept);
  data.give("y", combine(runExperts(x, grouping, 1, experts.ffn),
                         grouping.slotRow, &routing.weights));
}

static void expertChoice(GoldenCase &data) {
  Tensor x = data.tensor("x");
  Tensor p = softmaxRows(matmul(x, data.tensor("w_router")));
  Selection chosen = topK(transpose(p), data.dim("C"));

  // Slot e of token t is expert e if it chose t, else unused.
  int64_t numExperts = p.cols();
  Tensor choice = oneHot(chosen.indices, x.dim(0));
  IndexTensor indices(p.shape, -1);
  for (int64_t t = 0; t < x.dim(0); ++t)
    for (int64_t e = 0; e < numExperts; ++e)
      if (choice(e, t) != 0)
        indices(t, e) = static_cast<int32_t>(e);

  data.give("tokens", chosen.indices);
  data.give("weights", chosen.values);
  data.give("y", mixture(x, {indices, p}, ExpertOperands(data).ffn));
}

std::vector<GoldenComposition> moe::reference::layerCompositions() {
  return {
      {"deepseek_v3", deepseekV3},
      {"expert_choice", expertChoice},
      {"gpt_oss", gptOss},
      {"mixtral", mixtral},
      {"mixtral_bf16", mixtral},
      {"mixtral_empty_experts", mixtral},
      {"mixtral_mid", mixtral},
      {"mixtral_one_token", mixtral},
      {"olmoe", olmoe},
      {"qwen3_moe_nonorm", olmoe},
      {"qwen3_moe_norm", mixtral},
      {"switch_top1_capacity", switchTop1},
  };
}
