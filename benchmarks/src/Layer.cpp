//===- Layer.cpp - the layers that are measured ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moe::bench {

static constexpr Layer kLayers[] = {
    {"A", 1024, 3584, 8, 2, false},
    {"B", 2048, 768, 128, 8, false},
    {"C", 2880, 2880, 32, 4, true},
    {"D", 256, 512, 8, 2, false},
};

ArrayRef<Layer> layers() { return kLayers; }

const Layer *findLayer(StringRef name) {
  for (const Layer &layer : kLayers)
    if (name == layer.name)
      return &layer;
  return nullptr;
}

namespace {

/// Writes the module, value by value.
class Source {
public:
  Source(const Layer &layer, MoertDType dtype, WeightForm form)
      : layer(layer), element(moert_dtype_name(dtype)), form(form),
        stream(text) {}

  std::string write(bool fromLogits, int64_t depth);

private:
  /// "tensor<8x64xf32>"; a size below 0 is "?".
  static std::string type(ArrayRef<int64_t> shape, StringRef element);
  /// The type of a matrix of weights as an argument, and as the ops want it.
  std::string given(int64_t in, int64_t out) const {
    return form == WeightForm::InOut ? type({layer.E, in, out}, element)
                                     : type({layer.E, out, in}, element);
  }
  std::string wanted(int64_t in, int64_t out) const {
    return type({layer.E, in, out}, element);
  }
  void argument(const Twine &name, const Twine &type, bool weight = true);
  void matrixArgument(const Twine &name, int64_t in, int64_t out);
  /// Turns the argument into [E,in,out]; writes nothing if it is that.
  std::string matrix(const Twine &name, int64_t in, int64_t out);
  std::string operand(const Twine &name, int64_t in, int64_t out);

  const Layer &layer;
  std::string element;
  WeightForm form;
  std::string text;
  raw_string_ostream stream;
};

} // namespace

std::string Source::type(ArrayRef<int64_t> shape, StringRef element) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + element.str() + ">";
}

void Source::argument(const Twine &name, const Twine &type, bool weight) {
  stream << ",\n    %" << name << ": " << type << " {moe.name = \"" << name
         << "\"" << (weight && form == WeightForm::Packed ? ", moe.weight" : "")
         << (weight ? "}" : ", moe.dims = [\"T\", \"\"]}");
}

void Source::matrixArgument(const Twine &name, int64_t in, int64_t out) {
  argument(name, given(in, out));
  if (layer.gptOss)
    argument(name + "_bias", type({layer.E, out}, element));
}

std::string Source::matrix(const Twine &name, int64_t in, int64_t out) {
  if (form == WeightForm::InOut)
    return ("%" + name).str();
  stream << "  %" << name << "_empty = tensor.empty() : " << wanted(in, out)
         << "\n  %" << name << "_t = linalg.transpose ins(%" << name << " : "
         << given(in, out) << ") outs(%" << name
         << "_empty : " << wanted(in, out) << ") permutation = [0, 2, 1]\n";
  return ("%" + name + "_t").str();
}

std::string Source::operand(const Twine &name, int64_t in, int64_t out) {
  std::string value = matrix(name, in, out) + " : " + wanted(in, out);
  if (layer.gptOss)
    value +=
        (" bias %" + name + "_bias : ").str() + type({layer.E, out}, element);
  return value;
}

std::string Source::write(bool fromLogits, int64_t depth) {
  auto [name, d, F, E, K, gptOss] = layer;
  std::string tokens = type({-1, d}, element), offsets = type({E + 1}, "i32"),
              indices = type({-1, K}, "i32"), weights = type({-1, K}, "f32"),
              slots = type({-1}, "i32"), logits = type({-1, E}, "f32");
  stream << "func.func @main(\n    %x0: " << tokens
         << " {moe.name = \"x\", moe.dims = [\"T\", \"\"]}";
  if (fromLogits) {
    argument("logits", logits, /*weight=*/false);
  } else {
    argument("indices", indices, /*weight=*/false);
    argument("weights", weights, /*weight=*/false);
  }
  for (int64_t l = 0; l < depth; ++l) {
    matrixArgument("gate" + Twine(l), d, F);
    matrixArgument("up" + Twine(l), d, F);
    matrixArgument("down" + Twine(l), F, d);
  }
  stream << ")\n    -> (" << tokens
         << " {moe.name = \"y\", moe.dims = [\"T\", \"\"]}) {\n";
  if (fromLogits)
    stream << "  %indices, %weights = moe.route %logits score("
           << (gptOss ? "identity) weights(softmax_selected)"
                      : "softmax) weights(normalized)")
           << " : " << logits << " -> " << indices << ", " << weights << "\n";
  stream << "  %row_slot, %slot_row, %offsets = moe.group %indices : "
         << indices << " -> " << slots << ", " << indices << ", " << offsets
         << "\n";
  for (int64_t l = 0; l < depth; ++l) {
    std::string gate = operand("gate" + Twine(l), d, F),
                up = operand("up" + Twine(l), d, F),
                down = operand("down" + Twine(l), F, d);
    stream << "  %rows" << l << " = moe.dispatch %x" << l << "[%row_slot by "
           << K << "] : " << tokens << ", " << slots << " -> " << tokens
           << "\n  %outputs" << l << " = moe.expert_ffn %rows" << l
           << ", %offsets\n    gate(" << gate << ")\n    up(" << up
           << ")\n    down(" << down << ")\n    activation(silu)"
           << (gptOss ? " {alpha = 1.702, limit = 7.0, up_offset = 1.0}" : "")
           << " : " << tokens << ", " << offsets << " -> " << tokens << "\n  %x"
           << l + 1 << " = moe.combine %outputs" << l
           << "[%slot_row] weights(%weights : " << weights << ") : " << tokens
           << ", " << indices << " -> " << tokens << "\n";
  }
  stream << "  return %x" << depth << " : " << tokens << "\n}\n";
  return text;
}

std::string layerSource(const Layer &layer, MoertDType dtype, WeightForm form,
                        bool fromLogits, int64_t depth) {
  return Source(layer, dtype, form).write(fromLogits, depth);
}

} // namespace moe::bench
