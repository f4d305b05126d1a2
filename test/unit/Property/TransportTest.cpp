//===- TransportTest.cpp - sinkhorn, assign and their kin -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Reference/Routing.h"
#include "moe/Reference/Transport.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

/// Positive numbers, and a few zeros.
static Tensor masses(Draw &draw, int64_t n, MoertDType dtype) {
  Tensor tensor({n});
  for (double &mass : tensor.data)
    mass = draw.chance(0.1) ? 0 : draw.uniform(0.1, 2);
  return rounded(tensor, dtype);
}

TEST(PropertyTest, Sinkhorn) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed, /*mayMix=*/false);
    MoertDType dtype = dtypes.next(),
               scalar = dtype == MOERT_F64 ? MOERT_F64 : MOERT_F32;
    bool isDynamic = draw.chance(0.6), hasRow = draw.chance(0.5),
         hasCol = draw.chance(0.5);
    int64_t rows = draw.between(1, 12), cols = draw.pick<int64_t>({1, 2, 3, 7});
    int64_t iterations = draw.pick<int64_t>({1, 2, 7});
    FinalStep last = draw.pick({FinalStep::Row, FinalStep::Col});
    Dim n = isDynamic ? Dim("N") : Dim(rows);
    Type scores(dtype, {n, cols}), row(dtype, {n}), col(dtype, {cols});
    Program program;
    program.input("scores", scores);
    program.scalar("tau", elementName(scalar));
    if (hasRow)
      program.input("row", row);
    if (hasCol)
      program.input("col", col);
    program.line("%plan = moe.sinkhorn %scores temperature(%tau)" +
                 (hasRow ? " row(" + typed("row", row) + ")" : "") +
                 (hasCol ? " col(" + typed("col", col) + ")" : "") +
                 " iterations " + std::to_string(iterations) + " final(" +
                 (last == FinalStep::Row ? "row" : "col") +
                 ") : " + scores.str() + " -> " + scores.str());
    program.result("plan", scores);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t size : {0, 1, 2, 9, 33}) {
      if (!executable)
        return;
      int64_t numRows = isDynamic ? size : rows;
      Tensor input = draw.numbers({numRows, cols}, dtype);
      double temperature =
          draw.pick({0.0009765625, 0.0625, 1.0, 10.0}); // exact in f32
      for (double &score : input.data)
        if (draw.chance(0.05))
          score = draw.pick({-inf, -inf, NaN});
      Tensor rowMass = masses(draw, numRows, dtype),
             colMass = masses(draw, cols, dtype);
      std::vector<TensorView> arguments = {asView(input, dtype),
                                           asScalar(temperature, scalar)};
      if (hasRow)
        arguments.push_back(asView(rowMass, dtype));
      if (hasCol)
        arguments.push_back(asView(colMass, dtype));
      Tensor wanted =
          sinkhorn(input, temperature, iterations, last,
                   hasRow ? &rowMass : nullptr, hasCol ? &colMass : nullptr);
      // The error of an exponent is relative to it, that of the plan is as
      // large as that of the exponents; potentials sum up those of the steps.
      double rtol =
          dtypes.rtol(dtype) +
          DTypes(draw, 3 * (scalar == MOERT_F64), false).rtol(scalar) *
              (1 + 0.5 / temperature) * iterations;
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol}});
    }
  });
}

/// Capacities that sum to `rows`.
static IndexTensor capacities(Draw &draw, int64_t rows, int64_t cols) {
  IndexTensor ends = draw.offsets(cols, rows);
  ends.data.back() = static_cast<int32_t>(rows);
  IndexTensor room({cols});
  for (int64_t e = 0; e < cols; ++e)
    room(e) = ends(e + 1) - ends(e);
  return room;
}

/// The sum of the scores that an assignment takes.
static double total(const Tensor &scores, const IndexTensor &member) {
  double sum = 0;
  for (int64_t i = 0; i < member.size(); ++i)
    sum += scores(i, member(i));
  return sum;
}

