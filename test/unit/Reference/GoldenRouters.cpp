//===- GoldenRouters.cpp - routers and their losses -----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"

#include "moe/Reference/Linear.h"

#include <cmath>
#include <limits>

using namespace moe::reference;

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

static void routeTies(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  Routing routing =
      route(logits, data.dim("K"), softmaxScore, nullptr, &logits);
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
}

static void routeTopP(GoldenCase &data) {
  RouteOptions options = softmaxNormalized;
  options.topP = 0.7;
  Routing routing = route(data.tensor("logits"), data.dim("k_max"), options);
  IndexTensor valid(routing.indices.shape);
  for (int64_t i = 0; i < valid.size(); ++i)
    valid(i) = routing.indices(i) >= 0;
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
  data.give("valid", valid);
}

static void routeNoisy(GoldenCase &data) {
  Tensor x = data.tensor("x");
  Tensor softplus = map(matmul(x, data.tensor("w_noise")),
                        [](double v) { return std::log1p(std::exp(v)); });
  Tensor logits = add(matmul(x, data.tensor("w_router")),
                      multiply(data.tensor("noise"), softplus));
  Routing routing =
      route(logits, data.dim("K"), {Score::Identity, Weights::SoftmaxSelected});
  data.give("noisy_logits", logits);
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
}

static void routeDropByProbability(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  Routing routing = route(logits, data.dim("K"), softmaxScore);

  // An expert keeps the most probable of the tokens that selected it.
  Tensor keys = map(softmaxRows(logits), oneHot(routing.indices, logits.cols()),
                    [](double p, double isSelected) {
                      return isSelected != 0
                                 ? p
                                 : -std::numeric_limits<double>::infinity();
                    });
  Selection best = topK(transpose(keys), data.dim("capacity"));
  Tensor isKept = oneHot(best.indices, logits.dim(0));

  IndexTensor kept(routing.indices.shape);
  for (int64_t t = 0; t < kept.dim(0); ++t)
    for (int64_t k = 0; k < kept.dim(1); ++k) {
      kept(t, k) = isKept(routing.indices(t, k), t) != 0;
      routing.weights(t, k) *= kept(t, k);
    }
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
  data.give("kept", kept);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// sum_t x[t,:].
static Tensor columnSums(const Tensor &x) {
  return matmul(Tensor({1, x.dim(0)}, 1), x).reshaped({x.cols()});
}

/// sum_e a_e b_e.
static double dot(const Tensor &a, const Tensor &b) {
  return std::inner_product(a.data.begin(), a.data.end(), b.data.begin(), 0.0);
}

static Tensor scalar(double value) { return Tensor({1}, value); }

/// E / (K T^2) sum_e counts_e sum_t P[t,e].
static double balance(const Tensor &counts, const Tensor &p, int64_t k) {
  double numTokens = p.dim(0);
  return p.cols() * dot(counts, columnSums(p)) / (k * numTokens * numTokens);
}

/// The mean over the rows with weight 1 of logsumexp^2.
static double meanSquaredLse(const Tensor &logits, const Tensor &valid) {
  double sum = 0;
  for (int64_t t = 0; t < logits.dim(0); ++t)
    sum += valid(t) * std::pow(logSumExp(logits.row(t), logits.cols()), 2);
  return sum / dot(valid, Tensor(valid.shape, 1));
}

/// The K best experts of the logits, given as "indices"; returns their counts.
static Tensor giveSelection(GoldenCase &data, const Tensor &logits) {
  IndexTensor indices = topK(logits, data.dim("K")).indices;
  data.give("indices", indices);
  return columnSums(oneHot(indices, logits.cols()));
}

static void lossLoadBalance(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  Tensor counts = giveSelection(data, logits);
  data.give("load_balance",
            scalar(0.02 * balance(counts, softmaxRows(logits), data.dim("K"))));
}

static void lossSequenceBalance(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  Tensor counts = giveSelection(data, logits);
  Tensor p = map(logits, sigmoid);
  for (int64_t t = 0; t < p.dim(0); ++t) {
    double sum = std::accumulate(p.row(t), p.row(t) + p.cols(), 0.0);
    for (int64_t e = 0; e < p.cols(); ++e)
      p(t, e) /= sum;
  }
  data.give("sequence_balance",
            scalar(0.02 * balance(counts, p, data.dim("K"))));
}

static void lossZ(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  giveSelection(data, logits);
  Tensor all({logits.dim(0)}, 1);
  data.give("z_loss", scalar(1e-3 * meanSquaredLse(logits, all)));
}

static void lossMegatron(GoldenCase &data) {
  Tensor logits = data.tensor("logits");
  Tensor counts = giveSelection(data, logits);
  Tensor all({logits.dim(0)}, 1);
  data.give("counts", counts);
  data.give("load_balance",
            scalar(0.02 * balance(counts, softmaxRows(logits), data.dim("K"))));
  data.give("z_loss", scalar(1e-3 * meanSquaredLse(logits, all)));
  data.give("z_loss_masked",
            scalar(1e-3 * meanSquaredLse(logits, data.tensor("valid"))));
}

static void lossHfMixtral(GoldenCase &data) {
  // The layers are pooled; counts are not divided by K.
  auto loss = [&](const Tensor &valid) {
    Tensor counts({data.dim("E")}), mass({data.dim("E")});
    double rows = 0;
    for (const char *name : {"logits0", "logits1"}) {
      Tensor logits = data.tensor(name);
      Tensor selected =
          oneHot(topK(logits, data.dim("K")).indices, logits.cols());
      Tensor mask = valid.reshaped({1, valid.size()});
      counts = add(counts, matmul(mask, selected).reshaped(counts.shape));
      mass = add(mass, matmul(mask, softmaxRows(logits)).reshaped(mass.shape));
      rows += std::accumulate(valid.data.begin(), valid.data.end(), 0.0);
    }
    return scalar(data.dim("E") * dot(counts, mass) / (rows * rows));
  };
  data.give("loss", loss(Tensor({data.dim("T")}, 1)));
  data.give("loss_masked", loss(data.tensor("valid")));
}

std::vector<GoldenComposition> moe::reference::routerCompositions() {
  return {
      {"loss_hf_mixtral", lossHfMixtral},
      {"loss_load_balance", lossLoadBalance},
      {"loss_megatron", lossMegatron},
      {"loss_sequence_balance", lossSequenceBalance},
      {"loss_z_loss", lossZ},
      {"route_capacity_drop_by_probability", routeDropByProbability},
      {"route_noisy_topk", routeNoisy},
      {"route_ties", routeTies},
      {"route_top_p", routeTopP},
  };
}
