//===- MetamorphicTest.cpp - what must not change a result ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Relations between the results of compiled programs: no test here knows what
// the right numbers are.

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"

#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <cstring>

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// What sums in another order may differ by, relative to the row.
constexpr double kRounding = 1e-4;

/// Each test runs in each pipeline.
class MetamorphicTest : public testing::TestWithParam<Target> {
protected:
  /// @main of `text`; a failure of the running test if it does not compile.
  static std::optional<Function> compile(const std::string &text) {
    CompilerOptions options;
    options.target = GetParam();
    options.optimize = false; // relations of what the passes make
    Compiler compiler = llvm::cantFail(Compiler::create(options));
    llvm::Expected<Module> module = compiler.compile(text, "program.mlir");
    if (module)
      return llvm::cantFail(module->lookup("main"));
    ADD_FAILURE() << toString(module.takeError()) << "\n" << text;
    return std::nullopt;
  }

  /// Its results on `arguments`, weights among them. A call that fails, or a
  /// result that is not finite, is a failure of the running test.
  static std::vector<TensorView> call(const Function &function,
                                      llvm::ArrayRef<TensorView> arguments) {
    const MoertEntry &entry = function.entry();
    llvm::ArrayRef<MoertArg> args(entry.args, entry.n_args);
    llvm::SmallVector<int64_t> sizes(entry.n_symbols, 0);
    llvm::SmallVector<MoertTensor> weights, inputs;
    for (auto [arg, view] : llvm::zip(args, arguments)) {
      (arg.role == MOERT_WEIGHT ? weights : inputs).push_back(asTensor(view));
      for (auto [dim, size] :
           llvm::zip(llvm::ArrayRef(arg.dims, arg.rank), view.shape))
        if (dim < 0)
          sizes[~dim] = size;
    }
    std::vector<TensorView> results;
    for (const MoertArg &arg : args.drop_front(arguments.size())) {
      llvm::SmallVector<int64_t> shape;
      for (int32_t dim : llvm::ArrayRef(arg.dims, arg.rank))
        shape.push_back(dim < 0 ? sizes[~dim] : entry.sizes[dim]);
      results.push_back(
          llvm::cantFail(allocateTensor(MoertDType(arg.dtype), shape)));
      if (size_t bytes = results.back().bytes())
        std::memset(const_cast<char *>(results.back().data), 0xff, bytes);
    }
    auto outputs = llvm::map_to_vector(
        results, [](const TensorView &view) { return asTensor(view); });
    BoundFunction bound = llvm::cantFail(function.bind(weights));
    if (llvm::Error error = bound.call(inputs, outputs))
      ADD_FAILURE() << toString(std::move(error));
    for (const TensorView &result : results)
      for (double x : asTensor64(result).data)
        if (!std::isfinite(x)) {
          ADD_FAILURE() << "a result is " << x;
          return results;
        }
    return results;
  }
};

TensorView f32(const Tensor &tensor) { return asView(tensor, MOERT_F32); }

