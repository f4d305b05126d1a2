//===- Passes.td - passes on the moek dialect --------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_TRANSFORMS_PASSES
#define MOE_DIALECT_MOEK_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def MoEKFuse : Pass<"moek-fuse"> {
  let summary = "let a gemm gather its rows and combine its results";
  let description = [{
    - `moe.dispatch` into a gemm: the gemm reads the tokens through the slots.
    - a gemm into `moe.combine` of the same `moe.group`: the gemm adds its rows,
      times their weights, to the tokens. A token's slots are then summed in the
      order of their experts, in f32, and rounded once.
    - two gemms of the same rows and groups whose results meet in one element-wise
      op: not here; `moe.expert_ffn` already says so.
    - `linalg.transpose` of a weight into a gemm: the gemm reads it transposed.

    Remarks (`--remarks-filter`, category "moek-fuse") say what did not fuse and why.
  }];
  let options = [
    Option<"gather", "gather", "bool", /*default=*/"true", "fuse moe.dispatch">,
    Option<"combine", "combine", "bool", /*default=*/"true", "fuse moe.combine">];
  let statistics = [
    Statistic<"numGathers", "gathers", "dispatches fused">,
    Statistic<"numCombines", "combines", "combines fused">];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def MoEKPack : Pass<"moek-pack"> {
  let summary = "pack constant weights in the order in which kernels read them";
  let description = [{
    Gives every gemm whose weights follow from `moe.weight` arguments alone one
    packed operand, by a `moek.pack` that `moe-split-prepare` then moves to where
    weights are bound. Numbers do not change.
  }];
  let options = [
    Option<"panel", "panel", "int64_t", /*default=*/"64", "columns of a panel">,
    Option<"block", "block", "int64_t", /*default=*/"128", "K of a block">,
    Option<"chunk", "chunk", "int64_t", /*default=*/"2", "panels a task takes">];
  let statistics = [Statistic<"numPacked", "packed", "gemms whose weights are packed">];
  let dependentDialects = ["::moek::MoEKDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOE_DIALECT_MOEK_TRANSFORMS_PASSES
