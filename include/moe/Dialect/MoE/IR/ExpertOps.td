//===- ExpertOps.td - what an expert computes --------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_EXPERTOPS
#define MOE_DIALECT_MOE_IR_EXPERTOPS

include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_GroupedMatmulOp : MoE_Op<"grouped_matmul"> {
  let summary = "one matrix product for each expert's rows";
  let description = [{
    ```
    result[i,:] = rows[i,:] @ weights[e]      for offsets[e] <= i < offsets[e+1]
    ```

    Rows `i >= offsets[E]` of the result have unspecified contents. Weights are
    always [E,in,out]; another layout is a `linalg.transpose` or a strided
    `tensor.extract_slice` of the weight, which is done once when it is bound.

    **Operands.** `rows` [S,a]; `weights` [E,a,b]; `offsets` [E+1] i32. **Result**
    [S,b]. **Data types.** f64, f32, f16, bf16; summed in f32 (f64 if one is f64),
    rounded once. Run-time error: offsets that do not ascend from 0 to at most S;
    they are then clamped. **NaN** and infinities stay in the row of the result whose
    sum they enter. **Empty experts** cost nothing. **S = 0**: empty.
    **Determinism**: same input, same bits; the order of a sum is fixed per target.

    **Constraints.**
    - (C1) `rows` is [S,a] with static a >= 1.
    - (C2) `weights` is [E,a,b], static, E >= 1 and b >= 1.
    - (C3) `offsets` is [E+1].
    - (C4) the result is [S,b].

    **Example.**

    ```mlir
    %up = moe.grouped_matmul %rows, %w_up, %offsets
        : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$rows, MoE_FloatTensor<3>:$weights,
                       MoE_IndexTensor<1>:$offsets);
  let results = (outs MoE_FloatTensor<2>:$result);
  let assemblyFormat = [{
    $rows `,` $weights `,` $offsets attr-dict
    `:` type($rows) `,` type($weights) `,` type($offsets) `->` type($result)
  }];
}

def MoE_ExpertFFNOp : MoE_Op<"expert_ffn", [AttrSizedOperandSegments]> {
  let summary = "the feed-forward network of each expert";
  let description = [{
    With `g = rows @ gate + gate_bias`, `u = rows @ up + up_bias` of the row's expert:

    ```
    h      = act(min(g, limit)) * (clamp(u, -limit, limit) + up_offset)     with a gate
    h      = act(clamp(u, -limit, limit))                                   without
    result = h @ down + down_bias
    ```

    `act` is one of `none` x, `silu` x*sigmoid(alpha*x), `sigmoid`, `gelu`
    x/2*(1+erf(x/sqrt 2)), `gelu_tanh` (its tanh form), `relu`, `relu2` max(x,0)^2.
    Sugar for two or three `moe.grouped_matmul` with `linalg` between them. Without
    `offsets` it is one dense network (a shared expert) and the weights have rank 2.

    Sources: SwiGLU (arXiv 2002.05202), gpt-oss (biases, `alpha` 1.702, `limit` 7,
    `up_offset` 1).

    **Operands.** `rows` [S,d]; `offsets` [E+1] i32; `gate` and `up` [E,d,F] with
    biases [E,F]; `down` [E,F,o] with bias [E,o]; without offsets the same without
    E. **Result** [S,o]. **Data types.** f64, f32, f16, bf16; products are summed
    in f32 (f64 if one is f64); h is stored in the element type of `rows`, the
    result rounded once. Rows `>= offsets[E]` of the result are unspecified.
    Run-time error, **empty experts**, **S = 0**, **determinism**: as
    `moe.grouped_matmul`. NaN passes through `limit`.

    **Constraints.**
    - (C1) `rows` is [S,d] with static d >= 1.
    - (C2) `up` is [E,d,F] with `offsets`, [d,F] without; static, no size 0.
    - (C3) `gate` has the shape of `up`.
    - (C4) `down` is [E,F,o] with `offsets`, [F,o] without; static.
    - (C5) `offsets` is [E+1].
    - (C6) biases are [E,F], [E,F] and [E,o] with `offsets`, [F], [F] and [o] without.
    - (C7) the gate's bias and `up_offset` need a gate.
    - (C8) `alpha` is finite and needs `activation(silu)`.
    - (C9) limit > 0, `up_offset` finite.
    - (C10) the result is [S,o].

    **Example** (gpt-oss):

    ```mlir
    %out = moe.expert_ffn %rows, %offsets
        gate(%w_gate : tensor<8x32x24xf32> bias %b_gate : tensor<8x24xf32>)
        up(%w_up : tensor<8x32x24xf32> bias %b_up : tensor<8x24xf32>)
        down(%w_down : tensor<8x24x32xf32> bias %b_down : tensor<8x32xf32>)
        activation(silu) {alpha = 1.702, limit = 7.0, up_offset = 1.0}
        : tensor<?x32xf32>, tensor<9xi32> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins
    MoE_FloatTensor<2>:$rows,
    Optional<MoE_IndexTensor<1>>:$offsets,
    Optional<MoE_FloatTensorOfRank2Or3>:$gate,
    Optional<MoE_FloatTensorOfRank1Or2>:$gate_bias,
    MoE_FloatTensorOfRank2Or3:$up,
    Optional<MoE_FloatTensorOfRank1Or2>:$up_bias,
    MoE_FloatTensorOfRank2Or3:$down,
    Optional<MoE_FloatTensorOfRank1Or2>:$down_bias,
    MoE_Activation:$activation,
    OptionalAttr<F64Attr>:$alpha,
    OptionalAttr<F64Attr>:$limit,
    OptionalAttr<F64Attr>:$up_offset);
  let results = (outs MoE_FloatTensor<2>:$result);
  let assemblyFormat = [{
    $rows (`,` $offsets^)?
    (`gate` `(` $gate^ `:` type($gate) (`bias` $gate_bias^ `:` type($gate_bias))? `)`)?
    `up` `(` $up `:` type($up) (`bias` $up_bias^ `:` type($up_bias))? `)`
    `down` `(` $down `:` type($down) (`bias` $down_bias^ `:` type($down_bias))? `)`
    `activation` `(` $activation `)` attr-dict
    `:` type($rows) (`,` type($offsets)^)? `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def MoE_GroupedMatmulWgradOp : MoE_Op<"grouped_matmul_wgrad"> {
  let summary = "gradient of the weights of a grouped_matmul";
  let description = [{
    ```
    result[e] = sum over offsets[e] <= i < offsets[e+1] of rows[i,:]^T drows[i,:]
    ```

    Rows `i >= offsets[E]` do not take part, whatever they hold.

    **Operands.** `rows` [S,a]; `drows` [S,b], the cotangent of the product;
    `offsets` [E+1] i32. **Result** [E,a,b]. **Data types.** f64, f32, f16, bf16;
    summed in f32 (f64 if one is f64), rounded once. Run-time error: as
    `moe.grouped_matmul`. **NaN** stays in the matrix of its expert. **Empty experts**
    and **S = 0** give 0. **Determinism**: same input, same bits; the order of a sum is fixed per target.

    **Constraints.**
    - (C1) `rows` is [S,a] with static a >= 1.
    - (C2) `drows` is [S,b] with static b >= 1.
    - (C3) `offsets` is [E+1] with static E >= 1.
    - (C4) the result is [E,a,b], static.

    **Example.**

    ```mlir
    %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
        : tensor<?x64xf32>, tensor<?x80xf32>, tensor<9xi32> -> tensor<8x64x80xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$rows, MoE_FloatTensor<2>:$drows,
                       MoE_IndexTensor<1>:$offsets);
  let results = (outs MoE_FloatTensor<3>:$result);
  let assemblyFormat = [{
    $rows `,` $drows `,` $offsets attr-dict
    `:` type($rows) `,` type($drows) `,` type($offsets) `->` type($result)
  }];
}

#endif // MOE_DIALECT_MOE_IR_EXPERTOPS
