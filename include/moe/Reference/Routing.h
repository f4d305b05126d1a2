//===- Routing.h - which expert a token goes to, and back -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_ROUTING_H
#define MOE_REFERENCE_ROUTING_H

#include "moe/Reference/Tensor.h"

#include <optional>

namespace moe::reference {

/// How logits z[e] become scores s[e]: z, softmax(z) over all E experts,
/// sigmoid(z).
enum class Score { Identity, Softmax, Sigmoid };

/// How the scores of a token's kept slots become weights: s,
/// s / (sum s + epsilon), softmax(s) over these slots (needs
/// Score::Identity), 1.
enum class Weights { Score, Normalized, SoftmaxSelected, Unit };

/// groups(G keep g by top_sum n): E experts in G groups of neighbours; only the
/// experts of the g best groups may be selected. A group's rank is the sum of
/// its n best keys, where an inadmissible or missing key counts -inf; a group
/// of rank -inf is not kept.
struct ExpertGroups {
  int64_t groups, kept, best;
};

struct RouteOptions {
  Score score = Score::Identity;
  Weights weights = Weights::Score;
  std::optional<ExpertGroups> groups = {}; ///< G divides E.
  /// A slot stays only if the scores of the slots before it sum to less.
  std::optional<double> topP = {};
  double scale = 1;   ///< Multiplies every weight.
  double epsilon = 0; ///< Of Weights::Normalized.
};

/// What a router decided: experts in the order of selection, -1 and weight 0 in
/// slots that are not used.
struct Routing {
  IndexTensor indices; ///< [T,K]
  Tensor weights;      ///< [T,K]
};

/// Selects K experts a token: logits[T,E], and either bias[E], added to the
/// scores, or keys[T,E], in place of the scores, or neither.
///
///   s = score(z);  key = keys, or s + bias
///   indices[t,:] = the K best of key[t,:], value descending, index ascending
///   weights[t,k] = scale * weights(s)[t, indices[t,k]]
///
/// A key of -inf or NaN is not admissible; where fewer than K are admissible,
/// or top_p cuts, the slot gets index -1 and weight 0. Bias, keys and groups
/// decide the selection only: weights come from s.
Routing route(const Tensor &logits, int64_t k, const RouteOptions &options,
              const Tensor *bias = nullptr, const Tensor *keys = nullptr);

struct Selection {
  IndexTensor indices; ///< [N,K]
  Tensor values;       ///< [N,K], 0 where the index is -1.
};

/// The K best of each row of keys[N,M], and values[N,M] (default keys) there:
/// value descending, index ascending; a key of -inf or NaN is never selected.
Selection topK(const Tensor &keys, int64_t k, const Tensor *values = nullptr);

/// The slots of a routing sorted by expert. A slot is t * K + k.
struct Grouping {
  IndexTensor rowSlot; ///< [T*K] row -> slot, -1 from row offsets[E] on.
  IndexTensor slotRow; ///< [T,K] slot -> row, -1 if it has none.
  IndexTensor offsets; ///< [E+1] rows [offsets[e], offsets[e+1]) are e's.
  int64_t foreign = 0; ///< How many indices were out of range: an error.
};

/// Stable counting sort of the slots of indices[T,K] by expert. With a capacity
/// (>= 0) an expert takes its first `capacity` slots, in token-major order.
///
/// -1 and [E, numCandidates) are legal and get no row (numCandidates < E counts
/// as E); any other index is counted in `foreign` and treated as -1.
Grouping group(const IndexTensor &indices, int64_t numExperts,
               std::optional<int64_t> capacity = std::nullopt,
               int64_t numCandidates = 0);

/// rows[i,:] = x[rowSlot[i] / k, :] of x[N,d], rowSlot[S]. Rows with a slot
/// outside [0, N*k) are unspecified: NaN.
Tensor dispatch(const Tensor &x, const IndexTensor &rowSlot, int64_t k);

/// y[t,:] = sum_k weights[t,k] rows[slotRow[t,k], :] of rows[S,d],
/// slotRow[T,K], weights[T,K] (default 1), over the slots with a row in [0, S).
Tensor combine(const Tensor &rows, const IndexTensor &slotRow,
               const Tensor *weights = nullptr);

/// slots[t,k,:] = rows[slotRow[t,k], :], 0 where there is no such row.
Tensor collect(const Tensor &rows, const IndexTensor &slotRow);

/// [N,K] or [N] -> [N,size]: 1 at (n, e) if e is among the indices of n, else
/// 0. Indices outside [0, size) set nothing.
Tensor oneHot(const IndexTensor &indices, int64_t size);

} // namespace moe::reference

#endif // MOE_REFERENCE_ROUTING_H
