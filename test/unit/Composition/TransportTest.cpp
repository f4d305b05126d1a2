//===- TransportTest.cpp - sinkhorn and assign
//-----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Property/Draw.h"

#include "moe/Execution/Compare.h"
#include "moe/Reference/Transport.h"

#include <algorithm>
#include <cmath>

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// sinkhorn of [n,4] scores at a temperature of the call.
std::string sinkhornProgram(MoertDType dtype, bool marginals,
                            const std::string &rest) {
  Type scores(dtype, {"n", 4}), row(dtype, {"n"}), col(dtype, {4});
  Program program;
  program.input("scores", scores);
  program.scalar("tau", dtype == MOERT_F64 ? "f64" : "f32");
  std::string operands;
  if (marginals) {
    program.input("row", row);
    program.input("col", col);
    operands = " row(" + typed("row", row) + ") col(" + typed("col", col) + ")";
  }
  program.line("%plan = moe.sinkhorn %scores temperature(%tau)" + operands +
               rest + " : " + scores.str() + " -> " + scores.str());
  program.result("plan", scores);
  return program.text();
}

TensorView temperature(double tau, MoertDType dtype) {
  return asScalar(tau, dtype == MOERT_F64 ? MOERT_F64 : MOERT_F32);
}

} // namespace

TEST(TransportTest, SinkhornAgreesWithTheReference) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Draw draw(seed);
    MoertDType dtype = dtypeOf(seed);
    bool marginals = seed >= 4, rowLast = seed % 3 == 1;
    std::optional<Executable> executable = Executable::compile(sinkhornProgram(
        dtype, marginals,
        std::string(" iterations 9 final(") + (rowLast ? "row)" : "col)")));
    ASSERT_TRUE(executable);
    for (int64_t n : {int64_t(0), int64_t(1), 4 + draw.size()}) {
      Tensor scores = draw.numbers({n, 4}, dtype);
      // A row without mass, one without a way, and one of infinite cost.
      Tensor row({n}, 1), col = rounded(Tensor({4}, n / 4.0), dtype);
      if (n > 3) {
        row(0) = marginals ? 0 : 1;
        for (int64_t e = 0; e < 4; ++e)
          scores(1, e) = -std::numeric_limits<double>::infinity();
        scores(2, 1) = -std::numeric_limits<double>::infinity();
      }
      double tau = static_cast<float>(0.4);
      Tensor wanted =
          sinkhorn(scores, tau, 9, rowLast ? FinalStep::Row : FinalStep::Col,
                   marginals ? &row : nullptr, marginals ? &col : nullptr);
      std::vector<TensorView> arguments = {asView(scores, dtype),
                                           temperature(tau, dtype)};
      if (marginals) {
        arguments.push_back(asView(row, dtype));
        arguments.push_back(asView(col, dtype));
      }
      double rtol = defaultRtol(dtype);
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol}});
    }
  }
}

// Whatever the temperature and the scores: no overflow, no NaN, and the columns
// of the last step have their mass.
TEST(TransportTest, SinkhornIsStable) {
  std::optional<Executable> executable = Executable::compile(
      sinkhornProgram(MOERT_F32, false, " iterations 20 final(col)"));
  ASSERT_TRUE(executable);
  Draw draw(1);
  const int64_t n = 32;
  for (double tau : {1e-3, 1e-2, 1.0, 1e4})
    for (double size : {1.0, 1e2, 1e4}) {
      Tensor scores = draw.numbers({n, 4}, MOERT_F32, size);
      Outcome outcome = executable->call(
          {asView(scores, MOERT_F32), temperature(tau, MOERT_F32)}, {});
      ASSERT_EQ(outcome.status, MOERT_OK);
      Tensor plan = asTensor64(outcome.results[0]);
      for (int64_t e = 0; e < 4; ++e) {
        double mass = 0;
        for (int64_t i = 0; i < n; ++i) {
          ASSERT_TRUE(std::isfinite(plan(i, e)) && plan(i, e) >= 0)
              << "tau " << tau << ", scores " << size;
          mass += plan(i, e);
        }
        // An exponent of 1e7 has an error of 1 in f32, its logarithm is exact.
        double error = 1e-5 + size / tau * 2e-6;
        EXPECT_NEAR(mass / (n / 4), 1, error)
            << "tau " << tau << ", scores " << size;
      }
    }
}

