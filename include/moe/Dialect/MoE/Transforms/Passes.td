//===- Passes.td - passes on the moe dialect ---------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_TRANSFORMS_PASSES
#define MOE_DIALECT_MOE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def MoEDecompose : Pass<"moe-decompose"> {
  let summary = "write composite ops as grouped_matmul and linalg";
  let description = [{
    Replaces `moe.expert_ffn` by one `moe.grouped_matmul` a weight (`linalg.matmul`
    without offsets) and one `linalg.generic` for what stands between them. Sums
    run in the accumulator type and are rounded where the op's documentation says
    so: numbers do not change.

    ```mlir
    %y = moe.expert_ffn %rows, %offsets up(%u : ...) down(%d : ...) activation(relu) : ...
    // becomes
    %0 = moe.grouped_matmul %rows, %u, %offsets : ...
    %1 = linalg.generic ... { relu } ...
    %y = moe.grouped_matmul %1, %d, %offsets : ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def MoERequireShapes : Pass<"moe-require-shapes"> {
  let summary = "make sizes that must agree a requirement of the call";
  let description = [{
    The verifier compares static sizes. Dynamic ones that must agree (two operands
    of a `linalg` op along one loop, operands of a `moe` op, a static result of an
    op on dynamic operands) become `moek.require`, which vanishes when both sides
    turn out to be the same named dimension.
  }];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // MOE_DIALECT_MOE_TRANSFORMS_PASSES
