//===- DagTest.cpp - collect and dag_aggregate
//-----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"
#include "moe/Reference/Dag.h"
#include "moe/Reference/Routing.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// A graph on K = 3 slots of width 5, with everything that can be absent.
struct Graph {
  Graph(Draw &draw, MoertDType dtype, int64_t depth)
      : dtype(dtype), edges(draw.numbers({3, 3}, dtype)),
        gamma(draw.numbers({depth, 5}, dtype)),
        down(draw.numbers({depth, 5, 4}, dtype, 0.4)),
        message(draw.numbers({depth, 4, 16}, dtype, 0.5)),
        up(draw.numbers({depth, 4, 5}, dtype, 0.3)) {}

  void declare(Program &program) const {
    for (auto [name, tensor] : weights())
      program.weight(name, typeOf(*tensor));
  }

  std::string op() const {
    return " edges(" + typed("edges", typeOf(edges)) + ") norm layer(" +
           typed("gamma", typeOf(gamma)) + ") down(" +
           typed("down", typeOf(down)) + ") message sigmoid(" +
           typed("message", typeOf(message)) + ") up(" +
           typed("up", typeOf(up)) +
           ") {epsilon = 1.0e-5 : f64, residual_scale = 0.5 : f64}";
  }

  void append(std::vector<TensorView> &arguments) const {
    for (auto [name, tensor] : weights())
      arguments.push_back(asView(*tensor, dtype));
  }

  Tensor operator()(const Tensor &slots, const Tensor &scales,
                    const Tensor &residual, const IndexTensor &mask) const {
    DagOptions options;
    options.weights = &scales;
    options.residual = &residual;
    options.mask = &mask;
    options.edges = &edges;
    options.norm = Norm::Layer;
    options.gate = Activation::Sigmoid;
    options.epsilon = 1e-5;
    options.residualScale = 0.5;
    return dagAggregate(slots, gamma, down, message, up, options);
  }

private:
  std::vector<std::pair<const char *, const Tensor *>> weights() const {
    return {{"edges", &edges},
            {"gamma", &gamma},
            {"down", &down},
            {"message", &message},
            {"up", &up}};
  }
  Type typeOf(const Tensor &tensor) const {
    return {dtype, std::vector<Dim>(tensor.shape.begin(), tensor.shape.end())};
  }

  MoertDType dtype;
  Tensor edges, gamma, down, message, up;
};

} // namespace

// rows -> collect -> dag_aggregate, in each data type and depth, where slots
// have no row and the rows that none has are not numbers.
TEST(DagTest, AgreesWithTheReference) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed);
    Graph graph(draw, dtype, seed % 3);
    Type rows(dtype, {"S", 5}), slotRow(MOERT_I32, {"T", 3}),
        scales(dtype, {"T", 3}), residual(dtype, {"T", 5}),
        slots(dtype, {"T", 3, 5}), y(dtype, {"T", 5});
    Program program;
    program.input("rows", rows);
    program.input("slot_row", slotRow);
    program.input("scales", scales);
    program.input("residual", residual);
    graph.declare(program);
    program.line("%slots = moe.collect %rows[%slot_row] : " + rows.str() +
                 ", " + slotRow.str() + " -> " + slots.str());
    program.line("%y = moe.dag_aggregate %slots weights(" +
                 typed("scales", scales) + ") residual(" +
                 typed("residual", residual) + ") mask(" +
                 typed("slot_row", slotRow) + ")" + graph.op() + " : " +
                 slots.str() + " -> " + y.str());
    program.result("slots", slots);
    program.result("y", y);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    ASSERT_TRUE(executable);
    for (int64_t tokens : {int64_t(0), int64_t(1), draw.size()}) {
      int64_t numRows = 3 * tokens;
      IndexTensor index = draw.indices({tokens, 3}, -1, numRows - 1);
      Tensor values = draw.numbers({numRows, 5}, dtype),
             factors = draw.numbers({tokens, 3}, dtype),
             shared = draw.numbers({tokens, 5}, dtype);
      for (int64_t i = 0; i < index.size(); ++i)
        if (index(i) < 0)
          factors(i) = std::numeric_limits<double>::infinity();
      Tensor collected = collect(values, index);
      std::vector<TensorView> arguments = {asView(values, dtype), asView(index),
                                           asView(factors, dtype),
                                           asView(shared, dtype)};
      graph.append(arguments);
      double rtol = defaultRtol(dtype);
      executable->expect(
          arguments,
          {{asView(collected, MOERT_F64), 0},
           {asView(graph(collected, factors, shared, index), MOERT_F64), rtol,
            rtol}});
    }
  }
}
