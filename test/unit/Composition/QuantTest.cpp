//===- QuantTest.cpp - quantised weights, packed at the boundary
//-----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"
#include "moe/Reference/Quant.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// Codes as the bytes that a host passes: two to a byte, the low half first.
TensorView asNibbles(const IndexTensor &codes) {
  std::vector<int64_t> shape(codes.shape.begin(), codes.shape.end());
  shape.back() /= 2;
  llvm::Expected<TensorView> bytes = allocateTensor(MOERT_U8, shape);
  EXPECT_TRUE(bool(bytes));
  for (int64_t i = 0; i < bytes->elements(); ++i)
    const_cast<char *>(bytes->data)[i] =
        static_cast<char>((codes(2 * i) & 15) | (codes(2 * i + 1) & 15) << 4);
  return *bytes;
}

/// A tensor of bytes.
TensorView asBytes(const IndexTensor &values, MoertDType dtype) {
  std::vector<int64_t> shape(values.shape.begin(), values.shape.end());
  llvm::Expected<TensorView> bytes = allocateTensor(dtype, shape);
  EXPECT_TRUE(bool(bytes));
  for (int64_t i = 0; i < bytes->elements(); ++i)
    const_cast<char *>(bytes->data)[i] = static_cast<char>(values(i));
  return *bytes;
}

Tensor asNumbers(const IndexTensor &values) {
  Tensor result(values.shape);
  std::copy(values.data.begin(), values.data.end(), result.data.begin());
  return result;
}

/// A format of the op's table.
struct Format {
  const char *name;
  const char *element, *scale; ///< MLIR's names of the types.
  const char *zero = nullptr;
  bool hasCodebook = false;
};

constexpr Format kFormats[] = {
    {"int8", "i8", "f32"},
    {"int8 with zeros", "i8", "bf16", "i8"},
    {"int4", "i4", "f16"},
    {"int4 with zeros", "i4", "f32", "i4"},
    {"int4 with zeros of a fraction", "i4", "f32", "f32"},
    {"uint4", "i8", "f32", "f32", true},
    {"NF4", "i4", "f32", nullptr, true},
    {"MXFP4", "f4E2M1FN", "f8E8M0FNU"},
    {"f64", "i4", "f64"},
};

bool isNibble(llvm::StringRef element) {
  return element == "i4" || element == "f4E2M1FN";
}

/// Operands of one dequantize, as numbers and as what the host passes.
class Operands {
public:
  Operands(Draw &draw, const Format &format, Shape shape, int64_t axis,
           int64_t groups)
      : format(format), axis(axis) {
    llvm::StringRef element = format.element, scale = format.scale;
    IndexTensor codes = element == "i8" ? draw.indices(shape, -128, 127)
                                        : draw.indices(shape, -8, 7);
    q = asNumbers(codes);
    if (element == "f4E2M1FN")
      for (double &number : q.data)
        number = e2m1Codebook()(static_cast<int64_t>(number) & 15);
    views.push_back(isNibble(element) ? asNibbles(codes)
                                      : asBytes(codes, MOERT_I8));
    shape[axis] = groups;
    if (scale == "f8E8M0FNU") {
      IndexTensor bytes = draw.indices(shape, 100, 150);
      // The smallest one, which as an f32 is a denormal, and NaN.
      bytes.data.front() = 0;
      bytes.data.back() = 255;
      scales = Tensor(shape);
      for (int64_t i = 0; i < scales.size(); ++i)
        scales(i) = e8m0(static_cast<uint8_t>(bytes(i)));
      views.push_back(asBytes(bytes, MOERT_F8E8M0));
    } else {
      addFloats(draw, scales, shape, scale);
    }
    if (format.zero && llvm::StringRef(format.zero).starts_with("i")) {
      bool narrow = isNibble(format.zero);
      IndexTensor numbers =
          draw.indices(shape, narrow ? -8 : -128, narrow ? 7 : 127);
      zeros = asNumbers(numbers);
      views.push_back(narrow ? asNibbles(numbers) : asBytes(numbers, MOERT_I8));
    } else if (format.zero) {
      addFloats(draw, zeros, shape, format.zero);
    }
    if (format.hasCodebook)
      addFloats(draw, codebook, {16}, "f32");
  }

