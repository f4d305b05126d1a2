//===- ComposedTest.cpp - carved experts, in a loop, in a DAG
//--------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// examples/composed.mlir against the same layer put together from the reference
// implementations of its ops.

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"
#include "moe/Reference/Dag.h"
#include "moe/Reference/Experts.h"
#include "moe/Reference/Loop.h"
#include "moe/Reference/Routing.h"
#include "moe/Reference/Transport.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// The operands of the example, in its order.
struct Operands {
  explicit Operands(Draw &draw, int64_t tokens)
      : x(draw.numbers({tokens, 16}, MOERT_F32)),
        scores(draw.numbers({24, 4}, MOERT_F32)),
        gate(draw.numbers({16, 24}, MOERT_F32, 0.25)),
        up(draw.numbers({16, 24}, MOERT_F32, 0.25)),
        down(draw.numbers({24, 16}, MOERT_F32, 0.2)),
        w1(draw.numbers({8, 10}, MOERT_F32, 0.35)),
        b1(draw.numbers({10}, MOERT_F32)),
        w2(draw.numbers({10, 8}, MOERT_F32, 0.3)),
        b2(draw.numbers({8}, MOERT_F32)),
        project(draw.numbers({16, 8}, MOERT_F32, 0.1)),
        modulate(draw.numbers({8, 32}, MOERT_F32, 0.3)),
        bias(draw.numbers({32}, MOERT_F32, 0.3)),
        router(draw.numbers({16, 4}, MOERT_F32, 0.25)),
        gamma(draw.numbers({2, 16}, MOERT_F32)),
        dagDown(draw.numbers({2, 16, 6}, MOERT_F32, 0.25)),
        dagMessage(draw.numbers({2, 6, 24}, MOERT_F32, 0.4)),
        dagUp(draw.numbers({2, 6, 16}, MOERT_F32, 0.4)) {}

  Tensor x, scores, gate, up, down, w1, b1, w2, b2, project, modulate, bias,
      router, gamma, dagDown, dagMessage, dagUp;

  std::vector<TensorView> views() const {
    std::vector<TensorView> result;
    for (const Tensor *tensor :
         {&x, &scores, &gate, &up, &down, &w1, &b1, &w2, &b2, &project,
          &modulate, &bias, &router, &gamma, &dagDown, &dagMessage, &dagUp})
      result.push_back(asView(*tensor, MOERT_F32));
    return result;
  }
};

/// Rows of [n,d] in the order of the experts, cut into [E,n/E,d].
Tensor carveRows(const Tensor &w, const Grouping &neurons) {
  return dispatch(w, neurons.rowSlot, 1).reshaped({4, w.dim(0) / 4, w.cols()});
}

/// Columns of [d,n] in that order, cut into [E,d,n/E].
Tensor carveColumns(const Tensor &w, const Grouping &neurons) {
  Tensor rows = carveRows(transpose(w), neurons);
  Tensor result({rows.dim(0), rows.dim(2), rows.dim(1)});
  for (int64_t e = 0; e < 4; ++e)
    for (int64_t i = 0; i < rows.dim(1); ++i)
      for (int64_t j = 0; j < rows.dim(2); ++j)
        result(e, j, i) = rows(e, i, j);
  return result;
}

struct Results {
  Tensor y;
  IndexTensor member, indices;
};

Results compose(const Operands &w) {
  Tensor plan = sinkhorn(w.scores, static_cast<float>(0.3), 50, FinalStep::Col);
  IndexTensor member = assign(plan, IndexTensor({4}, 6), AssignMethod::Greedy);
  Grouping neurons = group(member.reshaped({24, 1}), 4);
  Tensor gate = carveColumns(w.gate, neurons), up = carveColumns(w.up, neurons),
         down = carveRows(w.down, neurons);
  FeedForward ffn;
  ffn.gate = &gate;
  ffn.up = &up;
  ffn.down = &down;

  auto silu = [](double v) { return activate(Activation::SiLU, v); };
  Tensor h = w.x;
  std::vector<IndexTensor> allIndices;
  for (int64_t k = 0; k < 3; ++k) {
    Tensor code = iterEncode(k, 8).reshaped({1, 8});
    Tensor v =
        add(matmul(map(add(matmul(code, w.w1), w.b1), silu), w.w2), w.b2);
    Modulated modulated = iterAdaLN(h, v.reshaped({8}), w.project, w.modulate,
                                    w.bias, Activation::SiLU, Norm::RMS, 1e-6);
    RouteOptions options;
    options.score = Score::Softmax;
    options.weights = Weights::Unit;
    Routing routing = route(matmul(modulated.n, w.router), 2, options);
    Grouping grouping = group(routing.indices, 4);
    Tensor outputs = expertFFN(dispatch(modulated.n, grouping.rowSlot, 2),
                               grouping.offsets, ffn);
    DagOptions dag;
    dag.weights = &routing.weights;
    dag.residual = &modulated.n;
    dag.mask = &grouping.slotRow;
    dag.epsilon = 1e-6;
    Tensor sum = dagAggregate(collect(outputs, grouping.slotRow), w.gamma,
                              w.dagDown, w.dagMessage, w.dagUp, dag);
    h = add(h, sum);
    allIndices.push_back(routing.indices);
  }
  return {h, member, stack(allIndices, {w.x.dim(0), 2})};
}

TEST(ComposedTest, AgreesWithTheReference) {
  auto file = llvm::MemoryBuffer::getFile(MOE_TEST_DATA_DIR
                                          "/../examples/composed.mlir");
  ASSERT_TRUE(file) << file.getError().message();
  std::optional<Executable> layer =
      Executable::compile((*file)->getBuffer().str());
  ASSERT_TRUE(layer);
  Draw draw(4);
  for (int64_t tokens : {0, 1, 7, 40}) {
    Operands operands(draw, tokens);
    Results wanted = compose(operands);
    // Three iterations, each as far off as a layer may be.
    double rtol = defaultRtol(MOERT_F32) * std::sqrt(3.0);
    layer->expect(operands.views(), {{asView(wanted.y, MOERT_F64), rtol},
                                     exactly(wanted.member),
                                     exactly(wanted.indices)});
  }
}

} // namespace
