//===- MoEKOps.td - all ops of the moek dialect ------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_MOEKOPS
#define MOE_DIALECT_MOEK_IR_MOEKOPS

include "moe/Dialect/MoEK/IR/CallOps.td"
include "moe/Dialect/MoEK/IR/CheckOps.td"
include "moe/Dialect/MoEK/IR/KernelOps.td"
include "moe/Dialect/MoEK/IR/RoutingKernels.td"

#endif // MOE_DIALECT_MOEK_IR_MOEKOPS
