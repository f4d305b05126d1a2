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

#include <sys/mman.h>

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
Case load(StringRef name, Target target) {
  std::string folder = (MOE_TEST_DATA_DIR "/golden/" + name).str();
  Case result;
  result.function =
      compileOne(folder + "/case.mlir", "main", Stage::Input, target);
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

class LayerTest
    : public testing::TestWithParam<std::tuple<const char *, Target>> {
protected:
  void SetUp() override {
    if (!isAvailable(std::get<Target>(GetParam())))
      GTEST_SKIP() << "this build has no such target";
  }
  Case load(StringRef name) const {
    return ::load(name, std::get<Target>(GetParam()));
  }
};

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
  Case layer = load(std::get<const char *>(GetParam()));
  int64_t tokens = layer.expected.front().shape.front();
  for (Edge edge : {Edge::Front, Edge::Back}) {
    std::vector<TensorView> results =
        must(callGuarded(layer.function->entry(), layer.arguments, edge));
    expectAgreement(layer, results, tokens, tokens);
  }
}

const auto targets = testing::Values(Target::Reference, Target::Cpu);

/// "mixtral_cpu".
std::string nameOf(const testing::TestParamInfo<LayerTest::ParamType> &info) {
  auto [name, target] = info.param;
  return (name + ("_" + stringify(target))).str();
}

INSTANTIATE_TEST_SUITE_P(
    Golden, LayerTest,
    testing::Combine(testing::Values("mixtral", "mixtral_bf16",
                                     "mixtral_empty_experts", "deepseek_v3",
                                     "gpt_oss", "switch_top1_capacity"),
                     targets),
    nameOf);

// Tokens do not depend on each other, so that fewer of them give the same rows.
class PrefixTest : public LayerTest {};
TEST_P(PrefixTest, AgreesOnAnyNumberOfTokens) {
  Case layer = load(std::get<const char *>(GetParam()));
  int64_t allTokens = layer.expected.front().shape.front();
  std::vector<TensorView> arguments = layer.arguments;
  ASSERT_EQ(StringRef(layer.function->entry().args[0].name), "x");
  for (int64_t tokens : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 27}) {
    arguments[0] = firstRows(layer.arguments[0], tokens);
    for (Edge edge : {Edge::Front, Edge::Back}) {
      std::vector<TensorView> results =
          must(callGuarded(layer.function->entry(), arguments, edge));
      expectAgreement(layer, results, tokens, allTokens);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, PrefixTest,
    testing::Combine(testing::Values("mixtral", "mixtral_bf16"), targets),
    nameOf);

// 2^31 slots: one more than an i32 counts. The tensors have addresses only, and
// whoever looked at one would notice.
TEST(SlotsTest, TooManySlotsAreRefusedBeforeAnythingIsRead) {
  Compiler compiler = must(Compiler::create({}));
  Module module = must(compiler.compile(R"(
    func.func @group(%indices: tensor<?x2xi32> {moe.dims = ["T", ""]})
        -> (tensor<?x2xi32> {moe.dims = ["T", ""]}) {
      %row_slot, %slot_row, %offsets = moe.group %indices
        : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
      return %slot_row : tensor<?x2xi32>
    }
  )"));
  Function group = must(module.lookup("group"));
  Context context = must(Context::create(1));
  const int64_t tokens = int64_t(1) << 30, shape[] = {tokens, 2};
  size_t bytes = tokens * 2 * sizeof(int32_t);
  size_t workspace = must(group.workspaceBytes(tokens));

  size_t mapped = 2 * bytes + workspace;
  void *memory = mmap(nullptr, mapped, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  char *data = static_cast<char *>(memory);
  MoertTensor input = {data, shape, MOERT_I32, 2, {}}, output = input;
  output.data = data + bytes;
  MoertStatus status = MOERT_OK;
  handleAllErrors(must(group.bind(context, {}))
                      .call(context, input, output,
                            MutableArrayRef(data + 2 * bytes, workspace)),
                  [&](const RuntimeError &e) { status = e.status(); });
  EXPECT_EQ(status, MOERT_TOO_LARGE);
  munmap(memory, mapped);
}

} // namespace
