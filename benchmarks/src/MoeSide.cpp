//===- MoeSide.cpp - our own sides ----------------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Side.h"

#include "moe/Execution/Compiler.h"

#include "llvm/ADT/STLExtras.h"

#include <optional>

using namespace llvm;

namespace moe::bench {

namespace {

/// What tells our sides apart.
struct Variant {
  StringRef name;
  WeightForm form;
  bool fromLogits;
  const char *cpu;
};

constexpr Variant kVariants[] = {
    {"moe", WeightForm::Packed, false, "native"},
    {"moe-logits", WeightForm::Packed, true, "native"},
    {"moe-inplace", WeightForm::OutIn, false, "native"},
    {"moe-inplace-io", WeightForm::InOut, false, "native"},
    {"moe-avx2", WeightForm::Packed, false, "x86-64-v3"},
};

class MoeSide : public Side {
public:
  static Expected<std::unique_ptr<Side>> create(const Variant &variant,
                                                const Problem &problem);
  Error setThreads(unsigned threads) override;
  Error run(const Batch &batch, char *y) override;
  CompileTimes compileTimes() const override { return module.times(); }
  bool narrow() const override { return StringRef(variant.cpu) != "native"; }

private:
  MoeSide(const Variant &variant, const Problem &problem, Module module,
          Function function, Context context)
      : variant(variant), problem(problem), module(std::move(module)),
        function(std::move(function)), context(std::move(context)) {}
  Error bindWeights();

