//===- MoEOps.td - all ops of the moe dialect --------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_MOEOPS
#define MOE_DIALECT_MOE_IR_MOEOPS

include "moe/Dialect/MoE/IR/RoutingOps.td"
include "moe/Dialect/MoE/IR/ExpertOps.td"
include "moe/Dialect/MoE/IR/DagOps.td"
include "moe/Dialect/MoE/IR/LoopOps.td"
include "moe/Dialect/MoE/IR/TransportOps.td"
include "moe/Dialect/MoE/IR/QuantOps.td"

#endif // MOE_DIALECT_MOE_IR_MOEOPS
