//===- OpCosts.h - arithmetic of single ops ---------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_ANALYSIS_OPCOSTS_H
#define MOE_LIB_ANALYSIS_OPCOSTS_H

#include "moe/Analysis/Sizes.h"

namespace moe {

/// Operations on floats that one execution of `op` takes, without what stands
/// in its regions unless it is a linalg op; nothing if a size is not known.
std::optional<double> countFlops(mlir::Operation *op, SizeEvaluator &sizes);

} // namespace moe

#endif // MOE_LIB_ANALYSIS_OPCOSTS_H
