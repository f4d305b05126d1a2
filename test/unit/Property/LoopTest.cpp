//===- LoopTest.cpp - loops and what tells iterations apart ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Reference/Loop.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

/// A scalar argument that holds exactly `value`.
static TensorView asIndex(int64_t value) {
  TensorView view = asScalar(0);
  *reinterpret_cast<int64_t *>(const_cast<char *>(view.data)) = value;
  return view;
}

TEST(PropertyTest, IterEncode) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed);
    int64_t size = 2 * draw.between(1, 9), constant = draw.between(0, 50);
    double period = draw.pick({10000.0, 2.0, 0.5, 1e6});
    bool isConstant = draw.chance(0.3);
    Type code(dtype, {size});
    Program program;
    if (isConstant)
      program.line("%k = arith.constant " + std::to_string(constant) +
                   " : index");
    else
      program.scalar("k", "index");
    program.line("%code = moe.iter_encode %k" +
                 (period == 10000 ? std::string()
                                  : " {max_period = " + literal(period) + "}") +
                 " : " + code.str());
    program.result("code", code);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    if (!executable)
      return;
    for (int64_t k : {0, 1, 2, 17, 1000}) {
      Tensor wanted = iterEncode(isConstant ? constant : k, size, period);
      std::vector<TensorView> arguments;
      if (!isConstant)
        arguments.push_back(asIndex(k));
      // Angles are computed in f64 whatever the dtype, and a sine knows an
      // angle of 1000 to 1e-13.
      double rtol = DTypes(draw, seed, /*mayMix=*/false).rtol(dtype);
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol}});
    }
  });
}

namespace {

/// A random moe.iter_adaln, alone or as the body of a moe.loop.
struct AdaLN {
  AdaLN(Draw &draw, DTypes &dtypes, uint64_t seed, bool hasGate)
      : width(draw.width()), code(2 * draw.between(1, 4)), m(hasGate ? 3 : 2),
        activation(static_cast<Activation>(seed % 7)),
        norm(draw.pick({Norm::RMS, Norm::Layer})),
        epsilon(draw.pick({1e-3, 1e-2})), hType(dtypes.next(), {"T", width}),
        vType(dtypes.next(), {code}), projectType(dtypes.next(), {width, code}),
        modulateType(dtypes.next(), {code, m * width}),
        biasType(dtypes.next(), {m * width}) {}

  void declareWeights(Program &program) const {
    program.weight("project", projectType);
    program.weight("modulate", modulateType);
    program.weight("bias", biasType);
  }
  void drawWeights(Draw &draw, std::vector<TensorView> &arguments) {
    project =
        draw.numbers({width, code}, projectType.dtype, 1 / std::sqrt(width));
    modulate = draw.numbers({code, m * width}, modulateType.dtype,
                            1 / std::sqrt(code));
    bias = draw.numbers({m * width}, biasType.dtype);
    arguments.push_back(asView(project, projectType.dtype));
    arguments.push_back(asView(modulate, modulateType.dtype));
    arguments.push_back(asView(bias, biasType.dtype));
  }
  std::string text(const std::string &results, const std::string &h,
                   const std::string &v, const std::string &types) const {
    constexpr const char *activations[] = {
        "none", "silu", "sigmoid", "gelu", "gelu_tanh", "relu", "relu2"};
    return results + " = moe.iter_adaln " + h + ", " + v + " project(" +
           typed("project", projectType) +
           ") modulate(%modulate, %bias : " + modulateType.str() + ", " +
           biasType.str() + ") act(" +
           activations[static_cast<int>(activation)] + ") norm(" +
           (norm == Norm::RMS ? "rms" : "layer") +
           ") {epsilon = " + literal(epsilon) + "} : " + hType.str() + ", " +
           vType.str() + " -> " + types;
  }
  Modulated reference(const Tensor &h, const Tensor &v) const {
    return iterAdaLN(h, v, project, modulate, bias, activation, norm, epsilon);
  }

  int64_t width, code, m;
  Activation activation;
  Norm norm;
  double epsilon;
  Type hType, vType, projectType, modulateType, biasType;
  Tensor project, modulate, bias;
};

} // namespace