TEST(PropertyTest, Assign) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed / 2);
    AssignMethod method = seed % 2 ? AssignMethod::Exact : AssignMethod::Greedy;
    int64_t cols = draw.pick<int64_t>({1, 2, 3, 7});
    Type scores(dtype, {"N", cols}), capacity(MOERT_I32, {cols}),
        member(MOERT_I32, {"N"});
    Program program;
    program.input("scores", scores);
    program.input("capacity", capacity);
    program.line("%member = moe.assign %scores, %capacity method(" +
                 std::string(seed % 2 ? "exact" : "greedy") + ") : " +
                 scores.str() + ", " + capacity.str() + " -> " + member.str());
    program.result("member", member);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t rows : {0, 1, 2, 9, 33}) {
      if (!executable)
        return;
      IndexTensor room = capacities(draw, rows, cols);
      Tensor input = method == AssignMethod::Greedy
                         ? draw.logits({rows, cols}, dtype)
                         : draw.numbers({rows, cols}, dtype);
      IndexTensor wanted = assign(input, room, method);
      std::vector<TensorView> arguments = {asView(input, dtype), asView(room)};
      if (method == AssignMethod::Greedy) {
        executable->expect(arguments, {exactly(wanted)});
        continue;
      }
      // Which one of several best ones is free; the counts and the sum are not.
      std::vector<TensorView> results = executable->expect(arguments, {});
      ASSERT_EQ(results.size(), 1u);
      IndexTensor got({rows});
      for (int64_t i = 0; i < rows; ++i)
        got(i) = static_cast<int32_t>(readElement(results[0], i));
      for (int64_t e = 0; e < cols; ++e)
        EXPECT_EQ(std::count(got.data.begin(), got.data.end(), e), room(e));
      if (!testing::Test::HasFailure())
        EXPECT_NEAR(total(input, got), total(input, wanted), 1e-9);
    }
  });
}

TEST(PropertyTest, OneHot) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed);
    bool isDynamic = draw.chance(0.5), isFlat = draw.chance(0.3);
    int64_t width = draw.width(), slots = isFlat ? 1 : draw.between(1, 4);
    Type indices =
             isFlat ? Type(MOERT_I32, {"N"}) : Type(MOERT_I32, {"N", slots}),
         like(MOERT_F32, {"E"}),
         result(dtype, {"N", isDynamic ? Dim("E") : Dim(width)});
    Program program;
    program.input("indices", indices);
    if (isDynamic) {
      program.input("like", like);
      program.line("%c0 = arith.constant 0 : index");
      program.line("%size = tensor.dim %like, %c0 : " + like.str());
    }
    program.line("%result = moe.one_hot %indices" +
                 std::string(isDynamic ? " size(%size)" : "") + " : " +
                 indices.str() + " -> " + result.str());
    program.result("result", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t n : {0, 1, 2, 9}) {
      if (!executable)
        return;
      int64_t size = isDynamic ? draw.between(0, 9) : width;
      IndexTensor input =
          draw.indices(isFlat ? Shape{n} : Shape{n, slots}, -2, size + 1);
      std::vector<TensorView> arguments = {asView(input)};
      if (isDynamic)
        arguments.push_back(asView(Tensor({size}), MOERT_F32));
      executable->expect(arguments, {{asView(oneHot(input, size), dtype)}});
    }
  });
}

TEST(PropertyTest, StraightThrough) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    std::vector<Dim> dims = {"N"};
    for (int64_t i = draw.between(0, 2); i > 0; --i)
      dims.push_back(draw.width());
    Type hard(dtypes.next(), dims), soft(dtypes.next(), dims),
        result(dtypes.next(), dims);
    Program program;
    program.input("hard", hard);
    program.input("soft", soft);
    program.line("%result = moe.straight_through %hard, %soft : " + hard.str() +
                 ", " + soft.str() + " -> " + result.str());
    program.result("result", result);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int64_t n : {0, 1, 5}) {
      if (!executable)
        return;
      Shape shape = {n};
      for (const Dim &dim : llvm::ArrayRef(dims).drop_front())
        shape.push_back(dim.size);
      Tensor input = draw.wildNumbers(shape, hard.dtype),
             other = draw.wildNumbers(shape, soft.dtype);
      executable->expect(
          {asView(input, hard.dtype), asView(other, soft.dtype)},
          {{asView(straightThrough(input, other), result.dtype)}});
    }
  });
}
