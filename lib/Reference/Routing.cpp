//===- Routing.cpp - which expert a token goes to, and back ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Reference/Routing.h"
#include "moe/Reference/Linear.h"

#include <algorithm>
#include <limits>

using namespace moe::reference;

static constexpr double negativeInfinity =
    -std::numeric_limits<double>::infinity();
static constexpr double unspecified = std::numeric_limits<double>::quiet_NaN();

/// Whether `index` points into [0, size).
static bool isWithin(int64_t index, int64_t size) {
  return 0 <= index && index < size;
}

/// The indices of the k best of n keys, value descending, index ascending; -1
/// in the last places if fewer than k are above -inf (NaN is not).
static std::vector<int32_t> selectBest(const double *keys, int64_t n,
                                       int64_t k) {
  std::vector<int32_t> best;
  for (int64_t i = 0; i < n; ++i)
    if (keys[i] > negativeInfinity)
      best.push_back(static_cast<int32_t>(i));
  std::sort(best.begin(), best.end(), [&](int32_t a, int32_t b) {
    return keys[a] > keys[b] || (keys[a] == keys[b] && a < b);
  });
  best.resize(k, -1);
  return best;
}

/// Sets the keys of the experts outside the kept groups to -inf.
static void rejectGroups(double *keys, int64_t numExperts,
                         const ExpertGroups &option) {
  int64_t size = numExperts / option.groups;
  std::vector<double> ranks(option.groups, 0);
  for (int64_t g = 0; g < option.groups; ++g)
    for (int32_t i : selectBest(keys + g * size, size, option.best))
      ranks[g] += i < 0 ? negativeInfinity : keys[g * size + i];

  std::vector<bool> isKept(option.groups, false);
  for (int32_t g : selectBest(ranks.data(), option.groups, option.kept))
    if (g >= 0)
      isKept[g] = true;
  for (int64_t e = 0; e < numExperts; ++e)
    if (!isKept[e / size])
      keys[e] = negativeInfinity;
}

/// The scores of logits[T,E].
static Tensor scoresOf(const Tensor &logits, Score score) {
  switch (score) {
  case Score::Identity:
    return logits;
  case Score::Softmax:
    return softmaxRows(logits);
  case Score::Sigmoid:
    return map(logits, sigmoid);
  }
  return logits;
}

/// The weights of a token's kept slots, before the scale, by their scores.
static std::vector<double> weightsOf(const std::vector<double> &scores,
                                     const RouteOptions &options) {
  int64_t n = scores.size();
  switch (options.weights) {
  case Weights::Score:
    return scores;
  case Weights::Normalized: {
    double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
    double divisor = sum + options.epsilon;
    return map(Tensor({n}, scores), [=](double s) { return s / divisor; }).data;
  }
  case Weights::SoftmaxSelected:
    return n == 0 ? scores : softmaxRows(Tensor({1, n}, scores)).data;
  case Weights::Unit:
    return std::vector<double>(n, 1);
  }
  return scores;
}

Routing moe::reference::route(const Tensor &logits, int64_t k,
                              const RouteOptions &options, const Tensor *bias,
                              const Tensor *keys) {
  int64_t numTokens = logits.dim(0), numExperts = logits.dim(1);
  Tensor scores = scoresOf(logits, options.score);
  Tensor key = keys ? *keys : bias ? add(scores, *bias) : scores;
  Routing result{IndexTensor({numTokens, k}, -1), Tensor({numTokens, k})};

  for (int64_t t = 0; t < numTokens; ++t) {
    if (options.groups)
      rejectGroups(key.row(t), numExperts, *options.groups);
    std::vector<int32_t> selected = selectBest(key.row(t), numExperts, k);

    std::vector<int64_t> slots;
    std::vector<double> slotScores;
    double sumBefore = 0;
    for (int64_t slot = 0; slot < k && selected[slot] >= 0; ++slot) {
      double score = scores(t, selected[slot]);
      if (!options.topP || sumBefore < *options.topP) {
        slots.push_back(slot);
        slotScores.push_back(score);
      }
      sumBefore += score;
    }

    std::vector<double> weights = weightsOf(slotScores, options);
    for (size_t i = 0; i < slots.size(); ++i) {
      result.indices(t, slots[i]) = selected[slots[i]];
      result.weights(t, slots[i]) = options.scale * weights[i];
    }
  }
  return result;
}

