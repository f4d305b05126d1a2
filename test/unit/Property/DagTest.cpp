//===- DagTest.cpp - collect and dag_aggregate on random programs ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Reference/Dag.h"
#include "moe/Reference/Routing.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

TEST(PropertyTest, Collect) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType rowsType = dtypes.next(), slotsType = dtypes.next();
    int64_t width = draw.width(), slots = draw.between(1, 5);
    Type rows(rowsType, {"S", width}), slotRow(MOERT_I32, {"T", slots}),
        result(slotsType, {"T", slots, width});
    Program program;
    program.input("rows", rows);
    program.input("slot_row", slotRow);
    program.line("%slots = moe.collect %rows[%slot_row] : " + rows.str() +
                 ", " + slotRow.str() + " -> " + result.str());
    program.result("slots", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 6; ++call) {
      int64_t numRows = draw.size();
      Tensor input = draw.wildNumbers({numRows, width}, rowsType);
      IndexTensor row =
          draw.indices({call ? draw.size() : 0, slots}, -1, numRows - 1);
      MoertStatus status = MOERT_OK;
      if (draw.chance(0.3) && row.size()) {
        row.data[draw.between(0, row.size() - 1)] =
            draw.pick<int32_t>({-2, int32_t(numRows), INT32_MAX, INT32_MIN});
        status = MOERT_INDEX_OUT_OF_RANGE;
      }
      executable->expect({asView(input, rowsType), asView(row)},
                         {{asView(collect(input, row), slotsType)}}, status);
    }
  });
}

namespace {

/// A random moe.dag_aggregate.
class DagProgram {
public:
  explicit DagProgram(uint64_t seed);

  std::string text();
  void check(const Executable &executable, int64_t tokens);

private:
  /// An operand of the op, which may be absent, and how it is drawn.
  struct Operand {
    const char *name;
    bool isPresent;
    Type type;
    double sigma = 1;
    Tensor value = Tensor();
    const Tensor *get() const { return isPresent ? &value : nullptr; }
  };
  std::string operandText(const char *before, const Operand &operand) const;

  Draw draw;
  DTypes dtypes;
  int64_t slots, width, inner, depth;
  bool hasMask, isPacked;
  MoertDType resultType;
  DagOptions options;
  std::vector<Operand> operands;
  enum { Slots, Weights, Residual, Edges, Gamma, Down, Message, Up };
};

} // namespace

DagProgram::DagProgram(uint64_t seed)
    : draw(seed), dtypes(draw, seed), slots(draw.between(1, 4)),
      width(draw.width()), inner(draw.pick<int64_t>({1, 3, 4})),
      depth(draw.between(0, 3)), hasMask(draw.chance(0.5)),
      isPacked(draw.chance(0.5)) {
  auto add = [&](const char *name, double chance, std::vector<Dim> dims,
                 double sigma) {
    bool isPresent = draw.chance(chance);
    operands.push_back(
        {name, isPresent,
         Type(isPresent ? dtypes.next() : MOERT_F32, std::move(dims)), sigma});
  };
  add("slots", 1, {"T", slots, width}, 1);
  add("weights", 0.6, {"T", slots}, 0.5);
  add("residual", 0.6, {"T", width}, 1);
  add("edges", 0.4, {slots, slots}, 1);
  add("gamma", 1, {depth, width}, 1);
  add("down", 1, {depth, width, inner}, 1 / std::sqrt(width));
  add("message", 1, {depth, inner, 4 * inner}, 1 / std::sqrt(inner));
  add("up", 1, {depth, inner, width}, 1 / std::sqrt(inner));
  resultType = dtypes.next();
  options.norm = draw.pick({Norm::RMS, Norm::Layer});
  options.gate = static_cast<Activation>(seed % 7);
  options.epsilon = draw.pick({1e-3, 1e-2});
  if (operands[Residual].isPresent && draw.chance(0.5))
    options.residualScale = draw.uniform(-1, 1);
}

std::string DagProgram::operandText(const char *before,
                                    const Operand &operand) const {
  return operand.isPresent ? std::string(before) + "(" +
                                 typed(operand.name, operand.type) + ")"
                           : "";
}

std::string DagProgram::text() {
  constexpr const char *gates[] = {"none",      "silu", "sigmoid", "gelu",
                                   "gelu_tanh", "relu", "relu2"};
  Type mask(MOERT_I32, {"T", slots}), y(resultType, {"T", width});
  Program program;
  for (const auto &[i, operand] : llvm::enumerate(operands)) {
    if (!operand.isPresent)
      continue;
    isPacked &&i >= Edges ? program.weight(operand.name, operand.type)
                          : program.input(operand.name, operand.type);
  }
  if (hasMask)
    program.input("mask", mask);
  std::string op = "%y = moe.dag_aggregate %slots" +
                   operandText(" weights", operands[Weights]) +
                   operandText(" residual", operands[Residual]);
  if (hasMask)
    op += " mask(" + typed("mask", mask) + ")";
  op += operandText(" edges", operands[Edges]) + "\n    norm " +
        (options.norm == Norm::RMS ? "rms" : "layer") +
        operandText("", operands[Gamma]) +
        operandText(" down", operands[Down]) + " message " +
        gates[static_cast<int>(options.gate)] +
        operandText("", operands[Message]) + operandText(" up", operands[Up]) +
        " {epsilon = " + literal(options.epsilon);
  if (options.residualScale)
    op += ", residual_scale = " + literal(*options.residualScale);
  program.line(op + "} : " + operands[Slots].type.str() + " -> " + y.str());
  program.result("y", y);
  return program.text();
}

void DagProgram::check(const Executable &executable, int64_t tokens) {
  std::vector<TensorView> arguments;
  IndexTensor mask = draw.indices({tokens, slots}, -2, 5);
  for (Operand &operand : operands) {
    if (!operand.isPresent)
      continue;
    Shape shape;
    for (const Dim &dim : operand.type.dims)
      shape.push_back(dim.name.empty() ? dim.size : tokens);
    operand.value = draw.numbers(shape, operand.type.dtype, operand.sigma);
    // What a masked node holds reaches nothing.
    for (int64_t i = 0;
         hasMask && &operand == &operands[Slots] && i < mask.size(); ++i)
      if (mask(i) < 0)
        operand.value.row(i)[0] = draw.pick({NaN, inf, 1.0});
    arguments.push_back(asView(operand.value, operand.type.dtype));
  }
  if (hasMask)
    arguments.push_back(asView(mask));
  DagOptions all = options;
  all.weights = operands[Weights].get();
  all.residual = operands[Residual].get();
  all.edges = operands[Edges].get();
  all.mask = hasMask ? &mask : nullptr;
  Tensor wanted = dagAggregate(operands[Slots].value, operands[Gamma].value,
                               operands[Down].value, operands[Message].value,
                               operands[Up].value, all);
  // A norm divides by as little as the root of epsilon, in each layer.
  double rtol = dtypes.rtol(resultType), atol = rtol * slots * (1 + 4 * depth);
  executable.expect(arguments, {{asView(wanted, MOERT_F64), rtol, atol}});
}

TEST(PropertyTest, DagAggregate) {
  forEachSeed(8, [](uint64_t seed) {
    DagProgram program(seed);
    SCOPED_TRACE(program.text());
    if (std::optional<Executable> executable =
            Executable::compile(program.text()))
      for (int64_t tokens : {0, 1, 3, 12})
        program.check(*executable, tokens);
  });
}
