//===- AssignTest.cpp - balanced assignment -------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <array>
#include <cmath>
#include <random>

using namespace moe::test;

namespace {

constexpr float kNaN = NAN, kInf = INFINITY;

/// The total of an assignment, in the order of preference: fewer NaN, fewer
/// -inf, more +inf, a greater sum.
using Total = std::array<double, 4>;
template <typename Float>
Total totalOf(const std::vector<Float> &scores,
              const std::vector<int32_t> &member, int64_t experts) {
  Total total{};
  for (size_t i = 0; i < member.size(); ++i) {
    double score = scores[i * experts + member[i]];
    if (std::isnan(score))
      total[0] -= 1;
    else if (std::isinf(score))
      total[score > 0 ? 2 : 1] += score > 0 ? 1 : -1;
    else
      total[3] += score;
  }
  return total;
}

/// The greatest total, by trying everything.
template <typename Float>
Total bruteForce(const std::vector<Float> &scores, std::vector<int32_t> room,
                 std::vector<int32_t> &member, int64_t n) {
  if (int64_t(member.size()) == n)
    return totalOf(scores, member, int64_t(room.size()));
  Total best{-1e300};
  for (size_t e = 0; e < room.size(); ++e) {
    if (!room[e])
      continue;
    --room[e];
    member.push_back(int32_t(e));
    best = std::max(best, bruteForce(scores, room, member, n));
    member.pop_back();
    ++room[e];
  }
  return best;
}

/// The greedy rule word for word: the best free entry, again and again.
std::vector<int32_t> greedyByDefinition(const std::vector<float> &scores,
                                        std::vector<int32_t> room, int64_t n) {
  std::vector<int32_t> member(n, -1);
  int64_t experts = int64_t(room.size());
  for (int64_t step = 0; step < n; ++step) {
    int64_t best = -1;
    for (int64_t i = 0; i < n * experts; ++i) {
      if (member[i / experts] >= 0 || !room[i % experts])
        continue;
      if (best < 0 || scores[i] > scores[best] ||
          (std::isnan(scores[best]) && !std::isnan(scores[i])))
        best = i;
    }
    member[best / experts] = int32_t(best % experts);
    --room[best % experts];
  }
  return member;
}

/// Assigns and expects each expert to be taken as often as it has room.
std::vector<int32_t> assign(const std::vector<float> &scores,
                            const std::vector<int32_t> &capacity, int64_t n,
                            bool exact) {
  Context context;
  std::vector<int32_t> member(n, -7), room = capacity;
  moert_enter(context);
  moert_assign(context, scores.data(), capacity.data(), member.data(), n,
               int64_t(capacity.size()), exact);
  EXPECT_EQ(moert_leave(context), MOERT_OK) << context.message();
  for (int32_t e : member) {
    EXPECT_GE(e, 0);
    EXPECT_LT(size_t(e), room.size());
    if (e >= 0 && size_t(e) < room.size())
      --room[e];
  }
  EXPECT_EQ(room, std::vector<int32_t>(room.size(), 0));
  return member;
}

/// Random scores and capacities; few distinct scores make ties.
struct Case {
  int64_t n, experts;
  std::vector<float> scores;
  std::vector<int32_t> capacity;

  Case(std::mt19937 &random, int64_t maxRows, int64_t maxExperts, int kind) {
    n = int64_t(random() % (maxRows + 1));
    experts = 1 + int64_t(random() % maxExperts);
    capacity.assign(experts, 0);
    for (int64_t i = 0; i < n; ++i)
      ++capacity[random() % experts]; // often 0 for some
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < n * experts; ++i) {
      float score = kind == 0 ? normal(random) : float(int(random() % 4)) - 2;
      if (kind == 2) {
        const float special[] = {kNaN, -kInf, kInf, -0.0f};
        if (random() % 3 == 0)
          score = special[random() % 4];
      }
      scores.push_back(score);
    }
  }
};

} // namespace

TEST(AssignTest, Greedy) {
  EXPECT_EQ(assign({5, 4, /**/ 6, 1, /**/ 3, 2}, {1, 2}, 3, false),
            (std::vector<int32_t>{1, 0, 1}));
  // Ties by flat index; -0 and +0 tie.
  EXPECT_EQ(assign({-0.0f, 0, /**/ 0, 0}, {1, 1}, 2, false),
            (std::vector<int32_t>{0, 1}));
  // NaN comes after -inf.
  EXPECT_EQ(assign({kNaN, kNaN, /**/ -kInf, kNaN}, {1, 1}, 2, false),
            (std::vector<int32_t>{1, 0}));
}

