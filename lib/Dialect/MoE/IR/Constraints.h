//===- Constraints.h - checks shared by the verifiers -----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_IR_CONSTRAINTS_H
#define MOE_LIB_DIALECT_MOE_IR_CONSTRAINTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace moe {

/// Fails with "NAME: expected [a, b], got [c, d]" unless each dimension of
/// `value` equals the expected one; a dynamic dimension on either side agrees
/// with everything. A null `value` (absent operand) is fine.
mlir::LogicalResult expectShape(mlir::Operation *op, llvm::StringRef name,
                                mlir::Value value,
                                llvm::ArrayRef<int64_t> expected);

/// Fails unless dimension `dim` of `value` is static and at least 1.
mlir::LogicalResult expectStatic(mlir::Operation *op, llvm::StringRef name,
                                 mlir::Value value, unsigned dim);

/// Fails with "NAME: expected [a, b], got [c, d]" unless the shape of `value`
/// is static and the expected one. A null `value` (absent operand) is fine.
mlir::LogicalResult expectStaticShape(mlir::Operation *op, llvm::StringRef name,
                                      mlir::Value value,
                                      llvm::ArrayRef<int64_t> expected);

/// Fails unless the epsilon of a norm is finite and >= 0.
mlir::LogicalResult expectEpsilon(mlir::Operation *op,
                                  const llvm::APFloat &epsilon);

/// Size of dimension `dim` of a tensor value.
int64_t dimSize(mlir::Value value, unsigned dim);

/// Fails unless `offsets` is [E+1], static, for the static E = `experts`.
mlir::LogicalResult expectOffsets(mlir::Operation *op, mlir::Value offsets,
                                  int64_t experts);

/// a * b, dynamic if one of them is, the largest size there is if it is more.
int64_t multiplySizes(int64_t a, int64_t b);

/// Returns true if a constant of `type` is small enough to be made by a fold.
bool isFoldable(mlir::RankedTensorType type);

/// The size of dimension `dim` of `source` as reifyResultShapes wants it:
/// an attribute if static, else a tensor.dim.
mlir::OpFoldResult reifyDim(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value source, unsigned dim);

} // namespace moe

#endif // MOE_LIB_DIALECT_MOE_IR_CONSTRAINTS_H
