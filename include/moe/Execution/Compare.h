//===- Compare.h - do two tensors agree? ------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one rule by which results are held against other results.
//
// A row is what lies along the last dimension (a tensor of rank 0 or 1 is one
// row). A float row agrees if each |got - want| <= max(atol, rtol * rms), rms
// being the root mean square of the finite elements of the wanted row; where
// one is infinite or NaN the other must be, too. An integer row agrees if it
// is equal.
//
// A router that flips between two nearly equal experts moves a whole row, and
// that is not an error of arithmetic. So max(1, 0.2 %) of a result's float rows
// may disagree, and integers need not be equal in the same tokens. A token is
// an index of the first dimension; results with equally many of them share
// them. A result of one row has no such allowance: nothing would be left that
// agrees.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_EXECUTION_COMPARE_H
#define MOE_EXECUTION_COMPARE_H

#include "moe/TensorFile/TensorFile.h"

#include <string>
#include <vector>

namespace moe {

struct Tolerance {
  double rtol = 0; ///< relative to the row's rms
  double atol = 0;
  bool exactRows = false; ///< no row may disagree
};

/// The relative tolerance of results that passed through `dtype`: f64 1e-12,
/// f32 2e-5, f16 3e-3, bf16 2e-2; 0 for integers.
double defaultRtol(MoertDType dtype);

bool isFloat(MoertDType dtype);

/// A result, as computed and as it should be. Their shapes are equal; both are
/// floats or both are integers.
struct ComparedPair {
  std::string name;
  TensorView got, want;
};

/// An element where a result disagrees.
struct Mismatch {
  int64_t row = 0, column = 0;
  double got = 0, want = 0;
};

struct Comparison {
  std::string name;
  int64_t rows = 0;
  int64_t badRows = 0;     ///< of floats and integers, excused ones included
  int64_t allowedRows = 0; ///< how many of them may be
  double maxAbs = 0;       ///< greatest |got - want| of finite pairs
  double maxRel = 0;       ///< the same, relative to the row's rms
  /// The worst element of each of the first bad rows.
  std::vector<Mismatch> mismatches;
  bool agrees() const { return badRows <= allowedRows; }
};

/// Compares all pairs, which are the results of one call. An error if a pair's
/// shapes or kinds differ.
llvm::Expected<std::vector<Comparison>>
compare(llvm::ArrayRef<ComparedPair> pairs, const Tolerance &tolerance);

} // namespace moe

#endif // MOE_EXECUTION_COMPARE_H
