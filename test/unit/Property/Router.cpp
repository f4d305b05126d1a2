//===- Router.cpp - a random moe.route ------------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Router.h"

#include "llvm/ADT/StringExtras.h"

using namespace moe::reference;

namespace moe::test {

Router::Router(Draw &draw, uint64_t seed) {
  constexpr std::pair<Score, Weights> rules[] = {
      {Score::Identity, Weights::Score},
      {Score::Identity, Weights::Normalized},
      {Score::Identity, Weights::SoftmaxSelected},
      {Score::Identity, Weights::Unit},
      {Score::Softmax, Weights::Score},
      {Score::Softmax, Weights::Normalized},
      {Score::Softmax, Weights::Unit},
      {Score::Sigmoid, Weights::Score},
      {Score::Sigmoid, Weights::Normalized},
      {Score::Sigmoid, Weights::Unit}};
  uint64_t combination = seed * 29 % 40; // no common factor: all of them
  std::tie(options.score, options.weights) = rules[combination % 10];
  bool hasGroups = combination / 10 % 2, hasTopP = combination / 20;

  int64_t selectable;
  if (hasGroups) {
    ExpertGroups groups;
    groups.groups = draw.between(1, 5);
    int64_t members = draw.between(1, 5);
    groups.kept = draw.between(1, groups.groups);
    groups.best = draw.between(1, members);
    options.groups = groups;
    experts = groups.groups * members;
    selectable = groups.kept * members;
  } else {
    selectable = experts = draw.pick<int64_t>({1, 2, 3, 5, 8, 13, 16, 31});
  }
  slots = draw.chance(0.25) ? selectable
                            : draw.between(1, std::min<int64_t>(selectable, 9));
  if (hasTopP)
    options.topP = draw.chance(0.2) ? 1 : draw.uniform(0.05, 1);
  if (draw.chance(0.5))
    options.scale = draw.pick({2.5, -1.0, 0.0, 1e-3});
  if (options.weights == Weights::Normalized && draw.chance(0.5))
    options.epsilon = draw.pick({1e-20, 1e-6, 0.5});
}

std::string Router::text() const {
  constexpr const char *scores[] = {"identity", "softmax", "sigmoid"};
  constexpr const char *rules[] = {"score", "normalized", "softmax_selected",
                                   "unit"};
  std::string text = std::string(" score(") +
                     scores[static_cast<int>(options.score)] + ") weights(" +
                     rules[static_cast<int>(options.weights)] + ")";
  if (options.groups)
    text += " groups(" + std::to_string(options.groups->groups) + " keep " +
            std::to_string(options.groups->kept) + " by top_sum " +
            std::to_string(options.groups->best) + ")";
  if (options.scale != 1)
    text += " scale " + literal(options.scale);
  std::vector<std::string> attributes;
  if (options.epsilon != 0)
    attributes.push_back("epsilon = " + literal(options.epsilon));
  if (options.topP)
    attributes.push_back("top_p = " + literal(*options.topP));
  return attributes.empty() ? text
                            : text + " {" + llvm::join(attributes, ", ") + "}";
}

} // namespace moe::test
