//===- QuantTest.cpp - dequantize on random programs ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Reference/Quant.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

/// Integers in [low, high], as floats.
static Tensor integers(Draw &draw, Shape shape, int64_t low, int64_t high) {
  Tensor tensor(std::move(shape));
  for (double &x : tensor.data)
    x = static_cast<double>(draw.between(low, high));
  return tensor;
}

/// Adds %narrow, the low four bits of the elements of %wide, of type `element`.
static void narrow(Program &program, const std::string &wide,
                   const std::string &narrow, const Type &type,
                   const std::string &element) {
  std::string wideType = type.str(), narrowType = type.str();
  narrowType.replace(narrowType.rfind("xi8"), 3, "x" + element);
  std::string dims, iterators;
  for (size_t i = 0; i < type.dims.size(); ++i) {
    dims += (i ? ", d" : "d") + std::to_string(i);
    iterators += i ? ", \"parallel\"" : "\"parallel\"";
  }
  std::string map = "affine_map<(" + dims + ") -> (" + dims + ")>";
  program.line("%empty_" + narrow + " = tensor.empty() : " + narrowType);
  program.line(
      "%" + narrow + " = linalg.generic {indexing_maps = [" + map + ", " + map +
      "], iterator_types = [" + iterators + "]}\n    ins(%" + wide + " : " +
      wideType + ") outs(%empty_" + narrow + " : " + narrowType +
      ") {\n  ^bb0(%in: i8, %out: " + element +
      "):\n    %low = arith.trunci %in : i8 to i4" +
      (element == "i4" ? "\n    linalg.yield %low : i4"
                       : "\n    %bits = arith.bitcast %low : i4 to " + element +
                             "\n    linalg.yield %bits : " + element) +
      "\n  } -> " + narrowType);
}

// A host has no type of four bits: nibbles are cut out of bytes.
TEST(PropertyTest, Dequantize) {
  forEachSeed(12, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    enum { Int8, Int4, E2M1 } format = std::array{Int8, Int4, E2M1}[seed % 3];
    bool hasCodebook = format != E2M1 && draw.chance(0.4),
         hasE8M0 = draw.chance(format == E2M1 ? 0.7 : 0.2);
    enum { None, Floats, Bytes } zeros = draw.pick({None, None, Floats, Bytes});
    int64_t groups = draw.between(1, 3), groupSize = draw.between(1, 5);
    Shape shape(draw.between(1, 3));
    for (int64_t &size : shape)
      size = draw.between(1, 6);
    int64_t axis = draw.between(0, shape.size() - 1);
    shape[axis] = groups * groupSize;
    Shape scaleShape = shape;
    scaleShape[axis] = groups;
    auto typeOf = [](MoertDType dtype, const Shape &shape) {
      return Type(dtype, std::vector<Dim>(shape.begin(), shape.end()));
    };
    Type q = typeOf(MOERT_I8, shape),
         scales = typeOf(hasE8M0 ? MOERT_F8E8M0 : dtypes.next(), scaleShape),
         zero = typeOf(zeros == Bytes ? MOERT_I8 : dtypes.next(), scaleShape),
         codebook(dtypes.next(), {16}), result = typeOf(dtypes.next(), shape);
    Program program;
    program.weight("bytes", q);
    program.weight("scales", scales);
    if (zeros != None)
      program.weight("zeros", zero);
    if (hasCodebook)
      program.input("codebook", codebook);
    std::string qType = q.str(), name = "bytes";
    if (format != Int8) {
      std::string element = format == Int4 ? "i4" : "f4E2M1FN";
      narrow(program, "bytes", "q", q, element);
      qType.replace(qType.rfind("xi8"), 3, "x" + element);
      name = "q";
    }
    program.line(
        "%result = moe.dequantize %" + name + " scales(" +
        typed("scales", scales) + ")" +
        (zeros == None ? "" : " zeros(" + typed("zeros", zero) + ")") +
        (hasCodebook ? " codebook(" + typed("codebook", codebook) + ")" : "") +
        " axis " + std::to_string(axis) + " : " + qType + " -> " +
        result.str());
    program.result("result", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 4; ++call) {
      int64_t bound = format == Int8 ? 128 : 8;
      Tensor codes = integers(draw, shape, -bound, bound - 1), scale, point;
      Tensor table = draw.numbers({16}, codebook.dtype);
      if (hasE8M0) {
        scale = integers(draw, scaleShape, 117, 137);
        for (double &byte : scale.data)
          byte = e8m0(draw.chance(0.05) ? 255 : static_cast<uint8_t>(byte));
      } else {
        scale = draw.numbers(scaleShape, scales.dtype);
      }
      point = zeros == Bytes ? integers(draw, scaleShape, -9, 9)
                             : draw.numbers(scaleShape, zero.dtype);
      std::vector<TensorView> arguments = {asView(codes, MOERT_I8),
                                           asView(scale, scales.dtype)};
      if (zeros != None)
        arguments.push_back(asView(point, zero.dtype));
      if (hasCodebook)
        arguments.push_back(asView(table, codebook.dtype));
      Tensor e2m1 = e2m1Codebook();
      Tensor wanted =
          dequantize(codes, scale, axis, zeros == None ? nullptr : &point,
                     hasCodebook      ? &table
                     : format == E2M1 ? &e2m1
                                      : nullptr);
      double rtol = dtypes.rtol(result.dtype);
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol}});
    }
  });
}
