//===- Transport.cpp - balanced assignment, soft and hard -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Transport.h"
#include "moe/Reference/Linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace moe::reference;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// log(mass) - logsumexp: the potential that gives a row or a column its mass.
/// One that nothing can flow through keeps -inf instead of inf.
static double potential(double mass, double flow) {
  return flow == -infinity ? -infinity : std::log(mass) - flow;
}

Tensor moe::reference::sinkhorn(const Tensor &scores, double tau,
                                int64_t iterations, FinalStep last,
                                const Tensor *row, const Tensor *col) {
  int64_t n = scores.dim(0), numCols = scores.dim(1);
  Tensor r = row ? *row : Tensor({n}, 1);
  Tensor c = col ? *col : Tensor({numCols}, double(n) / numCols);
  Tensor a = map(scores, [=](double x) { return x / tau; });
  Tensor f({n}), g({numCols});

  auto rowStep = [&] {
    Tensor reduced = add(a, g);
    for (int64_t i = 0; i < n; ++i)
      f(i) = potential(r(i), logSumExp(reduced.row(i), numCols));
  };
  auto colStep = [&] {
    Tensor reduced = add(transpose(a), f);
    for (int64_t e = 0; e < numCols; ++e)
      g(e) = potential(c(e), logSumExp(reduced.row(e), n));
  };
  for (int64_t k = 0; k < iterations; ++k) {
    if (last == FinalStep::Row)
      colStep();
    rowStep();
    if (last == FinalStep::Col)
      colStep();
  }

  Tensor plan({n, numCols});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t e = 0; e < numCols; ++e)
      plan(i, e) = std::exp(a(i, e) + f(i) + g(e));
  return plan;
}

/// The walk over all scores from the largest to the smallest.
static IndexTensor assignGreedily(const Tensor &scores, IndexTensor room) {
  int64_t numCols = scores.dim(1);
  std::vector<int64_t> entries(scores.size());
  std::iota(entries.begin(), entries.end(), 0);
  std::sort(entries.begin(), entries.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(scores(a)) != std::isnan(scores(b)))
      return std::isnan(scores(b));
    return scores(a) > scores(b) || (!(scores(a) < scores(b)) && a < b);
  });

  IndexTensor member({scores.dim(0)}, -1);
  for (int64_t entry : entries) {
    int32_t &owner = member(entry / numCols);
    int32_t e = static_cast<int32_t>(entry % numCols);
    if (owner < 0 && room(e) > 0) {
      owner = e;
      --room(e);
    }
  }
  return member;
}

/// `scores`, all multiplied by a power of two that keeps their sums from
/// overflowing; what is not finite, outside of the contract, is replaced by the
/// least finite one, so that every search finds its path.
static Tensor withFiniteScores(const Tensor &scores) {
  double least = infinity, magnitude = 0;
  for (double score : scores.data)
    if (std::isfinite(score)) {
      least = std::min(least, score);
      magnitude = std::max(magnitude, std::abs(score));
    }
  double scale = magnitude > 1 ? std::ldexp(1.0, -std::ilogb(magnitude)) : 1;
  return map(scores, [=](double score) {
    return scale * (std::isfinite(score) ? score
                    : least == infinity  ? 0
                                         : least);
  });
}

/// Successive shortest paths. The columns are the nodes of the residual graph:
/// moving a member of a full column to another one costs the score lost by it.
/// Reduced by the potentials, no cost is negative, so each search is Dijkstra's
/// and settles a column once, whatever the rounding.
static IndexTensor assignExactly(const Tensor &scores, IndexTensor room) {
  int64_t n = scores.dim(0), numCols = scores.dim(1);
  IndexTensor member({n}, -1);
  std::vector<double> rowPotential(n, 0), colPotential(numCols, 0);

  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> distance(numCols, infinity);
    std::vector<int64_t> via(numCols, -1); // the row that would move here
    std::vector<bool> settled(numCols, false);
    auto reach = [&](int64_t row, double start) {
      for (int64_t e = 0; e < numCols; ++e) {
        double there =
            start - scores(row, e) - rowPotential[row] - colPotential[e];
        if (!settled[e] && there < distance[e]) {
          distance[e] = there;
          via[e] = row;
        }
      }
    };

    // Find the nearest column with room.
    int64_t target = -1;
    reach(i, 0);
    for (int64_t step = 0; step < numCols; ++step) {
      int64_t nearest = -1;
      for (int64_t e = 0; e < numCols; ++e)
        if (!settled[e] && (nearest < 0 || distance[e] < distance[nearest]))
          nearest = e;
      if (room(nearest) > 0) {
        target = nearest;
        break;
      }
      settled[nearest] = true;
      for (int64_t row = 0; row < i; ++row)
        if (member(row) == nearest)
          reach(row, distance[nearest]);
    }
    if (target < 0)
      break; // no room is left: the capacities sum to less than n

    // Keep the reduced costs of the searched part non-negative.
    double length = distance[target];
    rowPotential[i] += length;
    for (int64_t row = 0; row < i; ++row)
      if (member(row) >= 0 && settled[member(row)])
        rowPotential[row] += length - distance[member(row)];
    for (int64_t e = 0; e < numCols; ++e)
      if (settled[e])
        colPotential[e] -= length - distance[e];

    // Shift the rows along the path.
    --room(target);
    for (int64_t e = target, row = -1; row != i;) {
      row = via[e];
      int32_t left = member(row);
      member(row) = static_cast<int32_t>(e);
      e = left;
    }
  }
  return member;
}

IndexTensor moe::reference::assign(const Tensor &scores,
                                   const IndexTensor &capacity,
                                   AssignMethod method) {
  return method == AssignMethod::Greedy
             ? assignGreedily(scores, capacity)
             : assignExactly(withFiniteScores(scores), capacity);
}

Tensor moe::reference::straightThrough(const Tensor &hard,
                                       const Tensor & /*soft*/) {
  return hard;
}