Selection moe::reference::topK(const Tensor &keys, int64_t k,
                               const Tensor *values) {
  int64_t n = keys.dim(0), m = keys.dim(1);
  Selection result{IndexTensor({n, k}, -1), Tensor({n, k})};
  for (int64_t i = 0; i < n; ++i) {
    std::vector<int32_t> best = selectBest(keys.row(i), m, k);
    for (int64_t j = 0; j < k && best[j] >= 0; ++j) {
      result.indices(i, j) = best[j];
      result.values(i, j) = (values ? *values : keys)(i, best[j]);
    }
  }
  return result;
}

Grouping moe::reference::group(const IndexTensor &indices, int64_t numExperts,
                               std::optional<int64_t> capacity,
                               int64_t numCandidates) {
  int64_t numSlots = indices.size();
  Grouping result{IndexTensor({numSlots}, -1), IndexTensor(indices.shape, -1),
                  IndexTensor({numExperts + 1}, 0)};
  for (int32_t e : indices.data)
    if (e != -1 && !isWithin(e, std::max(numExperts, numCandidates)))
      ++result.foreign;

  int32_t row = 0;
  for (int64_t e = 0; e < numExperts; ++e) {
    for (int64_t slot = 0; slot < numSlots; ++slot) {
      bool isFull = capacity && row - result.offsets(e) >= *capacity;
      if (indices(slot) != e || isFull)
        continue;
      result.rowSlot(row) = static_cast<int32_t>(slot);
      result.slotRow(slot) = row++;
    }
    result.offsets(e + 1) = row;
  }
  return result;
}

Tensor moe::reference::dispatch(const Tensor &x, const IndexTensor &rowSlot,
                                int64_t k) {
  Tensor rows({rowSlot.size(), x.cols()}, unspecified);
  for (int64_t i = 0; i < rowSlot.size(); ++i)
    if (isWithin(rowSlot(i), x.dim(0) * k))
      std::copy_n(x.row(rowSlot(i) / k), x.cols(), rows.row(i));
  return rows;
}

Tensor moe::reference::combine(const Tensor &rows, const IndexTensor &slotRow,
                               const Tensor *weights) {
  int64_t k = slotRow.cols();
  Tensor y({slotRow.dim(0), rows.cols()});
  for (int64_t slot = 0; slot < slotRow.size(); ++slot)
    if (isWithin(slotRow(slot), rows.dim(0)))
      for (int64_t j = 0; j < rows.cols(); ++j)
        y(slot / k, j) +=
            (weights ? (*weights)(slot) : 1) * rows(slotRow(slot), j);
  return y;
}

Tensor moe::reference::collect(const Tensor &rows, const IndexTensor &slotRow) {
  Tensor slots({slotRow.dim(0), slotRow.dim(1), rows.cols()});
  for (int64_t slot = 0; slot < slotRow.size(); ++slot)
    if (isWithin(slotRow(slot), rows.dim(0)))
      std::copy_n(rows.row(slotRow(slot)), rows.cols(), slots.row(slot));
  return slots;
}

Tensor moe::reference::oneHot(const IndexTensor &indices, int64_t size) {
  int64_t n = indices.dim(0), k = indices.rank() == 1 ? 1 : indices.dim(1);
  Tensor result({n, size});
  for (int64_t i = 0; i < n * k; ++i)
    if (isWithin(indices(i), size))
      result(i / k, indices(i)) = 1;
  return result;
}