/// Expects `got` to be `wanted` but for rounding.
void expectClose(const TensorView &got, const TensorView &wanted) {
  expectAgreement("result", got, {wanted, kRounding, kRounding});
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

/// What the nodes of the graphs of `tokens` tokens have of their own.
struct Nodes {
  Tensor slots, weights, edges;
  IndexTensor mask;

  Nodes(int64_t tokens, int64_t size)
      : slots({tokens, size, 5}), weights({tokens, size}), edges({size, size}),
        mask({tokens, size}) {}

  /// The graphs of these nodes only, in this order.
  Nodes pick(llvm::ArrayRef<int64_t> nodes) const {
    Nodes result(slots.dim(0), nodes.size());
    for (auto [i, node] : llvm::enumerate(nodes)) {
      for (int64_t t = 0; t < slots.dim(0); ++t) {
        for (int64_t c = 0; c < 5; ++c)
          result.slots(t, i, c) = slots(t, node, c);
        result.weights(t, i) = weights(t, node);
        result.mask(t, i) = mask(t, node);
      }
      for (auto [j, sender] : llvm::enumerate(nodes))
        result.edges(i, j) = edges(node, sender);
    }
    return result;
  }
};

constexpr const char *kMask = "mask(%mask : tensor<?xKxi32>)";

/// Graphs of 4 random nodes, and what all nodes share.
struct Graphs {
  static constexpr int64_t tokens = 9;
  explicit Graphs(Draw draw)
      : nodes(tokens, 4), residual(draw.numbers({tokens, 5}, MOERT_F32)),
        gamma(draw.numbers({2, 5}, MOERT_F32)),
        down(draw.numbers({2, 5, 3}, MOERT_F32, 0.5)),
        message(draw.numbers({2, 3, 12}, MOERT_F32, 0.6)),
        up(draw.numbers({2, 3, 5}, MOERT_F32, 0.6)) {
    nodes.slots = draw.numbers({tokens, 4, 5}, MOERT_F32);
    nodes.weights = draw.numbers({tokens, 4}, MOERT_F32);
    nodes.edges = draw.numbers({4, 4}, MOERT_F32);
  }

  /// dag_aggregate of `size` nodes a token; `mask` is the text of that operand.
  static std::string program(const std::string &size, const std::string &mask,
                             const std::string &attributes) {
    std::string text = R"(
func.func @main(%slots: tensor<?xKx5xf32> {moe.dims = ["T", "", ""]},
    %weights: tensor<?xKxf32> {moe.dims = ["T", ""]},
    %x: tensor<?x5xf32> {moe.dims = ["T", ""]}, %mask: tensor<?xKxi32> {moe.dims = ["T", ""]},
    %edges: tensor<KxKxf32> {moe.weight}, %gamma: tensor<2x5xf32> {moe.weight},
    %down: tensor<2x5x3xf32> {moe.weight}, %message: tensor<2x3x12xf32> {moe.weight},
    %up: tensor<2x3x5xf32> {moe.weight}) -> (tensor<?x5xf32> {moe.dims = ["T", ""]}) {
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?xKxf32>)
    residual(%x : tensor<?x5xf32>) )" +
                       mask + R"( edges(%edges : tensor<KxKxf32>)
    norm rms(%gamma : tensor<2x5xf32>) down(%down : tensor<2x5x3xf32>)
    message silu(%message : tensor<2x3x12xf32>) up(%up : tensor<2x3x5xf32>)
    {epsilon = 1.0e-3 : f64)" +
                       attributes + R"(} : tensor<?xKx5xf32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
})";
    for (size_t at; (at = text.find('K')) != std::string::npos;)
      text.replace(at, 1, size);
    return text;
  }

  std::vector<TensorView> arguments(const Nodes &own) const {
    return {f32(own.slots),   f32(own.weights), f32(residual),
            asView(own.mask), f32(own.edges),   f32(gamma),
            f32(down),        f32(message),     f32(up)};
  }

  Nodes nodes;

private:
  Tensor residual, gamma, down, message, up;
};

TEST_P(MetamorphicTest, GraphHasNoOrder) {
  std::optional<Function> dag = compile(Graphs::program("4", kMask, ""));
  ASSERT_TRUE(dag);
  Draw draw(1);
  Graphs graphs(draw);
  graphs.nodes.mask = draw.indices({Graphs::tokens, 4}, -1, 2);
  std::vector<TensorView> wanted = call(*dag, graphs.arguments(graphs.nodes));
  for (std::vector<int64_t> order :
       {std::vector<int64_t>{1, 0, 2, 3}, {3, 0, 1, 2}, {2, 3, 1, 0}})
    expectClose(call(*dag, graphs.arguments(graphs.nodes.pick(order)))[0],
                wanted[0]);
}

