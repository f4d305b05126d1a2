//===- MoEK.h - the moek dialect --------------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_MOEK_H
#define MOE_DIALECT_MOEK_IR_MOEK_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "moe/Dialect/MoEK/IR/MoEKDialect.h.inc"
#include "moe/Dialect/MoEK/IR/MoEKEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "moe/Dialect/MoEK/IR/MoEKAttributes.h.inc"

#define GET_OP_CLASSES
#include "moe/Dialect/MoEK/IR/MoEKOps.h.inc"

namespace moek {

/// True if `op` has no effect but to report an error of the run.
bool hasNoEffectButStatus(mlir::Operation *op);

/// Elements that a packed expert has: `acc` accumulators of [K,N].
int64_t packedElements(LayoutAttr layout, int64_t k, int64_t n, int64_t acc);

/// K cut into `count` equal blocks of `size`, a multiple of the layout's pair;
/// the last one is filled up with zeros.
struct KBlocks {
  int64_t count, size;
};
KBlocks splitK(LayoutAttr layout, int64_t k);

/// Panels of a task of `gemm`: `chunk`, or less where a gemm that combines
/// would have too few tasks, because there is one for each chunk and no more.
int64_t panelsOfTask(GemmOp gemm, int64_t panel, int64_t chunk);

/// Lets one-shot bufferization handle the destination-style ops.
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);

} // namespace moek

#endif // MOE_DIALECT_MOEK_IR_MOEK_H
