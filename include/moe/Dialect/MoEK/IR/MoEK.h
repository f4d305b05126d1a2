//===- MoEK.h - the moek dialect --------------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_MOEK_H
#define MOE_DIALECT_MOEK_IR_MOEK_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "moe/Dialect/MoEK/IR/MoEKDialect.h.inc"
#include "moe/Dialect/MoEK/IR/MoEKEnums.h.inc"

#define GET_OP_CLASSES
#include "moe/Dialect/MoEK/IR/MoEKOps.h.inc"

#endif // MOE_DIALECT_MOEK_IR_MOEK_H
