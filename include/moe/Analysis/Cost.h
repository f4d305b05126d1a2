//===- Cost.h - what a layer costs for given dimensions ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ANALYSIS_COST_H
#define MOE_ANALYSIS_COST_H

#include "moe/Analysis/Sizes.h"

#include <string>
#include <vector>

namespace moe {

/// What one op costs in a call, all of its iterations together. What depends on
/// weights alone is not counted: it is done before the first call.
struct OpCost {
  mlir::Location loc;
  std::string name;
  int64_t times = 1; ///< Iterations of the loops around it.
  /// Additions, multiplications, divisions and functions of one number, each 1;
  /// comparisons and copies are none.
  double flops = 0;
  /// Operands read and results written once an iteration, in bytes. Of the
  /// weights of experts, those of the experts that get rows: as many as tokens
  /// that select independently and evenly hit on average.
  double bytes = 0;
};

/// How much of a loop's parameters work for a token.
struct LoopCapacity {
  mlir::Location loc;
  int64_t iterations = 0;
  /// Parameters that every token uses in every iteration, counted once:
  /// attention, routers, modulation.
  double shared = 0;
  /// Parameters of the experts that a token uses in one iteration, and of the
  /// distinct ones in all of them: of E experts, k an iteration, E * (1 -
  /// (1 - k/E)^n), as if iterations selected independently and evenly.
  double expertsOnce = 0, experts = 0;
};

/// What a call of a function costs.
struct FunctionCost {
  std::vector<OpCost> ops; ///< In program order.
  std::vector<LoopCapacity> loops;
  double flops = 0, bytes = 0;
  /// Bytes that must move if all ops were one: inputs, results and weights
  /// once.
  double traffic = 0;
  /// Parameters (elements of `moe.weight` arguments), and those that one token
  /// uses.
  double parameters = 0, activeParameters = 0;
};

/// What a call of `function` costs when its dimensions are `sizes`; the module
/// is left as it is. Emits an error and fails for a call that cannot be
/// inlined, and for a size that is not known.
mlir::FailureOr<FunctionCost> analyzeCost(mlir::func::FuncOp function,
                                          const NamedSizes &sizes);

} // namespace moe

#endif // MOE_ANALYSIS_COST_H
