//===- GoldenModules.cpp - aggregation, loops and transport ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"

#include "moe/Reference/Dag.h"
#include "moe/Reference/Loop.h"
#include "moe/Reference/Transport.h"

using namespace moe::reference;

//===----------------------------------------------------------------------===//
// DAG
//===----------------------------------------------------------------------===//

static DagOptions dagOptions(Norm norm, Activation gate) {
  DagOptions options;
  options.norm = norm;
  options.gate = gate;
  options.epsilon = 1e-6;
  return options;
}

static Tensor dag(const GoldenCase &data, const Tensor &slots,
                  const DagOptions &options) {
  return dagAggregate(slots, data.tensor("gamma"), data.tensor("w_down"),
                      data.tensor("w_c"), data.tensor("w_up"), options);
}

static void dagModule(GoldenCase &data, DagOptions options) {
  Tensor weights = data.tensor("weights"), residual = data.tensor("residual");
  options.weights = &weights;
  options.residual = &residual;
  IndexTensor mask;
  if (data.has("mask")) {
    mask = data.indices("mask");
    for (int32_t &live : mask.data)
      live -= 1; // 0 live, -1 masked
    options.mask = &mask;
  }
  data.give("y", dag(data, data.tensor("slots"), options));
}

static void dagSiluRms(GoldenCase &data) {
  dagModule(data, dagOptions(Norm::RMS, Activation::SiLU));
}
static void dagSigmoidLayer(GoldenCase &data) {
  dagModule(data, dagOptions(Norm::Layer, Activation::Sigmoid));
}
static void dagProMoe(GoldenCase &data) {
  dagModule(data, dagOptions(Norm::RMS, Activation::GELUTanh));
}

