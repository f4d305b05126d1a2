//===- ExpertTest.cpp - grouped_matmul and expert_ffn, random programs ----===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Experts.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

/// Breaks the rules of offsets in one place.
static void damage(Draw &draw, IndexTensor &offsets, int64_t rows) {
  int32_t &entry = offsets.data[draw.between(0, offsets.size() - 1)];
  entry = draw.pick<int32_t>({-1, INT32_MIN, INT32_MAX, int32_t(rows + 1)});
}

TEST(PropertyTest, GroupedMatmul) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType rowsType = dtypes.next(), weightsType = dtypes.next(),
               resultType = dtypes.next();
    int64_t experts = draw.pick<int64_t>({1, 2, 3, 5, 8}), in = draw.width(),
            out = draw.width();
    Type rows(rowsType, {"S", in}), weights(weightsType, {experts, in, out}),
        offsets(MOERT_I32, {experts + 1}), result(resultType, {"S", out});
    Program program;
    program.input("rows", rows);
    draw.chance(0.5) ? program.weight("w", weights)
                     : program.input("w", weights);
    program.input("offsets", offsets);
    program.line(
        "%result = moe.grouped_matmul %rows, %w, %offsets : " + rows.str() +
        ", " + weights.str() + ", " + offsets.str() + " -> " + result.str());
    program.result("result", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 8; ++call) {
      int64_t numRows = call ? draw.size() : 0;
      IndexTensor offset = draw.offsets(experts, numRows);
      Tensor input = draw.chance(0.2)
                         ? draw.wildNumbers({numRows, in}, rowsType)
                         : draw.numbers({numRows, in}, rowsType),
             weight = draw.numbers({experts, in, out}, weightsType,
                                   1 / std::sqrt(in));
      Tensor wanted = groupedMatmul(input, weight, offset);
      double rtol = dtypes.rtol(resultType);
      std::vector<TensorView> arguments = {
          asView(input, rowsType), asView(weight, weightsType), asView(offset)};
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol,
                                      offset.data.back()}});
      if (call % 4 == 0) {
        damage(draw, offset, numRows);
        arguments.back() = asView(offset);
        executable->expect(arguments, {}, MOERT_INDEX_OUT_OF_RANGE);
      }
    }
  });
}

TEST(PropertyTest, GroupedMatmulWgrad) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType rowsType = dtypes.next(), drowsType = dtypes.next(),
               resultType = dtypes.next();
    int64_t experts = draw.pick<int64_t>({1, 2, 3, 5, 8}), in = draw.width(),
            out = draw.width();
    Type rows(rowsType, {"S", in}), drows(drowsType, {"S", out}),
        offsets(MOERT_I32, {experts + 1}),
        result(resultType, {experts, in, out});
    Program program;
    program.input("rows", rows);
    program.input("drows", drows);
    program.input("offsets", offsets);
    program.line("%dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets : " +
                 rows.str() + ", " + drows.str() + ", " + offsets.str() +
                 " -> " + result.str());
    program.result("dw", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 6; ++call) {
      int64_t numRows = call ? draw.size() : 0;
      IndexTensor offset = draw.offsets(experts, numRows);
      Tensor a = draw.numbers({numRows, in}, rowsType),
             b = draw.numbers({numRows, out}, drowsType);
      // Rows of no expert take no part, whatever they hold.
      for (int64_t i = offset.data.back(); i < numRows; ++i)
        a(i, 0) = b(i, 0) = NaN;
      double rtol = dtypes.rtol(resultType);
      Tensor wanted = groupedMatmulWgrad(a, b, offset);
      std::vector<TensorView> arguments = {
          asView(a, rowsType), asView(b, drowsType), asView(offset)};
      executable->expect(arguments,
                         {{asView(wanted, MOERT_F64), rtol, 4 * rtol}});
      if (call == 3) {
        damage(draw, offset, numRows);
        arguments.back() = asView(offset);
        executable->expect(arguments, {}, MOERT_INDEX_OUT_OF_RANGE);
      }
    }
  });
}

TEST(PropertyTest, ExpertFFN) {
  forEachSeed(10, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType rowsType = dtypes.next(), resultType;
    int64_t experts =
        draw.chance(0.25) ? 0 : draw.pick<int64_t>({1, 2, 3, 5, 8});
    int64_t width = draw.width(), hidden = draw.width(), out = draw.width();
    ExpertWeights ffn(draw, dtypes, seed, experts, width, hidden, out);
    resultType = dtypes.next();

    Type rows(rowsType, {"S", width}), offsets(MOERT_I32, {experts + 1}),
        result(resultType, {"S", out});
    Program program;
    program.input("rows", rows);
    if (experts)
      program.input("offsets", offsets);
    ffn.declare(program);
    program.line("%result = moe.expert_ffn %rows" +
                 std::string(experts ? ", %offsets" : "") + ffn.text() + " : " +
                 rows.str() + (experts ? ", " + offsets.str() : "") + " -> " +
                 result.str());
    program.result("result", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 6; ++call) {
      int64_t numRows = call ? draw.size() : 0;
      IndexTensor offset = draw.offsets(std::max<int64_t>(experts, 1), numRows);
      ffn.drawValues(draw);
      Tensor input = draw.chance(0.2)
                         ? draw.wildNumbers({numRows, width}, rowsType)
                         : draw.numbers({numRows, width}, rowsType);
      Tensor wanted = experts ? expertFFN(input, offset, ffn.options())
                              : denseFFN(input, ffn.options());
      std::vector<TensorView> arguments = {asView(input, rowsType)};
      if (experts)
        arguments.push_back(asView(offset));
      ffn.append(arguments);
      // The hidden layer is stored in the type of the rows.
      double rtol = dtypes.rtol(resultType, rowsType);
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol,
                                      experts ? offset.data.back() : numRows}});
      if (experts && call == 3) {
        damage(draw, offset, numRows);
        arguments[1] = asView(offset);
        executable->expect(arguments, {}, MOERT_INDEX_OUT_OF_RANGE);
      }
    }
  });
}