// Its share of the residual goes with it, that of the others stays 1/4.
TEST_P(MetamorphicTest, MaskedNodeIsAbsent) {
  std::optional<Function> masked = compile(Graphs::program("4", kMask, "")),
                          smaller = compile(Graphs::program(
                              "3", "", ", residual_scale = 0.25 : f64"));
  ASSERT_TRUE(masked && smaller);
  Graphs graphs(Draw(2));
  for (int64_t removed = 0; removed < 4; ++removed) {
    Nodes nodes = graphs.nodes;
    std::vector<int64_t> others = {0, 1, 2, 3};
    others.erase(others.begin() + removed);
    for (int64_t t = 0; t < Graphs::tokens; ++t) {
      nodes.mask(t, removed) = -1;
      nodes.weights(t, removed) = NaN;
      nodes.slots(t, removed, t % 5) = inf;
    }
    expectClose(call(*masked, graphs.arguments(nodes))[0],
                call(*smaller, graphs.arguments(nodes.pick(others)))[0]);
  }
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

/// The sums of the rows, or of the columns.
std::vector<double> marginal(const Tensor &plan, bool ofRows) {
  std::vector<double> sums(plan.dim(ofRows ? 0 : 1), 0);
  for (int64_t i = 0; i < plan.dim(0); ++i)
    for (int64_t e = 0; e < plan.dim(1); ++e)
      sums[ofRows ? i : e] += plan(i, e);
  return sums;
}

/// The largest relative error of `sums`.
double errorOf(llvm::ArrayRef<double> sums, const Tensor &wanted) {
  double error = 0;
  for (auto [sum, want] : llvm::zip_equal(sums, wanted.data))
    error = std::max(error, std::abs(sum / want - 1));
  return error;
}

TEST_P(MetamorphicTest, Plan) {
  for (bool rowLast : {false, true}) {
    std::optional<Function> sinkhorn =
        compile(R"(
func.func @main(%scores: tensor<?x4xf32> {moe.dims = ["n", ""]},
    %row: tensor<?xf32> {moe.dims = ["n"]}, %col: tensor<4xf32>)
    -> (tensor<?x4xf32> {moe.dims = ["n", ""]}) {
  %tau = arith.constant 0.25 : f32
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<?xf32>)
    col(%col : tensor<4xf32>) iterations 2 final()" +
                std::string(rowLast ? "row" : "col") + R"()
    : tensor<?x4xf32> -> tensor<?x4xf32>
  return %plan : tensor<?x4xf32>
})");
    ASSERT_TRUE(sinkhorn);
    auto plan = [&](const Tensor &scores, const Tensor &row,
                    const Tensor &col) {
      return asTensor64(call(*sinkhorn, {f32(scores), f32(row), f32(col)})[0]);
    };

    const int64_t n = 12;
    Draw draw(3 + rowLast);
    Tensor scores = draw.numbers({n, 4}, MOERT_F32), row({n}, 2),
           col({4}, {3, 1, 6, 5});
    for (int64_t i = 1; i < n; i += 2)
      row(i) = 0.5;
    Tensor original = plan(scores, row, col);

    // The last step makes its marginal exact; the other one has yet to be.
    std::vector<double> ofRows = marginal(original, true),
                        ofCols = marginal(original, false);
    EXPECT_LT(rowLast ? errorOf(ofRows, row) : errorOf(ofCols, col), 1e-5);
    EXPECT_GT(rowLast ? errorOf(ofCols, col) : errorOf(ofRows, row), 1e-3);

    // Rows that change places take their part of the plan with them.
    std::vector<int64_t> order = draw.permutation(n);
    expectClose(f32(plan(permuted(scores, order), permuted(row, order), col)),
                f32(permuted(original, order)));

    // What the first step normalises may have any constant added.
    Tensor shifted = scores;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t e = 0; e < 4; ++e)
        shifted(i, e) += 0.25 * (rowLast ? e : i);
    expectClose(f32(plan(shifted, row, col)), f32(original));
  }
}

TEST_P(MetamorphicTest, AssignmentHasItsCounts) {
  double totals[2][4] = {};
  for (bool exact : {false, true}) {
    std::optional<Function> assign = compile(
        "func.func @main(%s: tensor<?x5xf32> {moe.dims = [\"n\", \"\"]}, "
        "%c: tensor<5xi32>) -> (tensor<?xi32> {moe.dims = [\"n\"]}) {\n"
        "  %m = moe.assign %s, %c method(" +
        std::string(exact ? "exact" : "greedy") +
        ") : tensor<?x5xf32>, tensor<5xi32> -> tensor<?xi32>\n"
        "  return %m : tensor<?xi32>\n}\n");
    ASSERT_TRUE(assign);
    Draw draw(5);
    for (int64_t n : {0, 1, 7, 40})
      for (int64_t round = 0; round < 4; ++round) {
        // Every other time with ties.
        Tensor scores = draw.numbers({n, 5}, MOERT_F32);
        for (double &score : scores.data)
          score = round % 2 ? std::round(score) : score;
        IndexTensor capacity({5});
        for (int64_t i = 0; i < n; ++i)
          ++capacity(draw.between(0, 4 - round % 2)); // the last one gets none
        Tensor member =
            asTensor64(call(*assign, {f32(scores), asView(capacity)})[0]);
        IndexTensor counts({5});
        for (int64_t i = 0; i < n; ++i) {
          ASSERT_TRUE(member(i) >= 0 && member(i) < 5) << member(i);
          ++counts(static_cast<int64_t>(member(i)));
          totals[exact][round] += scores(i, static_cast<int64_t>(member(i)));
        }
        EXPECT_EQ(counts.data, capacity.data);
      }
  }
  for (int64_t round = 0; round < 4; ++round)
    EXPECT_GT(totals[true][round], totals[false][round]);
}

//===----------------------------------------------------------------------===//
// Loops and layers
//===----------------------------------------------------------------------===//

