//===- LinalgPlan.h - how a linalg op runs on a CPU -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_LINALGPLAN_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_LINALGPLAN_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moe {

/// The loops of a structured op on memrefs, by number.
struct LinalgPlan {
  /// Parallel loops, outermost first, then the loops summed over; the one on
  /// lanes is in neither.
  llvm::SmallVector<unsigned> parallel, reduced;
  /// The loop taken `lanes` elements at a time, if any, and whether it is
  /// summed over.
  std::optional<unsigned> vector;
  bool vectorIsReduced = false;
  int64_t lanes = 1;
  /// Values of the body that differ from lane to lane.
  llvm::DenseSet<mlir::Value> varying;
  /// Why no loop is taken on lanes, if none is.
  llvm::StringRef whyScalar;

  /// True if the lanes of what `operand` reads or writes differ.
  bool varies(mlir::linalg::LinalgOp op, mlir::OpOperand &operand) const;
};

/// Elements of a task: some 10 us of simple work.
constexpr int64_t kTaskElements = 16384;

/// Why `op` cannot be cut into tasks; empty if it can.
llvm::StringRef whyNoTasks(mlir::linalg::LinalgOp op);

/// True if all of `op` is known to be one task.
bool isOneTask(mlir::linalg::LinalgOp op);

/// The loop over the rows of the result: its outermost dimension that is not
/// one.
std::optional<unsigned> findRowLoop(mlir::linalg::LinalgOp op);

/// The plan for `op` with at most `lanes` lanes; nothing if it cannot be cut
/// into tasks, and then why.
std::optional<LinalgPlan> planLinalg(mlir::linalg::LinalgOp op, int64_t lanes,
                                     llvm::StringRef &why);

/// Emits the loops of `op` in front of it as `plan` says, cut into tasks if
/// `parallel`.
void emitLinalg(mlir::linalg::LinalgOp op, const LinalgPlan &plan,
                bool parallel);

/// The op of the body that adds an element to an old sum, for a body which is
/// one such op on the old sum and what does not depend on it.
mlir::Operation *getCombiner(mlir::linalg::LinalgOp op);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_LINALGPLAN_H
