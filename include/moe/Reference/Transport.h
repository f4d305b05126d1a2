//===- Transport.h - balanced assignment, soft and hard ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_TRANSPORT_H
#define MOE_REFERENCE_TRANSPORT_H

#include "moe/Reference/Tensor.h"

namespace moe::reference {

/// Which marginal the last step of an iteration makes exact.
enum class FinalStep { Col, Row };

/// The entropic transport plan of scores A[n,E] at temperature tau > 0 for the
/// marginals row[n] (default 1) and col[E] (default n/E), in the log domain:
///
///   f = g = 0
///   repeat `iterations` times (FinalStep::Row: the two steps swapped):
///     f_i = log row_i - logsumexp_e(A_ie / tau + g_e)
///     g_e = log col_e - logsumexp_i(A_ie / tau + f_i)
///   plan_ie = exp(A_ie / tau + f_i + g_e)
///
/// A row or column whose scores are all -inf gets no mass.
Tensor sinkhorn(const Tensor &scores, double tau, int64_t iterations,
                FinalStep last, const Tensor *row = nullptr,
                const Tensor *col = nullptr);

/// Greedy: walk all scores in descending order, ties by the lower row, then the
/// lower column, NaN below -inf; give the row to the column if the row is free
/// and the column has room.
/// Exact: the largest total score; if several assignments have it, it is not
/// specified which one is returned.
enum class AssignMethod { Greedy, Exact };

/// Gives each row of scores[n,E] one column, column e exactly capacity[e] rows
/// -> member[n].
///
/// Preconditions: every capacity is >= 0 and they sum to n, as the op checks
/// at run time. For Exact the scores are finite: the op's order of assignments
/// by their numbers of NaN, -inf and +inf is not modelled here, and each of
/// these counts as the least finite score (0 if there is none). Where the
/// capacities break their precondition, a negative one is taken for 0 and rows
/// without room get -1.
IndexTensor assign(const Tensor &scores, const IndexTensor &capacity,
                   AssignMethod method);

/// hard: a straight-through estimator differs from it in its gradient only.
Tensor straightThrough(const Tensor &hard, const Tensor &soft);

} // namespace moe::reference

#endif // MOE_REFERENCE_TRANSPORT_H