TEST(AssignTest, ExactBeatsGreedy) {
  std::vector<float> scores{9, 8, /**/ 8, 0};
  EXPECT_EQ(assign(scores, {1, 1}, 2, false), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(assign(scores, {1, 1}, 2, true), (std::vector<int32_t>{1, 0}));
}

TEST(AssignTest, ExactMovesAlongAChain) {
  // The last row takes expert 0, whose member goes to 1, whose member goes
  // to 2.
  EXPECT_EQ(
      assign({10, 9, 0, /**/ 0, 10, 9, /**/ 10, 0, 0}, {1, 1, 1}, 3, true),
      (std::vector<int32_t>{1, 2, 0}));
}

TEST(AssignTest, NothingToDo) {
  EXPECT_TRUE(assign({}, {}, 0, false).empty());
  EXPECT_TRUE(assign({}, {}, 0, true).empty());
  EXPECT_TRUE(assign({}, {0, 0, 0}, 0, true).empty());
  EXPECT_EQ(assign({1, 2, 3, 4}, {0, 2}, 2, true),
            (std::vector<int32_t>{1, 1}));
  EXPECT_EQ(assign({1, 2}, {2}, 2, false), (std::vector<int32_t>{0, 0}));
}

TEST(AssignTest, GreedyIsItsDefinition) {
  std::mt19937 random(1);
  for (int i = 0; i < 600; ++i) {
    Case c(random, 12, 5, i % 3);
    EXPECT_EQ(assign(c.scores, c.capacity, c.n, false),
              greedyByDefinition(c.scores, c.capacity, c.n))
        << i;
  }
}

TEST(AssignTest, ExactIsTheOptimum) {
  std::mt19937 random(2);
  for (int i = 0; i < 900; ++i) {
    Case c(random, 6, 4, i % 3);
    std::vector<int32_t> member = assign(c.scores, c.capacity, c.n, true),
                         tried;
    Total best = bruteForce(c.scores, c.capacity, tried, c.n);
    Total got = totalOf(c.scores, member, c.experts);
    for (int part = 0; part < 3; ++part)
      EXPECT_EQ(got[part], best[part]) << i;
    EXPECT_NEAR(got[3], best[3], 1e-5) << i;
  }
}

TEST(AssignTest, LargeCasesCannotBeImprovedBySwaps) {
  std::mt19937 random(3);
  for (int i = 0; i < 6; ++i) {
    Case c(random, 400, 24, i % 2);
    std::vector<int32_t> exact = assign(c.scores, c.capacity, c.n, true);
    EXPECT_EQ(exact, assign(c.scores, c.capacity, c.n, true)); // deterministic
    EXPECT_GE(totalOf(c.scores, exact, c.experts)[3] + 1e-6,
              totalOf(c.scores, assign(c.scores, c.capacity, c.n, false),
                      c.experts)[3]);
    auto score = [&](int64_t row, int32_t e) {
      return double(c.scores[row * c.experts + e]);
    };
    for (int64_t a = 0; a < c.n; ++a)
      for (int64_t b = 0; b < a; ++b)
        ASSERT_GE(score(a, exact[a]) + score(b, exact[b]) + 1e-6,
                  score(a, exact[b]) + score(b, exact[a]));
  }
}

TEST(AssignTest, F64) {
  Context context;
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    Case c(random, 6, 4, 0);
    // Differences that f32 does not see, and numbers that it does not hold.
    std::vector<double> scores;
    for (float score : c.scores)
      scores.push_back(i % 2 ? 1 + 1e-12 * score : 4e307 * score);
    for (bool exact : {false, true}) {
      std::vector<int32_t> member(c.n, -7), tried;
      moert_enter(context);
      moert_assign_f64(context, scores.data(), c.capacity.data(), member.data(),
                       c.n, c.experts, exact);
      ASSERT_EQ(moert_leave(context), MOERT_OK);
      if (!exact) {
        EXPECT_EQ(member, greedyByDefinition(c.scores, c.capacity, c.n));
        continue;
      }
      // The map is monotone and affine: the optimum is that of f32.
      std::vector<double> wide(c.scores.begin(), c.scores.end());
      EXPECT_NEAR(totalOf(wide, member, c.experts)[3],
                  bruteForce(wide, c.capacity, tried, c.n)[3], 1e-3);
    }
  }
}

TEST(AssignTest, DifferencesThatF64DoesNotHold) {
  Context context;
  const double scores[] = {1.6e308, -1.7e308, /**/ 1.7e308, -1.7e308};
  const int32_t capacity[] = {1, 1};
  int32_t member[2];
  moert_enter(context);
  moert_assign_f64(context, scores, capacity, member, 2, 2, /*exact=*/1);
  ASSERT_EQ(moert_leave(context), MOERT_OK);
  EXPECT_EQ(member[0], 1);
  EXPECT_EQ(member[1], 0);
}

namespace {
/// Assigns what is not legal; returns the status' name and the message.
std::string refuse(std::vector<int32_t> capacity, int64_t n, int64_t experts) {
  Context context;
  std::vector<float> scores(64);
  std::string result;
  for (bool exact : {false, true}) {
    std::vector<int32_t> member(4, 5);
    moert_enter(context);
    moert_assign(context, scores.data(), capacity.data(), member.data(), n,
                 experts, exact);
    result = moert_status_name(moert_leave(context));
    result += "; " + context.message();
    int64_t rows = std::max<int64_t>(0, std::min<int64_t>(n, 4));
    for (int64_t i = 0; i < 4; ++i)
      EXPECT_EQ(member[i], i < rows ? -1 : 5);
  }
  return result;
}
} // namespace

TEST(AssignTest, BadCapacities) {
  EXPECT_EQ(refuse({2, 1}, 4, 2),
            "invalid argument; assign: sum of the "
            "capacities: expected the number of rows, 4, got 3");
  EXPECT_EQ(refuse({2, 3}, 4, 2),
            "invalid argument; assign: sum of the "
            "capacities: expected the number of rows, 4, got 5");
  EXPECT_EQ(
      refuse({5, -1}, 4, 2),
      "invalid argument; assign: a capacity: expected at least 0, got -1");
  EXPECT_EQ(refuse({}, 2, 0),
            "invalid argument; assign: sum of the capacities: "
            "expected the number of rows, 2, got 0");
  EXPECT_EQ(refuse({}, -1, 0),
            "invalid argument; assign: rows: expected at least 0, got -1");
  EXPECT_EQ(refuse({1}, 1, -1),
            "invalid argument; assign: experts: expected at least 0, got -1");
  EXPECT_EQ(refuse({1}, 1, 1 << 20),
            "too large; assign: experts: expected at most 65536, got 1048576");
}
