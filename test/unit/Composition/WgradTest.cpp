//===- WgradTest.cpp - gradients of expert weights
//-------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Property/Draw.h"

#include "moe/Reference/Experts.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

TEST(WgradTest, AgreesWithTheReference) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType rowsType = dtypes.next(), drowsType = dtypes.next(),
               resultType = dtypes.next();
    int64_t experts = draw.between(1, 4), a = draw.width(), b = draw.width();
    Type rows(rowsType, {"S", a}), drows(drowsType, {"S", b}),
        offsets(MOERT_I32, {experts + 1}), result(resultType, {experts, a, b});
    Program program;
    program.input("rows", rows);
    program.input("drows", drows);
    program.input("offsets", offsets);
    program.line("%dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets : " +
                 rows.str() + ", " + drows.str() + ", " + offsets.str() +
                 " -> " + result.str());
    program.result("dw", result);
    std::optional<Executable> executable = Executable::compile(program.text());
    ASSERT_TRUE(executable);
    for (int64_t numRows : {int64_t(0), int64_t(1), draw.size()}) {
      IndexTensor offset = draw.offsets(experts, numRows);
      Tensor x = draw.numbers({numRows, a}, rowsType),
             dy = draw.numbers({numRows, b}, drowsType);
      // What no expert has must not count, whatever it is.
      for (int64_t i = offset.data.back() * a; i < x.size(); ++i)
        x.data[i] = std::numeric_limits<double>::quiet_NaN();
      double tolerance = dtypes.rtol(resultType);
      executable->expect(
          {asView(x, rowsType), asView(dy, drowsType), asView(offset)},
          {{asView(groupedMatmulWgrad(x, dy, offset), MOERT_F64), tolerance,
            tolerance}});
    }
    IndexTensor wrong({experts + 1}, 3);
    executable->expect({asView(Tensor({2, a}), rowsType),
                        asView(Tensor({2, b}), drowsType), asView(wrong)},
                       {}, MOERT_INDEX_OUT_OF_RANGE);
  }
}
