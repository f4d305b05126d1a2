//===- ConcurrencyTest.cpp - several calls on one blob of weights ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Twins.h"

#include "llvm/ADT/SmallVectorExtras.h"

#include <cstring>
#include <thread>

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// All kinds of phases: router, grouping, both forms of a gemm, left-over
/// linalg.
constexpr const char *kLayer = R"(
func.func @main(%x: tensor<?x40xf32> {moe.dims = ["T", ""]}, %router: tensor<40x6xf32> {moe.weight},
    %gate: tensor<6x40x72xf32> {moe.weight}, %up: tensor<6x40x72xf32> {moe.weight}, %down: tensor<6x72x40xf32> {moe.weight})
    -> (tensor<?x40xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x40xf32>
  %empty = tensor.empty(%tokens) : tensor<?x6xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %logits = linalg.matmul ins(%x, %router : tensor<?x40xf32>, tensor<40x6xf32>) outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
  %i, %w = moe.route %logits score(softmax) weights(normalized) : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<7xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x40xf32>
  %out = moe.expert_ffn %rows, %offsets gate(%gate : tensor<6x40x72xf32>) up(%up : tensor<6x40x72xf32>) down(%down : tensor<6x72x40xf32>)
      activation(silu) : tensor<?x40xf32>, tensor<7xi32> -> tensor<?x40xf32>
  %y = moe.combine %out[%slot_row] weights(%w : tensor<?x2xf32>) : tensor<?x40xf32>, tensor<?x2xi32> -> tensor<?x40xf32>
  %e = tensor.empty(%tokens) : tensor<?x40xf32>
  %z = linalg.exp ins(%y : tensor<?x40xf32>) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
  return %z : tensor<?x40xf32>
}
)";

constexpr int64_t kTokens = 61;

/// The result of one call on `bound` with a context of its own.
std::vector<char> call(const BoundFunction &bound, const TensorView &x,
                       unsigned threads) {
  Context context = llvm::cantFail(Context::create(threads));
  std::vector<char> y(kTokens * 40 * sizeof(float), 0x5a);
  TensorView result;
  result.dtype = MOERT_F32;
  result.shape = {kTokens, 40};
  result.data = y.data();
  for (int repeat = 0; repeat < 4; ++repeat)
    if (llvm::Error error =
            bound.call(context, {asTensor(x)}, {asTensor(result)}))
      ADD_FAILURE() << llvm::toString(std::move(error));
  return y;
}

} // namespace

// Calls share code and packed weights, and nothing else: the same bits as
// alone.
TEST(CpuTest, ConcurrentCallsOnOneBlob) {
  CompilerOptions options;
  options.target = Target::Cpu;
  Compiler compiler = llvm::cantFail(Compiler::create(options));
  Module module = llvm::cantFail(compiler.compile(kLayer, "layer.mlir"));
  Function function = llvm::cantFail(module.lookup("main"));
  Random random(1);
  auto next = [&] { return 0.6 * random.unit() - 0.3; };
  std::vector<TensorView> weights = {makeTensor(MOERT_F32, {40, 6}, next),
                                     makeTensor(MOERT_F32, {6, 40, 72}, next),
                                     makeTensor(MOERT_F32, {6, 40, 72}, next),
                                     makeTensor(MOERT_F32, {6, 72, 40}, next)};
  BoundFunction bound = llvm::cantFail(function.bind(llvm::map_to_vector(
      weights, [](const TensorView &view) { return asTensor(view); })));
  TensorView x = makeTensor(MOERT_F32, {kTokens, 40}, next);
  std::vector<char> alone = call(bound, x, 1);
  std::vector<std::vector<char>> results(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < results.size(); ++i)
    threads.emplace_back(
        [&, i] { results[i] = call(bound, x, /*threads=*/i + 1); });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::vector<char> &result : results)
    EXPECT_EQ(result, alone);
}
