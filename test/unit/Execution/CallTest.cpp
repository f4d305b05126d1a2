//===- CallTest.cpp - binding and calling ---------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <thread>

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

const TensorView weights = tensorOf(MOERT_F32, {4}, {1, 10, 100, 1000});
const TensorView rows = tensorOf(MOERT_F32, {2, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
const std::vector<double> scaled = {0, 10, 200, 3000, 4, 50, 600, 7000};

Function scale() { return compileOne(kEntries, "scale", Stage::Llvm); }
Function pick() { return compileOne(kEntries, "pick", Stage::Llvm); }

/// The status that an error of the runtime carries.
MoertStatus statusOf(Error error) {
  MoertStatus status = MOERT_OK;
  handleAllErrors(std::move(error),
                  [&](const RuntimeError &e) { status = e.status(); });
  return status;
}

TEST(CallTest, BindsOnceCallsOften) {
  BoundFunction bound = must(scale().bind(asTensor(weights)));
  for (int64_t tokens : {2, 0, 1}) {
    TensorView in = rows, out = must(allocateTensor(MOERT_F32, {tokens, 4}));
    in.shape[0] = tokens;
    EXPECT_EQ(message(bound.call(asTensor(in), asTensor(out))), "");
    EXPECT_EQ(ArrayRef(valuesOf(out)), ArrayRef(scaled).take_front(tokens * 4));
  }
}

// The compiler and the module are gone by now, so is the function.
TEST(CallTest, HandlesKeepTheCodeAlive) {
  std::optional<BoundFunction> bound;
  {
    Function function = scale();
    TensorView copy = must(convertTensor(weights, MOERT_F32));
    bound = must(function.bind(asTensor(copy)));
  }
  BoundFunction other = *bound;
  bound.reset();
  TensorView out = must(allocateTensor(MOERT_F32, {2, 4}));
  EXPECT_EQ(message(other.call(asTensor(rows), asTensor(out))), "");
  EXPECT_EQ(valuesOf(out), scaled);
  EXPECT_EQ(StringRef(other.entry().name), "scale");
}

TEST(CallTest, OwnContextAndWorkspace) {
  Function function = scale();
  Context context = must(Context::create(1));
  EXPECT_EQ(context.threads(), 1u);
  BoundFunction bound = must(function.bind(context, asTensor(weights)));
  TensorView out = must(allocateTensor(MOERT_F32, {2, 4}));
  MoertTensor tensors[] = {asTensor(rows), asTensor(out)};
  SmallVector<int64_t> symbols = must(function.bindSymbols(tensors));
  EXPECT_EQ(symbols, SmallVector<int64_t>({2}));
  EXPECT_EQ(must(function.workspaceBytes(symbols)), 32u);

  alignas(MOERT_ALIGNMENT) char workspace[32];
  EXPECT_EQ(message(bound.call(context, tensors[0], tensors[1], workspace)),
            "");
  EXPECT_EQ(valuesOf(out), scaled);
  EXPECT_EQ(statusOf(bound.call(context, tensors[0], tensors[1],
                                MutableArrayRef(workspace).drop_back())),
            MOERT_INVALID_ARGUMENT);
}

TEST(CallTest, BlobIsTheWeights) {
  BoundFunction bound = must(scale().bind(asTensor(weights)));
  StringRef blob(bound.blob().data(), bound.blob().size());
  EXPECT_NE(blob.find(StringRef(weights.data, 16)), StringRef::npos);
}

TEST(CallTest, BlobsAreBoundAgain) {
  Function function = scale();
  BoundFunction bound = must(function.bind(asTensor(weights)));
  TensorView out = must(allocateTensor(MOERT_F32, {2, 4}));
  BoundFunction again = must(function.bindBlob(bound.blob()));
  EXPECT_EQ(again.blob().data(), bound.blob().data()); // not a copy
  EXPECT_EQ(message(again.call(asTensor(rows), asTensor(out))), "");
  EXPECT_EQ(valuesOf(out), scaled);
  EXPECT_EQ(statusOf(function.bindBlob(bound.blob().drop_back()).takeError()),
            MOERT_WRONG_BLOB);
  EXPECT_EQ(statusOf(pick().bindBlob({}).takeError()), MOERT_INVALID_ARGUMENT);
}

#if defined(__x86_64__)
TEST(CallTest, BlobsOfAnotherCpuOrFunction) {
  if (!(moert_cpu_features() & MOERT_CPU_AVX2))
    GTEST_SKIP() << "this machine cannot run code for x86-64-v3";
  auto compile = [](StringRef cpu, StringRef text) {
    CompilerOptions options;
    options.target = Target::Cpu;
    options.cpu = cpu.str();
    Compiler compiler = must(Compiler::create(std::move(options)));
    return must(must(compiler.compile(text)).lookup("f"));
  };
  constexpr StringLiteral text =
      "func.func @f(%w: tensor<2xf32> {moe.weight}) -> tensor<2xf32> {\n"
      "  %0 = arith.addf %w, %w : tensor<2xf32>\n"
      "  return %0 : tensor<2xf32>\n}";
  constexpr StringLiteral other =
      "func.func @f(%w: tensor<2xf32> {moe.weight}) -> tensor<2xf32> {\n"
      "  %0 = arith.mulf %w, %w : tensor<2xf32>\n"
      "  return %0 : tensor<2xf32>\n}";
  TensorView w = tensorOf(MOERT_F32, {2}, {3, 4});
  BoundFunction bound = must(compile("x86-64", text).bind(asTensor(w)));
  EXPECT_EQ(message(compile("x86-64", text).bindBlob(bound.blob())), "");
  EXPECT_EQ(
      statusOf(compile("x86-64-v3", text).bindBlob(bound.blob()).takeError()),
      MOERT_WRONG_BLOB);
  EXPECT_EQ(
      statusOf(compile("x86-64", other).bindBlob(bound.blob()).takeError()),
      MOERT_WRONG_BLOB);
}
#endif

// What is computed on weights is told apart by what it is, though phases that
// are the same are functions of their own, whose names the rest of the module
// has a say in.
TEST(CallTest, BlobsOfSharedPhases) {
  auto hash = [](StringRef factor, StringRef before = "") {
    std::string scale = (R"( = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%w : tensor<64xf32>) outs(%e : tensor<64xf32>) {
  ^bb0(%a: f32, %old: f32):
    %factor = arith.constant )" +
                         factor + R"( : f32
    %p = arith.mulf %a, %factor : f32
    linalg.yield %p : f32
  } -> tensor<64xf32>
)")
                            .str();
    auto of = [&](const char *weight) {
      std::string text = scale;
      return text.replace(text.find("%w"), 2, weight);
    };
    CompilerOptions options;
    options.target = Target::Cpu;
    Compiler compiler = must(Compiler::create(std::move(options)));
    Module module = must(compiler.compile(
        before.str() +
        "func.func @f(%u: tensor<64xf32> {moe.weight}, %v: tensor<64xf32> "
        "{moe.weight}) -> (tensor<64xf32>, tensor<64xf32>) {\n"
        "  %e = tensor.empty() : tensor<64xf32>\n  %0" +
        of("%u") + "  %1" + of("%v") +
        "  return %0, %1 : tensor<64xf32>, tensor<64xf32>\n}"));
    return must(module.lookup("f")).entry().packed_hash;
  };
  EXPECT_NE(hash("2.0"), hash("3.0"));
  // Shared, too, and named first.
  EXPECT_EQ(hash("2.0"),
            hash("2.0", "func.func @before(%x: tensor<9xf32>) -> "
                        "(tensor<9xf32>, tensor<9xf32>) {\n"
                        "  %0 = math.absf %x : tensor<9xf32>\n"
                        "  %1 = math.absf %0 : tensor<9xf32>\n"
                        "  return %0, %1 : tensor<9xf32>, tensor<9xf32>\n}\n"));
}