TEST(PropertyTest, IterAdaLN) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    bool hasGate = draw.chance(0.5);
    AdaLN op(draw, dtypes, seed, hasGate);
    Type n(dtypes.next(), {"T", op.width}),
        alpha(dtypes.next(), {"T", op.width});
    Program program;
    program.input("h", op.hType);
    program.input("v", op.vType);
    op.declareWeights(program);
    program.line(op.text(hasGate ? "%n, %alpha" : "%n", "%h", "%v",
                         hasGate ? n.str() + ", " + alpha.str() : n.str()));
    program.result("n", n);
    if (hasGate)
      program.result("alpha", alpha);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t tokens : {0, 1, 2, 13}) {
      if (!executable)
        return;
      Tensor h = draw.numbers({tokens, op.width}, op.hType.dtype),
             v = draw.numbers({op.code}, op.vType.dtype);
      std::vector<TensorView> arguments = {asView(h, op.hType.dtype),
                                           asView(v, op.vType.dtype)};
      op.drawWeights(draw, arguments);
      Modulated result = op.reference(h, v);
      auto wanted = [&](const Tensor &tensor, MoertDType dtype) {
        double rtol = dtypes.rtol(dtype);
        return Wanted{asView(tensor, MOERT_F64), rtol, 4 * rtol};
      };
      std::vector<Wanted> all = {wanted(result.n, n.dtype)};
      if (hasGate)
        all.push_back(wanted(result.alpha, alpha.dtype));
      executable->expect(arguments, all);
    }
  });
}

// h is normed again and again, by what the number of the iteration says; each
// iteration's h is kept, and the iterations are counted.
TEST(PropertyTest, Loop) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed, /*mayMix=*/false);
    AdaLN op(draw, dtypes, seed, /*hasGate=*/false);
    op.activation = Activation::Sigmoid; // bounded: no iteration overflows
    enum {
      Constant,
      Dimension,
      Argument
    } kind = std::array{Constant, Dimension, Argument}[seed % 3];
    int64_t trips = draw.between(0, 4), limit = 5;
    Dim n = kind == Constant ? Dim(trips) : Dim("N");
    Type stacked(op.hType.dtype, {n, "T", op.width}), steps(MOERT_F32, {n});
    Program program;
    program.input("h", op.hType);
    op.declareWeights(program);
    if (kind == Constant)
      program.line("%n = arith.constant " + std::to_string(trips) + " : index");
    if (kind == Argument)
      program.scalar("n", "index");
    if (kind == Dimension) {
      program.input("steps", steps);
      program.line("%c0 = arith.constant 0 : index");
      program.line("%n = tensor.dim %steps, %c0 : " + steps.str());
    }
    bool hasStack = kind != Argument; // no argument has the size of that one
    program.line("%zero = arith.constant 0 : index");
    program.line("%one = arith.constant 1 : index");
    program.line(
        "%last, %count" + std::string(hasStack ? ", %all" : "") +
        " = moe.loop %n" +
        (kind == Argument ? " max " + std::to_string(limit) : "") +
        " init(%h, %zero : " + op.hType.str() + ", index) {\n" +
        "  ^bb0(%k: index, %state: " + op.hType.str() + ", %i: index):\n" +
        "    %code = moe.iter_encode %k : " + op.vType.str() + "\n    " +
        op.text("%next", "%state", "%code", op.hType.str()) +
        "\n    %more = arith.addi %i, %one : index\n" +
        "    moe.yield %next, %more : " + op.hType.str() + ", index" +
        (hasStack ? " stack(" + typed("next", op.hType) + ")" : "") +
        "\n  } -> " + op.hType.str() + ", index" +
        (hasStack ? " stack(" + stacked.str() + ")" : ""));
    program.result("last", op.hType);
    program.scalarResult("count", "index");
    if (hasStack)
      program.result("all", stacked);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t tokens : {0, 1, 2, 13}) {
      if (!executable)
        return;
      if (kind == Dimension)
        trips = draw.between(0, 4);
      int64_t given = kind == Argument ? draw.between(-1, 7) : trips;
      int64_t runs =
          std::clamp<int64_t>(given, 0, kind == Argument ? limit : given);
      Tensor h = draw.numbers({tokens, op.width}, op.hType.dtype);
      std::vector<TensorView> arguments = {asView(h, op.hType.dtype)};
      op.drawWeights(draw, arguments);
      if (kind == Argument)
        arguments.push_back(asIndex(given));
      if (kind == Dimension)
        arguments.push_back(asView(Tensor({trips}), MOERT_F32));

      std::vector<Tensor> states;
      Tensor state = h;
      for (int64_t k = 0; k < runs; ++k) {
        state = rounded(state, op.hType.dtype);
        states.push_back(state =
                             op.reference(state, rounded(iterEncode(k, op.code),
                                                         op.vType.dtype))
                                 .n);
      }
      double rtol = dtypes.rtol(op.hType.dtype) * std::sqrt(runs + 1);
      std::vector<Wanted> wanted = {{asView(state, MOERT_F64), rtol, 4 * rtol},
                                    {asIndex(runs)}};
      if (hasStack)
        wanted.push_back(
            {asView(stack(states, h.shape), MOERT_F64), rtol, 4 * rtol});
      executable->expect(arguments, wanted,
                         given > runs ? MOERT_TOO_LARGE : MOERT_OK);
    }
  });
}
