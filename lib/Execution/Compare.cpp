//===- Compare.cpp - do two tensors agree? --------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Compare.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace moe {

/// Mismatches that a comparison keeps.
static constexpr size_t kKept = 5;

bool isFloat(MoertDType dtype) {
  switch (dtype) {
  case MOERT_F64:
  case MOERT_F32:
  case MOERT_F16:
  case MOERT_BF16:
  case MOERT_F8E8M0:
    return true;
  default:
    return false;
  }
}

double defaultRtol(MoertDType dtype) {
  switch (dtype) {
  case MOERT_F64:
    return 1e-12;
  case MOERT_F32:
    return 2e-5;
  case MOERT_F16:
    return 3e-3;
  case MOERT_BF16:
    return 2e-2;
  default: // integers, and powers of two
    return 0;
  }
}

namespace {

/// The rows of a result, and which tokens they belong to.
struct Rows {
  int64_t count, columns, tokens;
  explicit Rows(ArrayRef<int64_t> shape) : count(1), columns(1), tokens(1) {
    if (!shape.empty())
      columns = shape.back();
    for (int64_t size : shape.drop_back(!shape.empty()))
      count *= size;
    if (shape.size() > 1)
      tokens = shape.front();
    if (columns == 0)
      count = 0;
  }
  int64_t tokenOf(int64_t row) const { return row / (count / tokens); }
};

/// Tokens with a bad float row, by the number of tokens of the result.
using FlippedTokens = DenseMap<int64_t, DenseSet<int64_t>>;

/// Root mean square of the finite elements of a row.
double rms(const TensorView &tensor, int64_t begin, int64_t columns) {
  double sum = 0;
  int64_t finite = 0;
  for (int64_t i = begin; i < begin + columns; ++i)
    if (double value = readElement(tensor, i); std::isfinite(value)) {
      sum += value * value;
      ++finite;
    }
  return finite ? std::sqrt(sum / finite) : 0;
}

/// Compares a float row, whose first element is `begin`. Returns true if it
/// agrees; otherwise `worst` says where it is furthest off.
bool compareFloatRow(const ComparedPair &pair, int64_t begin, int64_t columns,
                     const Tolerance &tolerance, Comparison &result,
                     Mismatch &worst) {
  double scale = rms(pair.want, begin, columns);
  double limit = std::max(tolerance.atol, tolerance.rtol * scale);
  double greatest = -1;
  bool agrees = true;
  for (int64_t column = 0; column < columns; ++column) {
    double got = readElement(pair.got, begin + column);
    double want = readElement(pair.want, begin + column);
    if (got == want || (std::isnan(got) && std::isnan(want)))
      continue;
    double difference = std::abs(got - want);
    if (std::isfinite(difference)) {
      result.maxAbs = std::max(result.maxAbs, difference);
      if (scale > 0)
        result.maxRel = std::max(result.maxRel, difference / scale);
    } else {
      difference = HUGE_VAL; // one of them is infinite or NaN
    }
    agrees &= difference <= limit;
    if (difference > greatest) {
      greatest = difference;
      worst.column = column;
      worst.got = got;
      worst.want = want;
    }
  }
  return agrees;
}

/// The same for integers, which must be equal.
bool compareIntegerRow(const ComparedPair &pair, int64_t begin, int64_t columns,
                       Comparison &result, Mismatch &worst) {
  bool agrees = true;
  for (int64_t column = 0; column < columns; ++column) {
    double got = readElement(pair.got, begin + column);
    double want = readElement(pair.want, begin + column);
    if (got == want)
      continue;
    double difference = std::abs(got - want);
    if (agrees)
      worst = {worst.row, column, got, want};
    agrees = false;
    result.maxAbs = std::max(result.maxAbs, difference);
  }
  return agrees;
}

/// Compares one result. Bad float rows add to `flipped`; bad integer rows of
/// those tokens are allowed.
Comparison comparePair(const ComparedPair &pair, const Tolerance &tolerance,
                       FlippedTokens &flipped) {
  Rows rows(pair.want.shape);
  bool floats = isFloat(pair.want.dtype);
  Comparison result;
  result.name = pair.name;
  result.rows = rows.count;
  for (int64_t row = 0; row < rows.count; ++row) {
    Mismatch worst;
    worst.row = row;
    int64_t begin = row * rows.columns;
    if (floats ? compareFloatRow(pair, begin, rows.columns, tolerance, result,
                                 worst)
               : compareIntegerRow(pair, begin, rows.columns, result, worst))
      continue;
    ++result.badRows;
    if (result.mismatches.size() < kKept)
      result.mismatches.push_back(worst);
    DenseSet<int64_t> &tokens = flipped[rows.tokens];
    if (floats)
      tokens.insert(rows.tokenOf(row));
    else if (!tolerance.exactRows && tokens.contains(rows.tokenOf(row)))
      ++result.allowedRows;
  }
  if (floats && !tolerance.exactRows && rows.count > 1)
    result.allowedRows = std::max<int64_t>(1, rows.count / 500);
  return result;
}

} // namespace

Expected<std::vector<Comparison>> compare(ArrayRef<ComparedPair> pairs,
                                          const Tolerance &tolerance) {
  for (const ComparedPair &pair : pairs)
    if (pair.got.shape != pair.want.shape ||
        isFloat(pair.got.dtype) != isFloat(pair.want.dtype))
      return createStringError(inconvertibleErrorCode(),
                               "result '" + pair.name + "': got " +
                                   pair.got.describe() + ", expected " +
                                   pair.want.describe());
  std::vector<Comparison> results(pairs.size());
  FlippedTokens flipped;
  // Floats first: they say which tokens have flipped.
  for (bool floats : {true, false})
    for (auto [pair, result] : zip_equal(pairs, results))
      if (isFloat(pair.want.dtype) == floats)
        result = comparePair(pair, tolerance, flipped);
  return results;
}

} // namespace moe