  Tensor dequantized() const {
    return dequantize(q, scales, axis, format.zero ? &zeros : nullptr,
                      format.hasCodebook ? &codebook : nullptr);
  }

  std::vector<TensorView> views;

private:
  void addFloats(Draw &draw, Tensor &tensor, Shape shape,
                 llvm::StringRef name) {
    MoertDType dtype = name == "f32"   ? MOERT_F32
                       : name == "f64" ? MOERT_F64
                       : name == "f16" ? MOERT_F16
                                       : MOERT_BF16;
    tensor = draw.numbers(std::move(shape), dtype);
    views.push_back(asView(tensor, dtype));
  }

  const Format &format;
  int64_t axis;
  Tensor q, scales, zeros, codebook;
};

std::string typeOf(const Shape &shape, const char *element) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

/// %0 = dequantize of arguments, which are weights or not.
std::string program(const Format &format, Shape shape, int64_t axis,
                    int64_t groups, const char *result, bool weights) {
  Shape grouped = shape;
  grouped[axis] = groups;
  std::string attribute = weights ? " {moe.weight}" : "";
  std::string arguments, op = "moe.dequantize %q scales(%s : ";
  auto argument = [&](const char *name, const std::string &type) {
    arguments += (arguments.empty() ? "" : ", ") + std::string("%") + name +
                 ": " + type + attribute;
    return type;
  };
  std::string q = argument("q", typeOf(shape, format.element));
  op += argument("s", typeOf(grouped, format.scale)) + ")";
  if (format.zero)
    op += " zeros(%z : " + argument("z", typeOf(grouped, format.zero)) + ")";
  if (format.hasCodebook)
    op += " codebook(%c : " + argument("c", "tensor<16xf32>") + ")";
  std::string type = typeOf(shape, result);
  return "func.func @main(" + arguments + ") -> " + type + " {\n  %0 = " + op +
         " axis " + std::to_string(axis) + " : " + q + " -> " + type +
         "\n  return %0 : " + type + "\n}\n";
}

} // namespace

TEST(QuantTest, EveryFormatAgreesWithTheReference) {
  uint64_t seed = 0;
  for (const Format &format : kFormats)
    for (bool weights : {true, false})
      for (int64_t axis : {0, 1, 2}) {
        Draw draw(++seed);
        const Shape shape = {2, 6, 8};
        int64_t groups = axis == 0 ? 1 : 2;
        std::string text = program(format, shape, axis, groups, "f32", weights);
        SCOPED_TRACE(std::string(format.name) + "\n" + text);
        std::optional<Executable> executable = Executable::compile(text);
        ASSERT_TRUE(executable);
        Operands operands(draw, format, shape, axis, groups);
        executable->expect(operands.views,
                           {{asView(operands.dequantized(), MOERT_F64),
                             defaultRtol(MOERT_F32)}});
      }
}

// A result that is narrower than the sums is rounded once.
TEST(QuantTest, ResultIsRoundedOnce) {
  for (auto [name, dtype] :
       {std::pair("bf16", MOERT_BF16), std::pair("f16", MOERT_F16)}) {
    Draw draw(7);
    std::string text = program(kFormats[2], {4, 10}, 1, 5, name, true);
    std::optional<Executable> executable = Executable::compile(text);
    ASSERT_TRUE(executable);
    Operands operands(draw, kFormats[2], {4, 10}, 1, 5);
    executable->expect(
        operands.views,
        {{asView(rounded(operands.dequantized(), dtype), MOERT_F64), 0}});
  }
}

// The last dimension of elements of four bits is even, and they are no results.
TEST(QuantTest, NibblesNeedWholeBytes) {
  llvm::Expected<Compiler> compiler = Compiler::create({});
  ASSERT_TRUE(bool(compiler));
  auto message = [&](const std::string &text) {
    return llvm::toString(compiler->compile(text).takeError());
  };
  EXPECT_NE(message(program(kFormats[2], {4, 5}, 0, 2, "f32", true))
                .find("last dimension must be static and even"),
            std::string::npos);
  EXPECT_NE(message("func.func @f(%x: tensor<2xi4>) -> tensor<2xi4> {\n"
                    "  return %x : tensor<2xi4>\n}\n")
                .find("only tensors of arguments"),
            std::string::npos);
}
