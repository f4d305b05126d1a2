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
    without offsets) and one `linalg.generic` for what stands between them;
    `moe.dag_aggregate` and `moe.iter_adaln` by `linalg.matmul` on [T*K,d] and [T,d]
    and `linalg.generic`, `moe.one_hot` by one `linalg.generic`. Sums run in the
    accumulator type and are rounded where the op's documentation says so: numbers
    do not change.

    ```mlir
    %y = moe.expert_ffn %rows, %offsets up(%u : ...) down(%d : ...) activation(relu) : ...
    // becomes
    %0 = moe.grouped_matmul %rows, %u, %offsets : ...
    %1 = linalg.generic ... { relu } ...
    %y = moe.grouped_matmul %1, %d, %offsets : ...
    ```
  }];
  let options = [
    Option<"experts", "experts", "bool", /*default=*/"true",
           "decompose moe.expert_ffn too, for which pipeline cpu has kernels">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def MoETabulateLoop : Pass<"moe-tabulate-loop"> {
  let summary = "compute what a loop takes from weights before it runs";
  let description = [{
    In the body of a `moe.loop`, what depends on `moe.weight` arguments alone moves
    out of it. A tensor of static shape that depends on them and the iteration
    becomes a table over k, if the number of iterations is constant or has a `max`:

    ```mlir
    %y = moe.loop %three init(%x : tensor<?x64xf32>) {
    ^bb0(%k: index, %h: tensor<?x64xf32>):
      %code = moe.iter_encode %k : tensor<16xf32>
      %v = linalg.vecmat ins(%code, %w : ...) ...
    // becomes
    %table = scf.for %k = 0 to 3 iter_args(tensor<3x8xf32>) { %code, %v as above }
    %y = moe.loop %three init(%x : tensor<?x64xf32>) {
    ^bb0(%k: index, %h: tensor<?x64xf32>):
      %v = tensor.extract_slice %table[%k, 0] ...
    ```

    `moe-split-prepare` then computes both once, when the weights are bound.
    Numbers do not change. Assumes that helper functions were inlined.
  }];
  let statistics = [
    Statistic<"numHoisted", "ops-hoisted", "ops on weights that left a loop">,
    Statistic<"numTables", "tables", "values that became a table">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def MoELoopToSCF : Pass<"moe-loop-to-scf"> {
  let summary = "write moe.loop as scf.for";
  let description = [{
    An iteration writes its stacked values into their places in tensors that are
    made before the loop (`tensor.insert_slice`). With `moe-loop-state`, which does
    the same for the state, bufferization then copies `init` once and allocates
    nothing in the loop.

    The stacks of a trip count that is an argument have room for `max` iterations;
    a larger trip count is reported (`moek.check_limit`). Sizes of the state that
    are not static must be the same after an iteration (`moek.require`).
  }];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def MoECheckOps : Pass<"moe-check-ops", "::mlir::ModuleOp"> {
  let summary = "report what the pipelines cannot lower";
  let description = [{
    Emits an error, with the place in the source, for an op of a dialect that no
    stage lowers, a value that is neither a number nor a ranked tensor of numbers,
    control flow by blocks (`cf`), a call that could not be inlined, and anything
    but functions in a module. Runs after inlining and changes nothing: what it
    lets through, the later passes can handle.
  }];
}

def MoEExpandLinalg : Pass<"moe-expand-linalg"> {
  let summary = "write ops on tensors as linalg ops that are loops";
  let description = [{
    `linalg.softmax`, `linalg.pack`, `linalg.unpack` and arith and math ops on
    tensors have no loops of their own and no bufferization. They become `linalg.generic`,
    `linalg.transpose`, padding, reshapes and slices. A softmax subtracts the
    greatest element first, as `moe.route` does.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def MoEGuardData : Pass<"moe-guard-data"> {
  let summary = "keep data from leading out of bounds";
  let description = [{
    Upstream leaves undefined what a layer's data can bring about at run time. Here
    none of it may read or write outside of a tensor, or stop the process:

    - `tensor.extract` and `tensor.insert` at an index that is not known to be in
      bounds: it is reported (`moek.check_index`), the element is 0, the tensor
      stays as it is;
    - an integer division by 0, or of the least number by -1, divides by 1.

    Ops of the `moe` dialect have checks of their own.
  }];
  let statistics = [
    Statistic<"numIndices", "indices", "accesses that got a check">,
    Statistic<"numDivisions", "divisions", "divisions that got a check">];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def MoERequireShapes : Pass<"moe-require-shapes"> {
  let summary = "make sizes that must agree a requirement of the call";
  let description = [{
    The verifier compares static sizes. Dynamic ones that must agree become
    `moek.require`, which vanishes when both sides turn out to be the same named
    dimension:

    - operands of a `linalg` op along one loop;
    - operands of a `moe` op, and a static result of one on dynamic operands;
    - a `tensor.cast` to a static size, an `expand_shape`, the inputs of a concat;
    - the bounds of a slice, if its offsets and sizes follow from sizes of tensors
      (a slice at data-dependent offsets is trusted, as it is upstream).
  }];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOE_DIALECT_MOE_TRANSFORMS_PASSES