constexpr const char *kArguments =
    R"(%x: tensor<?x8xf32> {moe.dims = ["T", ""]},
    %p: tensor<8x6xf32> {moe.weight}, %m: tensor<6x24xf32> {moe.weight},
    %b: tensor<24xf32> {moe.weight}, %router: tensor<8x4xf32> {moe.weight},
    %gate: tensor<4x8x5xf32> {moe.weight}, %up: tensor<4x8x5xf32> {moe.weight},
    %down: tensor<4x5x8xf32> {moe.weight})";

/// The operands of @block behind the state, and its type.
constexpr const char *kOperands = R"(%p, %m, %b, %router, %gate, %up, %down)
      : (index, tensor<?x8xf32>, tensor<8x6xf32>, tensor<6x24xf32>, tensor<24xf32>,
         tensor<8x4xf32>, tensor<4x8x5xf32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>)
      -> tensor<?x8xf32>
)";

/// An iteration: h + alpha * experts(n), where n and alpha know its number.
constexpr const char *kBlock = R"(
func.func private @block(%k: index, %h: tensor<?x8xf32>, %p: tensor<8x6xf32>,
    %m: tensor<6x24xf32>, %b: tensor<24xf32>, %router: tensor<8x4xf32>,
    %gate: tensor<4x8x5xf32>, %up: tensor<4x8x5xf32>, %down: tensor<4x5x8xf32>)
    -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %code = moe.iter_encode %k : tensor<6xf32>
  %n, %alpha = moe.iter_adaln %h, %code project(%p : tensor<8x6xf32>)
    modulate(%m, %b : tensor<6x24xf32>, tensor<24xf32>) act(silu) norm(rms)
    {epsilon = 1.0e-6 : f64}
    : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  %tokens = tensor.dim %h, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %logits = linalg.matmul ins(%n, %router : tensor<?x8xf32>, tensor<8x4xf32>)
                          outs(%zeros : tensor<?x4xf32>) -> tensor<?x4xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
  %rows = moe.dispatch %n[%row_slot by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %outputs = moe.expert_ffn %rows, %offsets gate(%gate : tensor<4x8x5xf32>)
    up(%up : tensor<4x8x5xf32>) down(%down : tensor<4x5x8xf32>) activation(silu)
    : tensor<?x8xf32>, tensor<5xi32> -> tensor<?x8xf32>
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  %scaled = linalg.mul ins(%alpha, %y : tensor<?x8xf32>, tensor<?x8xf32>)
                       outs(%y : tensor<?x8xf32>) -> tensor<?x8xf32>
  %next = linalg.add ins(%h, %scaled : tensor<?x8xf32>, tensor<?x8xf32>)
                     outs(%h : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %next : tensor<?x8xf32>
}
)";

TEST_P(MetamorphicTest, LoopIsItsBodyThreeTimes) {
  const std::string result = R"(tensor<?x8xf32> {moe.dims = ["T", ""]})";
  std::string head =
                  std::string("func.func @main(") + kArguments + ")\n    -> (",
              written = head + result + ", " + result + ", " + result + ") {\n";
  for (int64_t k : {0, 1, 2}) {
    std::string n = std::to_string(k), from = k ? "%h" + n : "%x";
    written += "  %k" + n + " = arith.constant " + n + " : index\n  %h" +
               std::to_string(k + 1) + " = call @block(%k" + n + ", " + from +
               ", " + kOperands;
  }
  written += "  return %h1, %h2, %h3 : tensor<?x8xf32>, tensor<?x8xf32>, "
             "tensor<?x8xf32>\n}\n";
  std::optional<Function> loop = compile(head + result + R"(,
        tensor<3x?x8xf32> {moe.dims = ["", "T", ""]}) {
  %three = arith.constant 3 : index
  %last, %all = moe.loop %three init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %next = func.call @block(%k, %h, )" + kOperands +
                                         R"(
    moe.yield %next : tensor<?x8xf32> stack(%next : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<3x?x8xf32>)
  return %last, %all : tensor<?x8xf32>, tensor<3x?x8xf32>
})" + kBlock),
                          unrolled = compile(written + kBlock);
  ASSERT_TRUE(loop && unrolled);
  Draw draw(6);
  for (int64_t tokens : {0, 1, 5, 33}) {
    std::vector<TensorView> arguments;
    for (Shape shape : {Shape{tokens, 8},
                        {8, 6},
                        {6, 24},
                        {24},
                        {8, 4},
                        {4, 8, 5},
                        {4, 8, 5},
                        {4, 5, 8}})
      arguments.push_back(f32(draw.numbers(shape, MOERT_F32, 0.5)));
    std::vector<TensorView> got = call(*loop, arguments),
                            wanted = call(*unrolled, arguments);
    EXPECT_TRUE(isSame(got[0], wanted[2])) << tokens << " tokens";
    Tensor all = asTensor64(got[1]);
    for (int64_t k : {0, 1, 2})
      EXPECT_TRUE(isSame(f32(all.slice(k)), wanted[k])) << "iteration " << k;
  }
}

