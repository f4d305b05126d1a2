//===- SelectEmitter.h - the best of a row, in phases over rows -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_SELECTEMITTER_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_SELECTEMITTER_H

#include "KernelBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

namespace moe {

/// Vectors of one kernel that works on rows of floats: everything in memory is
/// read as f32 and rounded when it is written.
class RowBuilder {
public:
  /// A row is read and written `lanes` elements at a time, or one by one where
  /// the elements of `memrefs` do not lie side by side.
  RowBuilder(KernelBuilder &b, int64_t lanes, mlir::ValueRange memrefs);

  /// Lanes for rows of `size` elements; enough for half of a vector at least to
  /// be of use.
  int64_t lanesFor(int64_t size) const;
  mlir::VectorType vectorType(int64_t lanes, mlir::Type element) const;
  mlir::Value splat(mlir::Value scalar, int64_t lanes);
  /// `value` in each lane; a scalar if `lanes` is 0.
  mlir::Value constant(double value, int64_t lanes = 0);
  mlir::Value constantI32(int64_t value, int64_t lanes = 0);
  /// True in the first `count` lanes.
  mlir::Value firstLanes(int64_t count, int64_t lanes);

  /// Elements of `memref` from `at` on, floats as f32; where `mask` is given
  /// and false, the memory is not touched and the lane unspecified.
  mlir::Value load(mlir::Value memref, mlir::ValueRange at, int64_t lanes,
                   mlir::Value mask = {});
  /// Writes floats, rounded to the memref's element type, or integers.
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange at,
             mlir::Value mask = {});
  /// A vector of the workspace of a task: `size` elements.
  mlir::Value scratch(int64_t size, mlir::Type element);

  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value x,
                      mlir::Value y);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x,
                      mlir::Value y);

  KernelBuilder &b;
  const int64_t maxLanes;
};

/// A key and its index (i32) in its row; index -1 stands for none.
struct Candidate {
  mlir::Value key, index;
};

/// A row of keys: `whole` of them can be read as vectors of `lanes` from a
/// multiple of `lanes` on; `loadTail`, if set, reads the others, -inf in the
/// lanes behind the row's end.
struct KeyRow {
  int64_t lanes;
  mlir::Value whole;
  llvm::function_ref<mlir::Value(mlir::Value at)> load;
  llvm::function_ref<mlir::Value()> loadTail;
};

/// What comes before every key.
Candidate beforeAll(RowBuilder &rows);

/// The best admissible key that comes after `last` in the order (key
/// descending, index ascending), so that nothing has to be marked or moved.
Candidate emitNextBest(RowBuilder &rows, const KeyRow &row, Candidate last);

/// Rows of a task, given the vector operations that one of them needs: some
/// 10 us of work.
int64_t rowsPerTask(int64_t operations);

/// for row in [0, size of dimension 0 of `memref`), in parallel: body(row).
/// `prepare` runs once a task before it.
void forEachRow(KernelBuilder &b, mlir::Value memref, int64_t perTask,
                llvm::function_ref<void()> prepare,
                llvm::function_ref<void(mlir::Value)> body);

/// Emit a kernel on memrefs as phases of `lanes` f32 lanes.
void emitRoute(KernelBuilder &b, moek::RouteOp op, int64_t lanes);
void emitTopK(KernelBuilder &b, moek::TopKOp op, int64_t lanes);
void emitGroup(KernelBuilder &b, moek::GroupOp op, int64_t lanes);

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_SELECTEMITTER_H
