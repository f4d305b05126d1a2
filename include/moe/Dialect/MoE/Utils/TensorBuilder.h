//===- TensorBuilder.h - linalg on tensors in a few words -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_UTILS_TENSORBUILDER_H
#define MOE_DIALECT_MOE_UTILS_TENSORBUILDER_H

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moe {

/// Builds the linalg that ops of the dialect decompose into. Sizes are
/// OpFoldResults throughout, so what is static stays static.
class TensorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Sizes = llvm::SmallVector<mlir::OpFoldResult>;
  /// Computes one result element from scalars.
  using Body = llvm::function_ref<mlir::Value(mlir::ValueRange)>;

  //===-- scalars
  //-----------------------------------------------------------===//

  mlir::Value floatConstant(mlir::Type type, double value);
  mlir::Value indexConstant(int64_t value);
  mlir::Value i32Constant(int64_t value);
  /// `value` extended or rounded to the float type `type`.
  mlir::Value convertFloat(mlir::Value value, mlir::Type type);
  /// `size` as an SSA value.
  mlir::Value materialize(mlir::OpFoldResult size);
  /// a * b, folded if static.
  mlir::OpFoldResult multiply(mlir::OpFoldResult a, int64_t b);

  //===-- tensors
  //-----------------------------------------------------------===//

  Sizes sizes(mlir::Value tensor);
  mlir::OpFoldResult size(mlir::Value tensor, unsigned dim);
  /// tensor.dim as a value.
  mlir::Value dim(mlir::Value tensor, unsigned dim);
  mlir::Value empty(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    mlir::Type element);
  /// A tensor of these sizes, every element `value`.
  mlir::Value filled(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     mlir::Value value);
  mlir::Value extract(mlir::Value tensor, mlir::ValueRange indices);
  mlir::Value insert(mlir::Value scalar, mlir::Value tensor,
                     mlir::ValueRange indices);
  /// `tensor` with another float element type; itself if it has it already.
  mlir::Value convert(mlir::Value tensor, mlir::Type element);
  /// `tensor` as `type`, by tensor.cast where static and dynamic sizes differ.
  mlir::Value cast(mlir::Value tensor, mlir::Type type);

  /// linalg.generic with one output. `maps` has one map an input, then that of
  /// `init`; dimensions that the output does not have are reductions. The body
  /// gets the inputs' elements, then the output's old one.
  mlir::Value generic(mlir::ValueRange inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, mlir::Value init,
                      Body body);
  /// The same function of each element of tensors of one shape.
  mlir::Value elementwise(mlir::ValueRange inputs, mlir::Type element,
                          Body body);
  /// Elementwise on a [T,E] tensor and [T] tensors, broadcast along E.
  mlir::Value withRows(mlir::Value matrix, mlir::ValueRange rows,
                       mlir::Type element, Body body);
  /// Elementwise on [.., n] tensors and one [n] vector, broadcast over the
  /// rest.
  mlir::Value withVector(mlir::Value tensor, mlir::Value vector,
                         mlir::Type element, Body body);
  /// Reduces the last dimension, starting from `start`: body(element, sum).
  mlir::Value reduceLast(mlir::Value tensor, mlir::Value start, Body body);
  /// Softmax over the last dimension of a [T,E] tensor, the largest element
  /// subtracted first.
  mlir::Value softmax(mlir::Value matrix);
};

} // namespace moe

#endif // MOE_DIALECT_MOE_UTILS_TENSORBUILDER_H