  const Variant &variant;
  const Problem &problem;
  Module module;
  Function function;
  Context context;
  std::optional<BoundFunction> bound;
  Buffer transposed[3];                  ///< weights as [E,in,out]
  std::vector<MoertTensor> inputWeights; ///< where they are plain inputs
  std::vector<SmallVector<int64_t, 3>> shapes;
};

} // namespace

static Expected<Module> compileLayer(const Layer &layer, MoertDType dtype,
                                     const Variant &variant, int64_t depth) {
  CompilerOptions options;
  options.target = Target::Cpu;
  options.cpu = variant.cpu;
  Expected<Compiler> compiler = Compiler::create(std::move(options));
  if (!compiler)
    return compiler.takeError();
  return compiler->compile(
      layerSource(layer, dtype, variant.form, variant.fromLogits, depth),
      variant.name);
}

/// [E,out,in] as [E,in,out].
static Buffer transpose(const Buffer &matrix, size_t width, int64_t E,
                        int64_t out, int64_t in) {
  Buffer result(matrix.bytes());
  constexpr int64_t kTile = 32;
  for (int64_t e = 0; e < E; ++e)
    for (int64_t i0 = 0; i0 < in; i0 += kTile)
      for (int64_t o0 = 0; o0 < out; o0 += kTile)
        for (int64_t i = i0; i < std::min(in, i0 + kTile); ++i)
          for (int64_t o = o0; o < std::min(out, o0 + kTile); ++o)
            memcpy(result.data() + (e * in * out + i * out + o) * width,
                   matrix.data() + (e * in * out + o * in + i) * width, width);
  return result;
}

Expected<std::unique_ptr<Side>> MoeSide::create(const Variant &variant,
                                                const Problem &problem) {
  Expected<Module> module =
      compileLayer(problem.layer, problem.dtype, variant, 1);
  if (!module)
    return module.takeError();
  Expected<Function> function = module->lookup("main");
  if (!function)
    return function.takeError();
  Expected<Context> context = Context::create();
  if (!context)
    return context.takeError();
  std::unique_ptr<MoeSide> side(
      new MoeSide(variant, problem, std::move(*module), std::move(*function),
                  std::move(*context)));
  if (Error error = side->bindWeights())
    return std::move(error);
  return side;
}

Error MoeSide::bindWeights() {
  auto [name, d, F, E, K, gptOss] = problem.layer;
  struct Matrix {
    const Buffer &weight, &bias;
    int64_t out, in;
  } matrices[] = {{problem.gate, problem.gateBias, F, d},
                  {problem.up, problem.upBias, F, d},
                  {problem.down, problem.downBias, d, F}};
  bool swap = variant.form == WeightForm::InOut;
  shapes.reserve(6); // the tensors point into it
  std::vector<MoertTensor> tensors;
  auto add = [&](const Buffer &buffer, ArrayRef<int64_t> shape) {
    shapes.emplace_back(shape);
    tensors.push_back({buffer.data(),
                       shapes.back().data(),
                       uint8_t(problem.dtype),
                       uint8_t(shape.size()),
                       {}});
  };
  for (auto [i, m] : enumerate(matrices)) {
    if (swap) {
      transposed[i] =
          transpose(m.weight, problem.elementBytes(), E, m.out, m.in);
      add(transposed[i], {E, m.in, m.out});
    } else {
      add(m.weight, {E, m.out, m.in});
    }
    if (gptOss)
      add(m.bias, {E, m.out});
  }
  bool packed = variant.form == WeightForm::Packed;
  Expected<BoundFunction> result = function.bind(
      context, packed ? ArrayRef(tensors) : ArrayRef<MoertTensor>());
  if (!result)
    return result.takeError();
  bound = std::move(*result);
  if (!packed)
    inputWeights = std::move(tensors);
  return Error::success();
}

Error MoeSide::setThreads(unsigned threads) {
  Expected<Context> created = Context::create(threads);
  if (!created)
    return created.takeError();
  context = std::move(*created);
  return Error::success();
}

Error MoeSide::run(const Batch &batch, char *y) {
  const Layer &layer = problem.layer;
  int64_t tokens[] = {batch.tokens, layer.d},
          logits[] = {batch.tokens, layer.E}, slots[] = {batch.tokens, layer.K};
  auto dtype = uint8_t(problem.dtype);
  SmallVector<MoertTensor, 9> inputs;
  inputs.push_back({batch.x.data(), tokens, dtype, 2, {}});
  auto given = [](const auto &values) {
    return const_cast<void *>(static_cast<const void *>(values.data()));
  };
  if (variant.fromLogits) {
    inputs.push_back({given(batch.logits), logits, MOERT_F32, 2, {}});
  } else {
    inputs.push_back({given(batch.indices), slots, MOERT_I32, 2, {}});
    inputs.push_back({given(batch.weights), slots, MOERT_F32, 2, {}});
  }
  append_range(inputs, inputWeights);
  MoertTensor output = {y, tokens, dtype, 2, {}};
  return bound->call(context, inputs, output);
}

//===----------------------------------------------------------------------===//
// All sides
//===----------------------------------------------------------------------===//

ArrayRef<StringRef> sideNames() {
  static const StringRef names[] = {
      "moe",      "moe-logits", "moe-inplace", "moe-inplace-io",
      "moe-avx2", "onednn",     "openblas"};
  return names;
}

static const Variant *findVariant(StringRef name) {
  const Variant *found = find_if(
      kVariants, [&](const Variant &variant) { return variant.name == name; });
  return found == std::end(kVariants) ? nullptr : found;
}

std::string whyNot(StringRef name, const Problem &problem) {
  StringRef dtype = moert_dtype_name(problem.dtype);
  if (name == "openblas" && problem.dtype != MOERT_F32)
    return ("the library's products are f32, not " + dtype).str();
  if (name == "onednn" && problem.dtype == MOERT_F16)
    return ("the library's CPU products are f32 and bf16, not " + dtype).str();
  if (name == "onednn" && problem.dtype == MOERT_BF16 &&
      !(moert_cpu_features() & MOERT_CPU_AVX512BW))
    return "the library's bf16 products need AVX-512";
  if ((name == "onednn" && oneDnnVersion().empty()) ||
      (name == "openblas" && openBlasVersion().empty()))
    return "built without the library";
  return "";
}

size_t bytesToBuild(StringRef name, const Problem &problem) {
  const Variant *variant = findVariant(name);
  bool copies = variant ? variant->form != WeightForm::OutIn : name == "onednn";
  return copies ? problem.weightBytes() / 20 * 21 : 0;
}

Expected<std::unique_ptr<Side>> createSide(StringRef name,
                                           const Problem &problem) {
  if (const Variant *variant = findVariant(name))
    return MoeSide::create(*variant, problem);
  return name == "onednn" ? createOneDnnSide(problem)
                          : createOpenBlasSide(problem);
}

Expected<CompileTimes> timeCompilation(const Layer &layer, MoertDType dtype,
                                       int64_t depth) {
  Expected<Module> module = compileLayer(layer, dtype, kVariants[0], depth);
  if (!module)
    return module.takeError();
  return module->times();
}

} // namespace moe::bench