TEST(CallTest, SymbolsOfInputsAlone) {
  MoertTensor in = asTensor(rows);
  in.data = nullptr;
  EXPECT_EQ(must(scale().bindSymbols(in)), SmallVector<int64_t>({2}));
  EXPECT_EQ(statusOf(scale().workspaceBytes({}).takeError()),
            MOERT_INVALID_ARGUMENT);
}

TEST(CallTest, WrongArgumentsAreErrors) {
  Function function = scale();
  TensorView five = tensorOf(MOERT_F32, {5}, {1, 2, 3, 4, 5});
  EXPECT_EQ(statusOf(function.bind(asTensor(five)).takeError()),
            MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(statusOf(function.bind().takeError()), MOERT_INVALID_ARGUMENT);

  BoundFunction bound = must(function.bind(asTensor(weights)));
  TensorView out = must(allocateTensor(MOERT_F32, {3, 4}));
  EXPECT_EQ(statusOf(bound.call(asTensor(rows), asTensor(out))),
            MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(statusOf(bound.call({}, asTensor(out))), MOERT_INVALID_ARGUMENT);
  EXPECT_EQ(statusOf(bound.call(asTensor(rows), asTensor(rows))),
            MOERT_INVALID_ARGUMENT); // in place
  std::string text = message(bound.call(asTensor(five), asTensor(out)));
  EXPECT_EQ(text, "scale: argument 'x': expected f32[T, 4], got f32[5]");
}

TEST(CallTest, ErrorsAtRunTime) {
  BoundFunction bound = must(pick().bind());
  TensorView x = tensorOf(MOERT_F32, {2, 2}, {1, 2, 3, 4});
  TensorView good = tensorOf(MOERT_I32, {2}, {1, 0}),
             bad = tensorOf(MOERT_I32, {2}, {1, 2});
  TensorView out = must(allocateTensor(MOERT_F32, {2, 2}));
  for (int i = 0; i < 2; ++i) { // a failed call leaves nothing behind
    MoertTensor inputs[] = {asTensor(x), asTensor(bad)};
    EXPECT_EQ(statusOf(bound.call(inputs, asTensor(out))),
              MOERT_INDEX_OUT_OF_RANGE);
    inputs[1] = asTensor(good);
    EXPECT_EQ(message(bound.call(inputs, asTensor(out))), "");
    EXPECT_EQ(valuesOf(out), (std::vector<double>{3, 4, 1, 2}));
  }
}

TEST(CallTest, ManyThreadsCallAtOnce) {
  BoundFunction bound = must(scale().bind(asTensor(weights)));
  std::vector<std::thread> threads;
  std::vector<int> wrong(8);
  for (int &count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        TensorView out = must(allocateTensor(MOERT_F32, {2, 4}));
        Error error = bound.call(asTensor(rows), asTensor(out));
        count += static_cast<bool>(error) || valuesOf(out) != scaled;
        consumeError(std::move(error));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8));
}

TEST(CallTest, ThreadsOfAHost) {
  struct Host {
    int loops = 0;
    static void run(void *host, int64_t n, MoertTask task, void *arg) {
      ++static_cast<Host *>(host)->loops;
      for (int64_t i = n; i-- > 0;)
        task(arg, i);
    }
  } host;
  MoertContextOptions options = {};
  options.threads = 2;
  options.parallel_for = Host::run;
  options.user = &host;
  Context context = must(Context::create(options));
  BoundFunction bound = must(scale().bind(context, asTensor(weights)));
  TensorView out = must(allocateTensor(MOERT_F32, {2, 4}));
  EXPECT_EQ(message(bound.call(context, asTensor(rows), asTensor(out))), "");
  EXPECT_EQ(valuesOf(out), scaled);
  EXPECT_EQ(host.loops, 1);
}

#if defined(__x86_64__)
// The oldest CPU has no instruction for these conversions, code for it calls
// ours; this machine's may have them.
TEST(CallTest, SixteenBitFloatsOnEveryCpu) {
  const std::vector<double> values = {
      0.0,    -0.0,    1.0,        -1.5,      65504.0,  65520.0,
      1e-8,   6.1e-5,  0x1.001p0,  0x1.003p0, 0x1.01p0, 0x1.03p0,
      3.4e38, -3.5e38, 0x1.0011p0, 0x1p-133,  HUGE_VAL, -HUGE_VAL,
      1e300,  0x1p-24, 0x1p-25,    0x1.8p-25, 1 / 3.0,  -2e-5};
  int64_t count = values.size();
  auto compile = [](StringRef cpu, std::string wide, std::string narrow) {
    std::string text = "func.func @f(%x: tensor<?x" + wide +
                       "> {moe.dims = [\"N\"]}) -> (tensor<?x" + narrow +
                       "> {moe.dims = [\"N\"]}, tensor<?x" + wide +
                       "> {moe.dims = [\"N\"]}) {\n" + R"(
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?xWIDE>
      %a = tensor.empty(%n) : tensor<?xNARROW>
      %b = tensor.empty(%n) : tensor<?xWIDE>
      %y, %z = linalg.generic {
          indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                           affine_map<(i) -> (i)>],
          iterator_types = ["parallel"]}
          ins(%x : tensor<?xWIDE>)
          outs(%a, %b : tensor<?xNARROW>, tensor<?xWIDE>) {
      ^bb0(%v: WIDE, %0: NARROW, %1: WIDE):
        %t = arith.truncf %v : WIDE to NARROW
        %e = arith.extf %t : NARROW to WIDE
        linalg.yield %t, %e : NARROW, WIDE
      } -> (tensor<?xNARROW>, tensor<?xWIDE>)
      return %y, %z : tensor<?xNARROW>, tensor<?xWIDE>
    })";
    for (auto [name, type] : {std::pair("WIDE", wide), {"NARROW", narrow}})
      for (size_t at; (at = text.find(name)) != std::string::npos;)
        text.replace(at, StringRef(name).size(), type);
    CompilerOptions options;
    options.cpu = cpu.str();
    Compiler compiler = must(Compiler::create(std::move(options)));
    return must(must(must(compiler.compile(text)).lookup("f")).bind());
  };
  for (StringRef cpu : {"x86-64", "native"})
    for (auto [wide, wideName] :
         {std::pair(MOERT_F32, "f32"), {MOERT_F64, "f64"}})
      for (auto [narrow, narrowName] :
           {std::pair(MOERT_F16, "f16"), {MOERT_BF16, "bf16"}}) {
        TensorView x = tensorOf(wide, {count}, values);
        TensorView y = must(allocateTensor(narrow, {count})),
                   z = must(allocateTensor(wide, {count}));
        MoertTensor outputs[] = {asTensor(y), asTensor(z)};
        BoundFunction bound = compile(cpu, wideName, narrowName);
        EXPECT_EQ(message(bound.call(asTensor(x), outputs)), "");
        TensorView want = must(convertTensor(x, narrow));
        EXPECT_EQ(valuesOf(y), valuesOf(want))
            << cpu.str() << ' ' << wideName << ' ' << narrowName;
        EXPECT_EQ(valuesOf(z), valuesOf(want));
      }
}
#endif

} // namespace