// Rows may come in any order, and a constant added to one changes nothing.
TEST(TransportTest, SinkhornKnowsRowsByTheirScoresOnly) {
  std::optional<Executable> executable = Executable::compile(
      sinkhornProgram(MOERT_F64, false, " iterations 7 final(col)"));
  ASSERT_TRUE(executable);
  Draw draw(3);
  const int64_t n = 12;
  Tensor scores = draw.numbers({n, 4}, MOERT_F64);
  auto plan = [&](const Tensor &tensor) {
    return asTensor64(
        executable
            ->call({asView(tensor, MOERT_F64), temperature(0.5, MOERT_F64)}, {})
            .results[0]);
  };
  Tensor original = plan(scores), changed({n, 4}), wanted({n, 4});
  std::vector<int64_t> order = draw.permutation(n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t e = 0; e < 4; ++e) {
      changed(i, e) = scores(order[i], e) + 0.25 * i;
      wanted(i, e) = original(order[i], e);
    }
  Tensor got = plan(changed);
  for (int64_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got(i), wanted(i), 1e-12);
}

TEST(TransportTest, Assign) {
  for (uint64_t seed = 0; seed < 8; ++seed)
    for (bool exact : {false, true}) {
      Draw draw(seed);
      MoertDType dtype = dtypeOf(seed);
      Type scores(dtype, {"n", 3}), capacity(MOERT_I32, {3}),
          member(MOERT_I32, {"n"});
      Program program;
      program.input("scores", scores);
      program.input("capacity", capacity);
      program.line("%member = moe.assign %scores, %capacity method(" +
                   std::string(exact ? "exact" : "greedy") +
                   ") : " + scores.str() + ", " + capacity.str() + " -> " +
                   member.str());
      program.result("member", member);
      std::optional<Executable> executable =
          Executable::compile(program.text());
      ASSERT_TRUE(executable);
      for (int64_t n : {int64_t(0), int64_t(1), draw.size()}) {
        int32_t first = static_cast<int32_t>(draw.between(0, n)),
                second = static_cast<int32_t>(draw.between(0, n - first));
        IndexTensor room(
            {3}, std::vector<int32_t>{
                     first, second, static_cast<int32_t>(n - first - second)});
        Tensor values = draw.logits({n, 3}, dtype);
        if (exact)
          values = draw.numbers({n, 3}, dtype);
        IndexTensor wanted = assign(
            values, room, exact ? AssignMethod::Exact : AssignMethod::Greedy);
        std::vector<TensorView> arguments = {asView(values, dtype),
                                             asView(room)};
        if (!exact) {
          executable->expect(arguments, {exactly(wanted)});
          continue;
        }
        // There may be several optima; what counts is the total and the counts.
        Outcome outcome = executable->call(arguments, {});
        ASSERT_EQ(outcome.status, MOERT_OK) << outcome.message;
        Tensor member = asTensor64(outcome.results[0]);
        double total = 0, best = 0;
        for (int64_t i = 0; i < n; ++i) {
          int64_t e = static_cast<int64_t>(member(i));
          ASSERT_TRUE(e >= 0 && e < 3);
          --room(e);
          total += values(i, e);
          best += values(i, wanted(i));
        }
        EXPECT_NEAR(total, best, 1e-9 * (1 + std::abs(best)));
        EXPECT_EQ(*std::max_element(room.data.begin(), room.data.end()), 0);
      }
      // Capacities that do not sum to the number of rows.
      executable->expect(
          {asView(Tensor({2, 3}), dtype), asView(IndexTensor({3}, 1))},
          {exactly(IndexTensor({2}, -1))}, MOERT_INVALID_ARGUMENT);
    }
}
