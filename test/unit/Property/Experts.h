//===- Experts.h - random weights of a moe.expert_ffn -----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_EXPERTS_H
#define MOE_TEST_UNIT_PROPERTY_EXPERTS_H

#include "Draw.h"

#include "moe/Reference/Experts.h"

namespace moe::test {

/// The networks of a moe.expert_ffn: weights that may be there or not, in the
/// order of its text, and attributes.
class ExpertWeights {
public:
  /// Draws which there are; seven seeds meet every activation. 0 `experts`
  /// stand for one dense network.
  ExpertWeights(Draw &draw, DTypes &dtypes, uint64_t seed, int64_t experts,
                int64_t width, int64_t hidden, int64_t out);

  /// Adds the arguments to a program.
  void declare(Program &program);
  /// " gate(...) up(...) down(...) activation(...) {...}".
  std::string text() const;
  /// Draws the numbers of all weights.
  void drawValues(Draw &draw);
  /// Appends them to the arguments of a call, in the order of `declare`.
  void append(std::vector<TensorView> &arguments);
  /// What the reference takes; it points into this object.
  reference::FeedForward options() const;

private:
  struct Weight {
    const char *name;
    bool isPresent;
    MoertDType dtype;
    Shape shape;
    double sigma;
    Tensor value = Tensor();

    Type type() const;
    const Tensor *get() const { return isPresent ? &value : nullptr; }
  };
  /// "gate(%w : type bias %b : type)", "" if there is none.
  static std::string text(const char *name, const Weight &weight,
                          const Weight &bias);
  std::vector<Weight *> present();

  Weight gate, gateBias, up, upBias, down, downBias;
  reference::FeedForward attributes;
  bool isPacked;
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_EXPERTS_H
