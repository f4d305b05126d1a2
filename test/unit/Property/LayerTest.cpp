//===- LayerTest.cpp - whole layers, drawn by seed ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

TEST(PropertyTest, Layer) {
  forEachSeed(8, [](uint64_t seed) {
    Layer layer(seed, /*mayDrop=*/true);
    SCOPED_TRACE(layer.text());
    std::optional<Executable> executable = Executable::compile(layer.text());
    for (int64_t tokens : {0, 1, 2, 5, 31}) {
      if (!executable)
        return;
      Tensor x = layer.drawTokens(layer.tokens.value_or(tokens));
      executable->expect(layer.arguments(x), layer.wanted(x));
    }
  });
}

/// Rows of `view` in another order, or the first of them.
static TensorView selectRows(const TensorView &view,
                             const std::vector<int64_t> &order) {
  Tensor tensor = asTensor64(view);
  Tensor result({static_cast<int64_t>(order.size()), tensor.cols()});
  for (auto [i, row] : llvm::enumerate(order))
    std::copy_n(tensor.row(row), tensor.cols(), result.row(i));
  return asView(result, view.dtype);
}

// Tokens do not see each other: in another order, or without their neighbours,
// they give the same bits.
TEST(PropertyTest, TokensAreIndependent) {
  forEachSeed(2, [](uint64_t seed) {
    Layer layer(1000 + seed, /*mayDrop=*/false);
    std::string text = layer.text();
    SCOPED_TRACE(text);
    std::optional<Executable> executable;
    if (!layer.tokens)
      executable = Executable::compile(text);
    if (!executable)
      return;
    int64_t tokens = 23;
    Draw draw(seed);
    Tensor x = layer.drawTokens(tokens);
    std::vector<TensorView> all = executable->expect(layer.arguments(x), {});
    std::vector<int64_t> order = draw.permutation(tokens);
    for (int64_t kept : {tokens, int64_t(7), int64_t(1)}) {
      order.resize(kept);
      Tensor some({kept, x.cols()});
      for (auto [i, row] : llvm::enumerate(order))
        std::copy_n(x.row(row), x.cols(), some.row(i));
      std::vector<TensorView> results =
          executable->expect(layer.arguments(some), {});
      for (auto [i, got, want] : llvm::enumerate(results, all))
        EXPECT_TRUE(isSame(got, selectRows(want, order)))
            << "result " << i << " of " << kept << " tokens";
    }
  });
}

// The same bits on a second call, whatever the threads and what lies in memory.
static void expectDeterminism(Target target) {
  Layer layer(7, /*mayDrop=*/true);
  SCOPED_TRACE(layer.text());
  std::optional<Executable> executable = Executable::compile(layer.text());
  ASSERT_TRUE(executable);
  std::vector<TensorView> arguments =
      layer.arguments(layer.drawTokens(layer.tokens.value_or(40)));
  Manner manner;
  manner.target = target;
  Outcome first = executable->call(arguments, manner);
  for (unsigned threads : {1, 2, 3, 7})
    for (char residue : {'\0', '\x7f', '\xff'})
      for (Edge edge : {Edge::Front, Edge::Back}) {
        Outcome again =
            executable->call(arguments, {edge, threads, residue, target});
        ASSERT_EQ(again.results.size(), first.results.size());
        for (auto [a, b] : llvm::zip(again.results, first.results))
          EXPECT_TRUE(isSame(a, b)) << threads << " threads";
      }
}

TEST(PropertyTest, CallsAreDeterministic) {
  expectDeterminism(Target::Reference);
}
TEST(PropertyTest, CallsOnTheCpuAreDeterministic) {
  expectDeterminism(Target::Cpu);
}
