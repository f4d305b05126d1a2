//===- LoopTest.cpp - loops, and what tells their iterations apart
//---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"
#include "moe/Reference/Linear.h"
#include "moe/Reference/Loop.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// x @ w of the state, which is swapped with another one, and a count; the trip
/// count is %n.
constexpr const char *kSwap = R"(
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : i32
  %none = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %a, %b, %steps, %all, %numbers = moe.loop TRIPS
      init(%x, %y, %none : tensor<?x3xf32>, tensor<?x3xf32>, i32) {
  ^bb0(%k: index, %g: tensor<?x3xf32>, %h: tensor<?x3xf32>, %count: i32):
    %tokens = tensor.dim %g, %c0 : tensor<?x3xf32>
    %empty = tensor.empty(%tokens) : tensor<?x3xf32>
    %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
    %product = linalg.matmul ins(%g, %w : tensor<?x3xf32>, tensor<3x3xf32>)
                             outs(%zeros : tensor<?x3xf32>) -> tensor<?x3xf32>
    %next = arith.addi %count, %one : i32
    moe.yield %h, %product, %next : tensor<?x3xf32>, tensor<?x3xf32>, i32
      stack(%h, %count : tensor<?x3xf32>, i32)
  } -> tensor<?x3xf32>, tensor<?x3xf32>, i32 stack(STACK)
)";

constexpr const char *kHead = R"(
func.func @main(
    %x: tensor<?x3xf32> {moe.dims = ["T", ""]},
    %y: tensor<?x3xf32> {moe.dims = ["T", ""]},
    %w: tensor<3x3xf32> {moe.weight}EXTRA)
    -> (tensor<?x3xf32> {moe.dims = ["T", ""]},
        tensor<?x3xf32> {moe.dims = ["T", ""]}, i32RESULTS) {
)";

std::string replaced(std::string text, llvm::StringRef from,
                     llvm::StringRef to) {
  size_t at = text.find(from.str());
  return text.replace(at, from.size(), to.str());
}

/// What kSwap computes.
struct Swapped {
  Tensor a, b;
  std::vector<Tensor> states;
};
Swapped swapLoop(Tensor a, Tensor b, const Tensor &w, int64_t trips) {
  std::vector<Tensor> states;
  for (int64_t k = 0; k < trips; ++k) {
    states.push_back(b);
    Tensor product = matmul(a, w);
    a = b;
    b = product;
  }
  return {a, b, states};
}

Wanted close(const Tensor &tensor) {
  return {asView(tensor, MOERT_F64), defaultRtol(MOERT_F32)};
}

/// An i32, as a result.
Wanted count(int64_t number) {
  return {asScalar(static_cast<double>(number), MOERT_I32), 0};
}

} // namespace

TEST(LoopTest, ConstantTripCount) {
  for (int64_t trips : {0, 1, 2, 5}) {
    std::string n = std::to_string(trips);
    std::string text =
        replaced(replaced(kHead, "EXTRA", ""), "RESULTS",
                 ", tensor<" + n +
                     "x?x3xf32> {moe.dims = [\"\", \"T\", \"\"]}, tensor<" + n +
                     "xi32>");
    text += "  %trips = arith.constant " + n + " : index\n";
    text += replaced(replaced(kSwap, "TRIPS", "%trips"), "STACK",
                     "tensor<" + n + "x?x3xf32>, tensor<" + n + "xi32>");
    text += "  return %a, %b, %steps, %all, %numbers : tensor<?x3xf32>, "
            "tensor<?x3xf32>, i32, tensor<" +
            n + "x?x3xf32>, tensor<" + n + "xi32>\n}\n";
    SCOPED_TRACE(text);
    std::optional<Executable> loop = Executable::compile(text);
    ASSERT_TRUE(loop);
    Draw draw(trips);
    for (int64_t tokens : {0, 1, 6}) {
      Tensor x = draw.numbers({tokens, 3}, MOERT_F32),
             y = draw.numbers({tokens, 3}, MOERT_F32),
             w = draw.numbers({3, 3}, MOERT_F32);
      Swapped wanted = swapLoop(x, y, w, trips);
      IndexTensor numbers({trips});
      std::iota(numbers.data.begin(), numbers.data.end(), 0);
      loop->expect(
          {asView(x, MOERT_F32), asView(y, MOERT_F32), asView(w, MOERT_F32)},
          {close(wanted.a), close(wanted.b), count(trips),
           close(stack(wanted.states, x.shape)), exactly(numbers)});
    }
  }
}

// A trip count of the call: bounded by its maximum, and an error beyond it.
TEST(LoopTest, TripCountOfTheCall) {
  std::string text =
      replaced(replaced(kHead, "EXTRA", ", %n: index"), "RESULTS", "") +
      replaced(replaced(kSwap, "TRIPS", "%n max 4"), "STACK",
               "tensor<?x?x3xf32>, tensor<?xi32>") +
      "  return %a, %b, %steps : tensor<?x3xf32>, tensor<?x3xf32>, i32\n}\n";
  std::optional<Executable> loop = Executable::compile(text);
  ASSERT_TRUE(loop);
  Draw draw(1);
  Tensor x = draw.numbers({5, 3}, MOERT_F32),
         y = draw.numbers({5, 3}, MOERT_F32),
         w = draw.numbers({3, 3}, MOERT_F32);
  for (int64_t trips : {-7, 0, 1, 3, 4, 5, 1 << 30}) {
    Swapped wanted = swapLoop(x, y, w, std::min<int64_t>(trips, 4));
    int64_t done = std::clamp<int64_t>(trips, 0, 4);
    loop->expect({asView(x, MOERT_F32), asView(y, MOERT_F32),
                  asView(w, MOERT_F32), asScalar(trips)},
                 {close(wanted.a), close(wanted.b), count(done)},
                 trips > 4 ? MOERT_TOO_LARGE : MOERT_OK);
  }
}

