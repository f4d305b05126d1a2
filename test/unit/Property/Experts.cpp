//===- Experts.cpp - random weights of a moe.expert_ffn -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Experts.h"

#include "llvm/ADT/StringExtras.h"

using namespace moe::reference;

namespace moe::test {

ExpertWeights::ExpertWeights(Draw &draw, DTypes &dtypes, uint64_t seed,
                             int64_t experts, int64_t width, int64_t hidden,
                             int64_t out) {
  auto weight = [&](const char *name, bool isPresent, Shape shape,
                    double sigma) {
    if (experts)
      shape.insert(shape.begin(), experts);
    return Weight{name, isPresent, isPresent ? dtypes.next() : MOERT_F32,
                  std::move(shape), sigma};
  };
  bool hasGate = draw.chance(0.6);
  double in = 1 / std::sqrt(width), between = 1 / std::sqrt(hidden);
  gate = weight("w_gate", hasGate, {width, hidden}, in);
  gateBias = weight("b_gate", hasGate && draw.chance(0.4), {hidden}, 1);
  up = weight("w_up", true, {width, hidden}, in);
  upBias = weight("b_up", draw.chance(0.4), {hidden}, 1);
  down = weight("w_down", true, {hidden, out}, between);
  downBias = weight("b_down", draw.chance(0.4), {out}, 1);
  isPacked = draw.chance(0.5);

  attributes.activation = static_cast<Activation>(seed % 7);
  if (attributes.activation == Activation::SiLU && draw.chance(0.7))
    attributes.alpha = draw.pick({1.702, 0.5, -1.0, 0.0});
  if (draw.chance(0.4))
    attributes.limit = draw.pick({0.25, 1.0, 7.0});
  if (hasGate && draw.chance(0.4))
    attributes.upOffset = draw.pick({1.0, -0.5});
}

Type ExpertWeights::Weight::type() const {
  return Type(dtype, std::vector<Dim>(shape.begin(), shape.end()));
}

std::vector<ExpertWeights::Weight *> ExpertWeights::present() {
  std::vector<Weight *> all = {&gate,   &gateBias, &up,
                               &upBias, &down,     &downBias};
  llvm::erase_if(all, [](Weight *weight) { return !weight->isPresent; });
  return all;
}

void ExpertWeights::declare(Program &program) {
  for (const Weight *weight : present())
    isPacked ? program.weight(weight->name, weight->type())
             : program.input(weight->name, weight->type());
}

std::string ExpertWeights::text(const char *name, const Weight &weight,
                                const Weight &bias) {
  if (!weight.isPresent)
    return "";
  return std::string("\n    ") + name + "(" +
         typed(weight.name, weight.type()) +
         (bias.isPresent ? " bias " + typed(bias.name, bias.type()) : "") + ")";
}

std::string ExpertWeights::text() const {
  constexpr const char *names[] = {"none",      "silu", "sigmoid", "gelu",
                                   "gelu_tanh", "relu", "relu2"};
  std::string op = text("gate", gate, gateBias) + text("up", up, upBias) +
                   text("down", down, downBias) + "\n    activation(" +
                   names[static_cast<int>(attributes.activation)] + ")";
  std::vector<std::string> list;
  if (attributes.alpha != 1)
    list.push_back("alpha = " + literal(attributes.alpha));
  if (std::isfinite(attributes.limit))
    list.push_back("limit = " + literal(attributes.limit));
  if (attributes.upOffset != 0)
    list.push_back("up_offset = " + literal(attributes.upOffset));
  return list.empty() ? op : op + " {" + llvm::join(list, ", ") + "}";
}

void ExpertWeights::drawValues(Draw &draw) {
  for (Weight *weight : present())
    weight->value = draw.numbers(weight->shape, weight->dtype, weight->sigma);
}

void ExpertWeights::append(std::vector<TensorView> &arguments) {
  for (const Weight *weight : present())
    arguments.push_back(asView(weight->value, weight->dtype));
}

FeedForward ExpertWeights::options() const {
  FeedForward ffn = attributes;
  ffn.gate = gate.get();
  ffn.gateBias = gateBias.get();
  ffn.up = up.get();
  ffn.upBias = upBias.get();
  ffn.down = down.get();
  ffn.downBias = downBias.get();
  return ffn;
}

} // namespace moe::test
