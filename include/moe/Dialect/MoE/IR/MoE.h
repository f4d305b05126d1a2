//===- MoE.h - the moe dialect ----------------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_MOE_H
#define MOE_DIALECT_MOE_IR_MOE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "moe/Dialect/MoE/IR/MoEDialect.h.inc"
#include "moe/Dialect/MoE/IR/MoEEnums.h.inc"

namespace moe {

/// Names of the argument attributes; `MoE_Dialect` says what they mean.
inline constexpr llvm::StringLiteral kWeightAttr = "moe.weight";
inline constexpr llvm::StringLiteral kDimsAttr = "moe.dims";
inline constexpr llvm::StringLiteral kNameAttr = "moe.name";

/// The type sums run in, given all floating-point types that an op touches:
/// f64 if one of them is f64, else f32.
mlir::FloatType getAccumulatorType(mlir::TypeRange types);

/// Size of dimension `dim` of a ranked tensor: an attribute if it is static,
/// else a value traced back through ops of this dialect, destinations, casts
/// and tensor.empty as far as possible, so that it follows from the sizes of a
/// function's arguments.
mlir::OpFoldResult getSize(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value tensor, unsigned dim);

} // namespace moe

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/IR/MoEOps.h.inc"

#endif // MOE_DIALECT_MOE_IR_MOE_H