// A trip count that is the size of an argument.
TEST(LoopTest, TripCountOfADimension) {
  std::string text =
      replaced(
          replaced(kHead, "EXTRA", ", %s: tensor<?xf32> {moe.dims = [\"N\"]}"),
          "RESULTS", ", tensor<?x?x3xf32> {moe.dims = [\"N\", \"T\", \"\"]}") +
      "  %first = arith.constant 0 : index\n"
      "  %n = tensor.dim %s, %first : tensor<?xf32>\n" +
      replaced(replaced(kSwap, "TRIPS", "%n"), "STACK",
               "tensor<?x?x3xf32>, tensor<?xi32>") +
      "  return %a, %b, %steps, %all : tensor<?x3xf32>, tensor<?x3xf32>, i32, "
      "tensor<?x?x3xf32>\n}\n";
  std::optional<Executable> loop = Executable::compile(text);
  ASSERT_TRUE(loop);
  Draw draw(2);
  Tensor x = draw.numbers({3, 3}, MOERT_F32),
         y = draw.numbers({3, 3}, MOERT_F32),
         w = draw.numbers({3, 3}, MOERT_F32);
  for (int64_t trips : {0, 1, 6}) {
    Swapped wanted = swapLoop(x, y, w, trips);
    loop->expect({asView(x, MOERT_F32), asView(y, MOERT_F32),
                  asView(w, MOERT_F32), asView(Tensor({trips}), MOERT_F32)},
                 {close(wanted.a), close(wanted.b), count(trips),
                  close(stack(wanted.states, x.shape))});
  }
}

TEST(LoopTest, IterAdaLN) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed);
    int64_t d = draw.width(), c = draw.width(), m = seed < 4 ? 2 : 3;
    Type h(dtype, {"T", d}), code(dtype, {c}), project(dtype, {d, c}),
        modulate(dtype, {c, m * d}), bias(dtype, {m * d});
    Program program;
    program.input("h", h);
    program.scalar("k", "index");
    program.weight("mix", Type(dtype, {6, c}));
    program.weight("project", project);
    program.weight("modulate", modulate);
    program.weight("bias", bias);
    Type encoded(dtype, {6});
    program.line("%code = moe.iter_encode %k {max_period = 100.0 : f64} : " +
                 encoded.str());
    program.line("%none = arith.constant dense<0.0> : " + code.str());
    program.line("%v = linalg.vecmat ins(%code, %mix : " + encoded.str() +
                 ", " + Type(dtype, {6, c}).str() +
                 ") outs(%none : " + code.str() + ") -> " + code.str());
    program.line(
        "%n" + std::string(m == 3 ? ", %alpha" : "") +
        " = moe.iter_adaln %h, %v project(" + typed("project", project) +
        ") modulate(%modulate, %bias : " + modulate.str() + ", " + bias.str() +
        ") act(gelu) norm(layer) {epsilon = 1.0e-3 : f64} : " + h.str() + ", " +
        code.str() + " -> " + h.str() + (m == 3 ? ", " + h.str() : ""));
    program.result("code", encoded);
    program.result("v", code);
    program.result("n", h);
    if (m == 3)
      program.result("alpha", h);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    ASSERT_TRUE(executable);
    for (int64_t k : {0, 1, 77}) {
      int64_t tokens = draw.size();
      Tensor state = draw.numbers({tokens, d}, dtype),
             mix = draw.numbers({6, c}, dtype, 0.4),
             wH = draw.numbers({d, c}, dtype, 0.3),
             wMod = draw.numbers({c, m * d}, dtype, 0.3),
             bMod = draw.numbers({m * d}, dtype);
      Tensor encodedNumbers = iterEncode(k, 6, 100);
      std::vector<TensorView> arguments = {
          asView(state, dtype), asScalar(k),         asView(mix, dtype),
          asView(wH, dtype),    asView(wMod, dtype), asView(bMod, dtype)};
      double rtol = defaultRtol(dtype);
      // What follows from the code is checked against what came of it, so that
      // its rounding to a narrow type does not count twice.
      Outcome first = executable->call(arguments, {});
      ASSERT_EQ(first.status, MOERT_OK) << first.message;
      Tensor v = asTensor64(first.results[1]);
      Modulated wanted = iterAdaLN(state, v, wH, wMod, bMod, Activation::GELU,
                                   Norm::Layer, 1e-3);
      std::vector<Wanted> results = {
          {asView(encodedNumbers, MOERT_F64), rtol, rtol},
          {asView(v, MOERT_F64), rtol, rtol},
          {asView(wanted.n, MOERT_F64), 4 * rtol, 4 * rtol}};
      if (m == 3)
        results.push_back({asView(wanted.alpha, MOERT_F64), rtol, rtol});
      executable->expect(arguments, results);
    }
  }
}