static void dagLayer(GoldenCase &data) {
  Tensor x = data.tensor("x");
  Routing routing = route(matmul(x, data.tensor("w_router")), data.dim("K"),
                          softmaxNormalized);
  Grouping grouping = group(routing.indices, data.dim("E"));
  Tensor rows = runExperts(x, grouping, data.dim("K"),
                           ExpertOperands(data, "", "_expert").ffn);
  Tensor slots = collect(rows, grouping.slotRow);

  DagOptions options = dagOptions(Norm::RMS, Activation::SiLU);
  options.weights = &routing.weights;
  options.residual = &x;
  data.give("indices", routing.indices);
  data.give("weights", routing.weights);
  data.give("slots", slots);
  data.give("y", dag(data, slots, options));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// v_k = silu(code mlp_w1 + mlp_b1) mlp_w2 + mlp_b2.
static Tensor iterationVector(const GoldenCase &data, const Tensor &code) {
  Tensor hidden =
      add(matmul(code.reshaped({1, code.size()}), data.tensor("mlp_w1")),
          data.tensor("mlp_b1"));
  hidden = map(hidden, [](double v) { return activate(Activation::SiLU, v); });
  Tensor v = add(matmul(hidden, data.tensor("mlp_w2")), data.tensor("mlp_b2"));
  return v.reshaped({v.size()});
}

static Modulated modulate(const GoldenCase &data, const Tensor &h,
                          const Tensor &v, Norm norm) {
  return iterAdaLN(h, v, data.tensor("w_h"), data.tensor("w_mod"),
                   data.tensor("b_mod"), Activation::SiLU, norm, 1e-6);
}

static void iterModulation(GoldenCase &data, Norm norm) {
  Tensor code = iterEncode(data.dim("k"), data.dim("dp"));
  Tensor v = iterationVector(data, code);
  Modulated modulated = modulate(data, data.tensor("h"), v, norm);
  data.give("code", code);
  data.give("v", v);
  data.give("n", modulated.n);
  if (data.dim("m") == 3)
    data.give("gate", modulated.alpha);
}

static void iterAdaLNRms(GoldenCase &data) { iterModulation(data, Norm::RMS); }
static void iterAdaLNLayer(GoldenCase &data) {
  iterModulation(data, Norm::Layer);
}

static void loopedLayer(GoldenCase &data) {
  Tensor h = data.tensor("h"), wRouter = data.tensor("w_router");
  ExpertOperands experts(data);
  std::vector<Tensor> allLogits, allWeights, allStates;
  std::vector<IndexTensor> allIndices;
  for (int64_t k = 0; k < data.dim("iterations"); ++k) {
    Tensor v = iterationVector(data, iterEncode(k, data.dim("dp")));
    Modulated modulated = modulate(data, h, v, Norm::RMS);
    Tensor logits = matmul(modulated.n, wRouter);
    Routing routing = route(logits, data.dim("K"), softmaxNormalized);
    h = add(h, multiply(modulated.alpha,
                        mixture(modulated.n, routing, experts.ffn)));
    allLogits.push_back(logits);
    allIndices.push_back(routing.indices);
    allWeights.push_back(routing.weights);
    allStates.push_back(h);
  }
  data.give("h3", h);
  data.give("logits_all", stack(allLogits, allLogits[0].shape));
  data.give("indices_all", stack(allIndices, allIndices[0].shape));
  data.give("weights_all", stack(allWeights, allWeights[0].shape));
  data.give("h_all", stack(allStates, h.shape));
}

//===----------------------------------------------------------------------===//
// Transport
//===----------------------------------------------------------------------===//

static void sinkhornPlan(GoldenCase &data, int64_t iterations, FinalStep last) {
  Tensor row, col;
  bool hasMarginals = data.has("row_marginal");
  if (hasMarginals) {
    row = data.tensor("row_marginal");
    col = data.tensor("column_marginal");
  }
  data.give("plan",
            sinkhorn(data.tensor("scores"), data.tensor("temperature")(0),
                     iterations, last, hasMarginals ? &row : nullptr,
                     hasMarginals ? &col : nullptr));
}

static void sinkhornCol(GoldenCase &data) {
  sinkhornPlan(data, 20, FinalStep::Col);
}
static void sinkhornConverged(GoldenCase &data) {
  sinkhornPlan(data, 200, FinalStep::Col);
}
static void sinkhornRowMarginals(GoldenCase &data) {
  sinkhornPlan(data, 30, FinalStep::Row);
}

static void assignment(GoldenCase &data) {
  Tensor scores = data.tensor("scores"), plan = data.tensor("plan");
  IndexTensor capacity = data.indices("capacity");
  data.give("member_greedy", assign(scores, capacity, AssignMethod::Greedy));
  data.give("member_exact", assign(scores, capacity, AssignMethod::Exact));
  data.give("member_greedy_plan", assign(plan, capacity, AssignMethod::Greedy));
}

/// n/E neurons an expert.
static IndexTensor evenCapacity(const GoldenCase &data) {
  return IndexTensor({data.dim("E")},
                     static_cast<int32_t>(data.dim("n") / data.dim("E")));
}

static void dotSinkhorn(GoldenCase &data) {
  const std::pair<const char *, double> temperatures[] = {
      {"tau1", 1.0}, {"tau0_3", 0.3}, {"tau0_1", 0.1}};
  for (auto [suffix, tau] : temperatures) {
    Tensor plan = sinkhorn(data.tensor("scores"), tau, 50, FinalStep::Col);
    IndexTensor member = assign(plan, evenCapacity(data), AssignMethod::Greedy);
    data.give(std::string("plan_") + suffix, plan);
    data.give(std::string("member_") + suffix, member);
    data.give(std::string("hard_") + suffix,
              straightThrough(oneHot(member, data.dim("E")), plan));
  }
}

/// The rows of w[n,d] in the order of the experts, cut into [E,n/E,d].
static Tensor carveRows(const Tensor &w, const Grouping &grouping) {
  int64_t numExperts = grouping.offsets.size() - 1;
  return dispatch(w, grouping.rowSlot, 1)
      .reshaped({numExperts, w.dim(0) / numExperts, w.cols()});
}

/// The columns of w[d,n] in the order of the experts, cut into [E,d,n/E].
static Tensor carveColumns(const Tensor &w, const Grouping &grouping) {
  Tensor rows = carveRows(transpose(w), grouping);
  Tensor result({rows.dim(0), rows.dim(2), rows.dim(1)});
  for (int64_t e = 0; e < rows.dim(0); ++e) {
    Tensor expert = transpose(rows.slice(e));
    std::copy(expert.data.begin(), expert.data.end(),
              result.data.begin() + e * expert.size());
  }
  return result;
}

static void dotMaskedFFN(GoldenCase &data) {
  Tensor x = data.tensor("x"), wGate = data.tensor("w_gate"),
         wUp = data.tensor("w_up"), wDown = data.tensor("w_down");
  int64_t n = data.dim("n"), numExperts = data.dim("E"), k = data.dim("K");
  // The source ran in f64 at 0.3; the stored temperature is rounded to f32.
  Tensor plan = sinkhorn(data.tensor("scores"), 0.3, 50, FinalStep::Col);
  IndexTensor member = assign(plan, evenCapacity(data), AssignMethod::Greedy);
  Tensor assignment = straightThrough(oneHot(member, numExperts), plan);

  Tensor p = softmaxRows(matmul(x, data.tensor("w_router")));
  IndexTensor indices = topK(p, k).indices;
  Tensor routing = straightThrough(oneHot(indices, numExperts), p);

  // The training form: all neurons, those of other experts masked.
  Tensor hidden =
      multiply(map(matmul(x, wGate),
                   [](double v) { return activate(Activation::SiLU, v); }),
               matmul(x, wUp));
  Tensor mask = matmul(routing, transpose(assignment));
  data.give("y", matmul(multiply(hidden, mask), wDown));

  // The deployed form: a neuron is a token that goes to its expert.
  Grouping neurons = group(member.reshaped({n, 1}), numExperts);
  Tensor gate = carveColumns(wGate, neurons), up = carveColumns(wUp, neurons),
         down = carveRows(wDown, neurons);
  FeedForward ffn;
  ffn.gate = &gate;
  ffn.up = &up;
  ffn.down = &down;
  Grouping grouping = group(indices, numExperts);
  data.give("y_sparse",
            combine(runExperts(x, grouping, k, ffn), grouping.slotRow));

  data.give("plan", plan);
  data.give("member", member);
  data.give("indices", indices);
  data.give("perm", neurons.rowSlot);
  data.give("w_gate_carved", gate);
  data.give("w_up_carved", up);
  data.give("w_down_carved", down);
}

std::vector<GoldenComposition> moe::reference::moduleCompositions() {
  return {
      {"assign", assignment},
      {"dag_l1_silu_rms", dagSiluRms},
      {"dag_l2_sigmoid_layer", dagSigmoidLayer},
      {"dag_l3_silu_rms_mask", dagSiluRms},
      {"dag_layer", dagLayer},
      {"dag_promoe", dagProMoe},
      {"dot_masked_ffn", dotMaskedFFN},
      {"dot_sinkhorn", dotSinkhorn},
      {"iter_adaln_m2_rms", iterAdaLNRms},
      {"iter_adaln_m3_layer", iterAdaLNLayer},
      {"loop_m3_k3", loopedLayer},
      {"sinkhorn_col", sinkhornCol},
      {"sinkhorn_converged", sinkhornConverged},
      {"sinkhorn_row_marginals", sinkhornRowMarginals},
  };
}