// A neuron that is masked is as one of an expert that is not computed.
TEST_P(MetamorphicTest, MaskedFFNIsItsCarvedExperts) {
  auto file = llvm::MemoryBuffer::getFile(MOE_TEST_DATA_DIR
                                          "/golden/dot_masked_ffn/case.mlir");
  ASSERT_TRUE(file);
  std::optional<Function> dot = compile((*file)->getBuffer().str());
  ASSERT_TRUE(dot);
  Draw draw(7);
  for (int64_t tokens : {0, 1, 40}) {
    std::vector<TensorView> arguments = {
        f32(draw.numbers({tokens, 20}, MOERT_F32)),
        f32(draw.numbers({48, 6}, MOERT_F32)), f32(Tensor({1}, 0.25))};
    for (Shape shape : {Shape{20, 6}, {20, 48}, {20, 48}, {48, 20}})
      arguments.push_back(f32(draw.numbers(shape, MOERT_F32, 0.3)));
    std::vector<TensorView> results = call(*dot, arguments);
    ASSERT_EQ(results.size(), 9u);
    expectClose(results[8], results[3]); // y_sparse and y
  }
}

TEST_P(MetamorphicTest, AllCarvedExpertsAreTheDenseFFN) {
  std::optional<Function> both = compile(R"(
func.func @main(%x: tensor<?x8xf32> {moe.dims = ["T", ""]},
    %logits: tensor<?x4xf32> {moe.dims = ["T", ""]},
    %gate: tensor<8x24xf32> {moe.weight}, %up: tensor<8x24xf32> {moe.weight},
    %down: tensor<24x8xf32> {moe.weight}, %gates: tensor<4x8x6xf32> {moe.weight},
    %ups: tensor<4x8x6xf32> {moe.weight}, %downs: tensor<4x6x8xf32> {moe.weight})
    -> (tensor<?x8xf32> {moe.dims = ["T", ""]}, tensor<?x8xf32> {moe.dims = ["T", ""]}) {
  %dense = moe.expert_ffn %x gate(%gate : tensor<8x24xf32>) up(%up : tensor<8x24xf32>)
    down(%down : tensor<24x8xf32>) activation(silu) : tensor<?x8xf32> -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(unit)
    : tensor<?x4xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<5xi32>
  %rows = moe.dispatch %x[%row_slot by 4] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %outputs = moe.expert_ffn %rows, %offsets gate(%gates : tensor<4x8x6xf32>)
    up(%ups : tensor<4x8x6xf32>) down(%downs : tensor<4x6x8xf32>) activation(silu)
    : tensor<?x8xf32>, tensor<5xi32> -> tensor<?x8xf32>
  %carved = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x4xf32>)
    : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x8xf32>
  return %dense, %carved : tensor<?x8xf32>, tensor<?x8xf32>
})");
  ASSERT_TRUE(both);
  Draw draw(8);
  Tensor gate = draw.numbers({8, 24}, MOERT_F32, 0.4),
         up = draw.numbers({8, 24}, MOERT_F32, 0.4),
         down = draw.numbers({24, 8}, MOERT_F32, 0.4), gates({4, 8, 6}),
         ups({4, 8, 6}), downs({4, 6, 8});
  for (auto [place, neuron] : llvm::enumerate(draw.permutation(24)))
    for (int64_t c = 0, e = place / 6, j = place % 6; c < 8; ++c) {
      gates(e, c, j) = gate(c, neuron);
      ups(e, c, j) = up(c, neuron);
      downs(e, j, c) = down(neuron, c);
    }
  for (int64_t tokens : {0, 1, 33}) {
    std::vector<TensorView> results =
        call(*both, {f32(draw.numbers({tokens, 8}, MOERT_F32)),
                     f32(draw.numbers({tokens, 4}, MOERT_F32)), f32(gate),
                     f32(up), f32(down), f32(gates), f32(ups), f32(downs)});
    expectClose(results[1], results[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(Pipelines, MetamorphicTest,
                         testing::Values(Target::Reference, Target::Cpu),
                         [](const testing::TestParamInfo<Target> &info) {
                           return info.param == Target::Cpu ? "cpu"
                                                            : "reference";
                         });

} // namespace
