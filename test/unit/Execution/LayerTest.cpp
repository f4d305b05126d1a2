//===- LayerTest.cpp - whole layers between guard pages -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Layers of published models, with the numbers of the models' own code, called
// by the C interface: no byte is read or written outside of a buffer, weights
// are not needed once they are packed, and inputs are not written to.

#include "GuardPages.h"
#include "TestSupport.h"

#include "moe/Execution/Compare.h"
#include "moe/Execution/Compiler.h"

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

/// A golden case: its compiled layer and its tensors.
struct Case {
  std::optional<Function> function;
  std::vector<TensorView> arguments, expected;
};

/// Compiles and reads the case `name`.
Case load(StringRef name) {
  std::string folder = (MOE_TEST_DATA_DIR "/golden/" + name).str();
  Case result;
  result.function = compileOne(folder + "/case.mlir", "main");
  Safetensors inputs = must(Safetensors::open(folder + "/inputs.safetensors"));
  Safetensors expected =
      must(Safetensors::open(folder + "/expected.safetensors"));
  const MoertEntry &entry = result.function->entry();
  for (const MoertArg &arg : ArrayRef(entry.args, entry.n_args)) {
    if (arg.role == MOERT_OUTPUT) {
      result.expected.push_back(must(expected.get(arg.name)));
      continue;
    }
    TensorView tensor = must(inputs.get(arg.name));
    if (tensor.dtype != arg.dtype)
      tensor = must(convertTensor(tensor, static_cast<MoertDType>(arg.dtype)));
    result.arguments.push_back(std::move(tensor));
  }
  return result;
}

/// The first `rows` of the tensor's rows.
TensorView firstRows(TensorView tensor, int64_t rows) {
  tensor.shape.front() = rows;
  return tensor;
}

class LayerTest : public testing::TestWithParam<const char *> {};

/// Holds `results` against the first rows of what is expected.
void expectAgreement(const Case &layer, ArrayRef<TensorView> results,
                     int64_t tokens, int64_t allTokens) {
  std::vector<ComparedPair> pairs;
  ArrayRef<MoertArg> args(layer.function->entry().args,
                          layer.function->entry().n_args);
  Tolerance tolerance;
  tolerance.exactRows = true;
  for (const MoertArg &arg : args)
    tolerance.rtol =
        std::max(tolerance.rtol, defaultRtol(MoertDType(arg.dtype)));
  for (auto [arg, got, want] :
       zip_equal(args.take_back(results.size()), results, layer.expected)) {
    bool perToken = arg.rank && arg.dims[0] < 0 && want.shape[0] == allTokens;
    pairs.push_back({arg.name, got, perToken ? firstRows(want, tokens) : want});
  }
  for (const Comparison &result : must(compare(pairs, tolerance)))
    EXPECT_EQ(result.badRows, 0) << result.name << ", " << tokens << " tokens";
}

TEST_P(LayerTest, AgreesBetweenGuardPages) {
  Case layer = load(GetParam());
  int64_t tokens = layer.expected.front().shape.front();
  for (Edge edge : {Edge::Front, Edge::Back}) {
    std::vector<TensorView> results =
        must(callGuarded(layer.function->entry(), layer.arguments, edge));
    expectAgreement(layer, results, tokens, tokens);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, LayerTest,
                         testing::Values("mixtral", "mixtral_bf16",
                                         "mixtral_empty_experts", "deepseek_v3",
                                         "gpt_oss", "switch_top1_capacity"));

// Tokens do not depend on each other, so that fewer of them give the same rows.
TEST(LayersTest, AgreesOnAnyNumberOfTokens) {
  Case layer = load("mixtral");
  int64_t allTokens = layer.expected.front().shape.front();
  std::vector<TensorView> arguments = layer.arguments;
  ASSERT_EQ(StringRef(layer.function->entry().args[0].name), "x");
  for (int64_t tokens : {0, 1, 2, 3, 7, 8, 9, 31}) {
    arguments[0] = firstRows(layer.arguments[0], tokens);
    for (Edge edge : {Edge::Front, Edge::Back}) {
      std::vector<TensorView> results =
          must(callGuarded(layer.function->entry(), arguments, edge));
      expectAgreement(layer, results, tokens, allTokens);
    }
  }
}

} // namespace
