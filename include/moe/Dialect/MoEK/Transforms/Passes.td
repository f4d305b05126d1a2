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
  let summary = "let a gemm do what stands before and after it";
  let description = [{
    Rewrites that each take an op away from between phases, until none applies; an
    option switches each one off. In the order of a layer:

    | option | fuses | numbers |
    |---|---|---|
    | `scale` | a scale of the rows before a product into its epilogue: (f x) w = f (x w) | change by rounding |
    | `gather` | `moe.dispatch` into a gemm, which reads the tokens through the slots | stay |
    | `transpose` | `linalg.transpose` of a weight into a gemm | stay |
    | `slice` | the halves of a product (gate and up of one weight, one after the other or column by column): two products with halves of the weight, which `merge` then joins | stay |
    | `epilogue` | element-wise ops on the results of a gemm, whatever they read beside by row, by column or both, and what a product is added to (a bias) | round less often |
    | `merge` | with `epilogue`: two gemms of the same rows that meet in one op become one with two accumulators | stay |
    | `combine` | a gemm into `moe.combine` of the same `moe.group`: the gemm adds its rows, times their weights, to the tokens; a token's slots are summed in the order of their experts, in f32, and rounded once | change by rounding |
    | `residual` | the addition of a tensor to a combined one, which becomes what the sum starts from | change by rounding |

    So products and element-wise ops that a user writes reach the kernels of
    `moe.expert_ffn`:

    ```mlir
    %rows = moe.dispatch %x[%row_slot by 2] : ...
    %g = moek.gemm ins(%rows) offsets(%offsets) weights(%gate) ...
    %u = moek.gemm ins(%rows) offsets(%offsets) weights(%up) ...
    %h = linalg.generic ins(%g, %u) { silu(g) * u }
    %o = moek.gemm ins(%h) offsets(%offsets) weights(%down) ...
    %c = moe.combine %o[%slot_row] weights(%w : ...) : ...
    %y = linalg.add ins(%c, %x) ...
    // becomes
    %h = moek.gemm ins(%x) rows(%row_slot by 2) offsets(%offsets) weights(%gate, %up) { silu(g) * u }
    %y = moek.gemm ins(%h) offsets(%offsets) weights(%down) extras(%w_of_rows) outs(%x) rows(%row_slot by 2)
        { old + w * sum }
    ```

    A value is fused where it has one user. An op on the rows of experts that
    selects by something else than the sums stays: it may give a meaning to rows
    that no expert has, which a kernel does not visit.

    Runs before `moek-pack`: packed weights belong to one gemm. Remarks of the
    category "moek-fuse" say what was fused, and of what might have been, why not.
  }];
  let options = [
    Option<"scale", "scale", "bool", /*default=*/"true", "fuse scales of the rows">,
    Option<"gather", "gather", "bool", /*default=*/"true", "fuse moe.dispatch">,
    Option<"transpose", "transpose", "bool", /*default=*/"true", "fuse transposes of weights">,
    Option<"slice", "slice", "bool", /*default=*/"true", "multiply by halves of a weight">,
    Option<"epilogue", "epilogue", "bool", /*default=*/"true", "fuse element-wise ops on the sums">,
    Option<"merge", "merge", "bool", /*default=*/"true", "merge gemms of the same rows">,
    Option<"combine", "combine", "bool", /*default=*/"true", "fuse moe.combine">,
    Option<"residual", "residual", "bool", /*default=*/"true", "start a combine from a residual">];
  let statistics = [
    Statistic<"numScales", "scales", "scales of rows fused">,
    Statistic<"numGathers", "gathers", "dispatches fused">,
    Statistic<"numTransposes", "transposes", "gemms that read weights transposed">,
    Statistic<"numSlices", "slices", "products cut in halves">,
    Statistic<"numEpilogues", "epilogues", "element-wise ops fused">,
    Statistic<"numMerges", "merges", "gemms merged into others">,
    Statistic<"numCombines", "combines", "combines fused">,
    Statistic<"numResiduals", "residuals", "residuals fused">];
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
    weights are bound. Whatever stands between argument and gemm (a transposition,
    a slice, a dequantisation) moves with it. Numbers do not change.

    ```mlir
    %h = moek.gemm ins(%x : tensor<?x64xf32>) offsets(%offsets : tensor<9xi32>)
        weights(%gate, %up : tensor<8x64x80xf32>, tensor<8x64x80xf32>) ...
    // becomes
    %packed = moek.pack %gate, %up as <panel = 64, block = 128, chunk = 2, pair = 1> ...
    %h = moek.gemm ins(%x : tensor<?x64xf32>) offsets(%offsets : tensor<9xi32>)
        weights(%packed : tensor<8x12288xf32>) as <panel = 64, ..> ...
    ```

    A gemm that combines has tasks for chunks alone, so its chunks are smaller where
    there would be less than 8.

    Remarks of the category "moek-pack" say which weights are read as they lie, and
    why.
  }];
  let options = [
    Option<"panel", "panel", "int64_t", /*default=*/"64", "columns of a panel">,
    Option<"block", "block", "int64_t", /*default=*/"128", "K of a block">,
    Option<"chunk", "chunk", "int64_t", /*default=*/"2", "panels a task takes, at most">];
  let statistics = [Statistic<"numPacked", "packed", "gemms whose weights are packed">];
  let dependentDialects = ["::moek::MoEKDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOE_DIALECT_MOEK_TRANSFORMS_PASSES
