//===- DagOps.td - expert outputs that exchange messages ---*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_DAGOPS
#define MOE_DIALECT_MOE_IR_DAGOPS

include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_CollectOp : MoE_Op<"collect"> {
  let summary = "the rows of each token side by side";
  let description = [{
    ```
    slots[t,k,:] = rows[slot_row[t,k], :]      0 where slot_row[t,k] = -1
    ```

    What an aggregation needs that is more than a sum. A sum over k of the slots,
    times a weight, written as a `linalg.generic` is canonicalised to
    `moe.combine`; the weight of a slot without a row then no longer matters, not
    even if it is not finite.

    **Operands.** `rows` [S,d]; `slot_row` [T,K] i32. **Result.** `slots` [T,K,d].
    **Data types.** f64, f32, f16, bf16; converted once if the result has another
    element type. Run-time error: `slot_row[t,k]` outside [-1, S). **NaN** is copied.
    **T = 0**: empty. **Determinism**: exact.

    **Constraints.**
    - (C1) `rows` is [S,d] with static d >= 1.
    - (C2) `slot_row` is [T,K] with static K >= 1.
    - (C3) `slots` is [T,K,d].

    **Example.**

    ```mlir
    %slots = moe.collect %rows[%slot_row]
        : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$rows, MoE_IndexTensor<2>:$slot_row);
  let results = (outs MoE_FloatTensor<3>:$slots);
  let assemblyFormat = [{
    $rows `[` $slot_row `]` attr-dict `:` type($rows) `,` type($slot_row) `->` type($slots)
  }];
  let hasCanonicalizer = 1;
}

def MoE_DagAggregateOp : MoE_Op<"dag_aggregate", [AttrSizedOperandSegments]> {
  let summary = "sum of a token's slots after they exchanged messages";
  let description = [{
    The K slots of a token are the nodes of a graph of depth L. A token at a time:

    ```
    x_i = weights[i] * slots[i,:] + residual_scale * residual
    for l = 0 .. L-1:
      (a_i | b_i | p_i | q_i) = (norm(x_i) * gamma[l]) @ down[l] @ message[l]
      m_i = sum over j of edges[i,j] * gate(a_i + b_j) * (p_i + q_j)
      x_i = x_i + m_i @ up[l]
    y = sum over i of x_i
    ```

    `norm` is `rms` x / sqrt(mean(x^2) + epsilon) or `layer`
    (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon). `gate` is an activation
    of `moe.expert_ffn`. Absent: `weights` and `edges` (row = receiver) are 1,
    `residual` is 0, `residual_scale` is 1/K. The `mask` is a `slot_row`: a node
    with a negative entry is removed. It sends and receives nothing and is missing
    from y together with its share of the residual; a token without a node gets 0.

    L = 0 is canonicalised to the weighted sum (a `moe.combine` if the slots come
    from a `moe.collect` by the mask), to which the residual is added.

    Source: DAG-MoE (arXiv 2606.01062). The order of the slots does not matter.

    **Operands.** `slots` [T,K,d]; `weights` [T,K]; `residual` [T,d]; `mask` [T,K]
    i32; `edges` [K,K]; `gamma` [L,d]; `down` [L,d,g]; `message` [L,g,4g]; `up`
    [L,g,d]. **Result.** `y` [T,d]. **Data types.** f64, f32, f16, bf16; everything
    in between is f32 (f64 if one is f64), y is rounded once. **NaN** and infinite
    values of a masked node reach nothing. **Overflow**: gate times value is not
    bounded. **T = 0**: empty. **Determinism**: same input, same bits; the order of
    a sum is fixed per target.

    **Constraints.**
    - (C1) `slots` is [T,K,d] with static K >= 1 and d >= 1.
    - (C2) `weights` is [T,K].
    - (C3) `residual` is [T,d].
    - (C4) `mask` is [T,K].
    - (C5) `edges` is [K,K], static.
    - (C6) `gamma` is [L,d] with static L >= 0.
    - (C7) `down` is [L,d,g] with static g >= 1.
    - (C8) `message` is [L,g,4g], static.
    - (C9) `up` is [L,g,d], static.
    - (C10) `epsilon` is finite and >= 0.
    - (C11) `residual_scale` is finite and needs a residual.
    - (C12) `y` is [T,d].

    **Example.**

    ```mlir
    %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
        residual(%x : tensor<?x64xf32>) mask(%slot_row : tensor<?x2xi32>)
        norm rms(%gamma : tensor<2x64xf32>) down(%w_down : tensor<2x64x16xf32>)
        message silu(%w_message : tensor<2x16x64xf32>) up(%w_up : tensor<2x16x64xf32>)
        {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins
    MoE_FloatTensor<3>:$slots,
    Optional<MoE_FloatTensor<2>>:$weights,
    Optional<MoE_FloatTensor<2>>:$residual,
    Optional<MoE_IndexTensor<2>>:$mask,
    Optional<MoE_FloatTensor<2>>:$edges,
    MoE_FloatTensor<2>:$gamma,
    MoE_FloatTensor<3>:$down,
    MoE_FloatTensor<3>:$message,
    MoE_FloatTensor<3>:$up,
    MoE_Norm:$norm,
    MoE_Activation:$gate,
    F64Attr:$epsilon,
    OptionalAttr<F64Attr>:$residual_scale);
  let results = (outs MoE_FloatTensor<2>:$y);
  let assemblyFormat = [{
    $slots (`weights` `(` $weights^ `:` type($weights) `)`)?
    (`residual` `(` $residual^ `:` type($residual) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)? (`edges` `(` $edges^ `:` type($edges) `)`)?
    `norm` $norm `(` $gamma `:` type($gamma) `)` `down` `(` $down `:` type($down) `)`
    `message` $gate `(` $message `:` type($message) `)` `up` `(` $up `:` type($up) `)`
    attr-dict `:` type($slots) `->` type($y)
  }];
  let extraClassDeclaration = [{
    int64_t getDepth() { return getGamma().getType().getDimSize(0); }
    int64_t getNumSlots() { return getSlots().getType().getDimSize(1); }
    /// The share of the residual that each node takes: `residual_scale` or 1/K.
    double getNodeResidualScale() {
      return getResidualScale() ? getResidualScale()->convertToDouble()
                                : 1.0 / getNumSlots();
    }
  }];
  let hasCanonicalizer = 1;
}

#endif // MOE_DIALECT_MOE_IR_DAGOPS
