//===- Golden.h - a case of test/golden and what was compute-----*- C++ -*-===//
//-*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_REFERENCE_GOLDEN_H
#define MOE_TEST_UNIT_REFERENCE_GOLDEN_H

#include "moe/Reference/Experts.h"
#include "moe/Reference/Routing.h"
#include "moe/TensorFile/TensorFile.h"

#include "llvm/Support/JSON.h"

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace moe::reference {

/// The inputs of one case, and the results given for it so far. What is missing
/// or unreadable ends the program with a message that names it.
class GoldenCase {
public:
  explicit GoldenCase(const std::string &name);

  /// An entry of "dims" in case.json.
  int64_t dim(const std::string &name) const;
  bool has(const std::string &input) const;
  Tensor tensor(const std::string &input) const;
  IndexTensor indices(const std::string &input) const;

  void give(const std::string &result, Tensor value);
  void give(const std::string &result, IndexTensor value);

  /// Compares what was given with what is expected, as the data's README says,
  /// and returns for each float result its error in the case's terms.
  std::map<std::string, double> check() const;

private:
  std::string folder;
  llvm::json::Value description = nullptr;
  Safetensors inputs;
  std::map<std::string, Tensor> floats;
  std::map<std::string, IndexTensor> integers;
};

/// Folder of test/golden, and the composition of reference ops that computes
/// its results.
struct GoldenComposition {
  const char *name;
  void (*compute)(GoldenCase &);

  /// For GoogleTest's messages.
  friend std::ostream &operator<<(std::ostream &os,
                                  const GoldenComposition &c) {
    return os << c.name;
  }
};

std::vector<GoldenComposition> layerCompositions();
std::vector<GoldenComposition> routerCompositions();
std::vector<GoldenComposition> moduleCompositions();

inline const RouteOptions softmaxScore = {Score::Softmax, Weights::Score};
inline const RouteOptions softmaxNormalized = {Score::Softmax,
                                               Weights::Normalized};

/// The operands of the experts of a case, by the names they go by there.
struct ExpertOperands {
  Tensor gate, up, down, gateBias, upBias, downBias;
  FeedForward ffn; ///< Points to them.

  /// The names are `prefix` + w_gate, w_up + `expert`, w_down + `expert`,
  /// b_gate, b_up, b_down.
  explicit ExpertOperands(const GoldenCase &data,
                          const std::string &prefix = "",
                          const std::string &expert = "");
  ExpertOperands(const ExpertOperands &) = delete;
};

/// What the experts make of x[T,d], a row for each slot.
Tensor runExperts(const Tensor &x, const Grouping &grouping, int64_t k,
                  const FeedForward &ffn);

/// sum_k weights[t,k] expert(indices[t,k])(x[t]) -> [T,d].
Tensor mixture(const Tensor &x, const Routing &routing, const FeedForward &ffn);

} // namespace moe::reference

#endif // MOE_TEST_UNIT_REFERENCE_GOLDEN_H
