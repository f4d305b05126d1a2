//===- RoutingOps.td - who computes what -------------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_ROUTINGOPS
#define MOE_DIALECT_MOE_IR_ROUTINGOPS

include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_RouteOp : MoE_Op<"route", [AttrSizedOperandSegments]> {
  let summary = "select K experts for each token, with their weights";
  let description = [{
    With `s = score(logits)` over all E experts (identity, softmax or sigmoid):

    ```
    key[t,e]     = keys[t,e]  |  s[t,e] + bias[e]  |  s[t,e]
    indices[t,:] = the K best keys of token t, best first
    weights[t,k] = scale * rule(s[t, indices[t,:]])[k]
    ```

    | `weights(...)` | rule over the selected scores `s_1..s_K` |
    |---|---|
    | `score` | `s_k` |
    | `normalized` | `s_k / (s_1 + ... + s_K + epsilon)` |
    | `softmax_selected` | `exp(s_k) / (exp(s_1) + ... + exp(s_K))` |
    | `unit` | 1 |

    The bias (and `keys`) take part in the selection only: weights always come from
    the unbiased scores. `groups(G keep g by top_sum n)` cuts the experts into G
    equal consecutive groups, ranks each group by the sum of its n best keys and
    lets only the g best groups take part. `top_p = p` keeps slot k iff the scores
    of the slots before it sum to less than p; the others are cut. A slot that is
    cut or finds no expert takes no part in the rule.

    Sources: Switch Transformer (arXiv 2101.03961), Mixtral, DeepSeek-V3
    (2412.19437: sigmoid, bias, groups, scale), nucleus routing (2403.07652).

    **Operands.** `logits` [T,E]; `bias` [E]; `keys` [T,E]. **Results.** `indices`
    [T,K] i32, `weights` [T,K].

    **Data types.** Floats are f64, f32, f16 or bf16; scores, keys and weights are
    computed in f32 (f64 if one of them is f64) and rounded once.

    **Ties** go to the lower index. **NaN and -inf** keys are not admissible. A
    group is ranked by -inf when fewer than n of its keys are admissible, and then
    is not kept. **Too few** admissible experts, and slots cut by `top_p`: index
    -1, weight 0. **Overflow**: softmax subtracts the largest logit. A sum of
    selected scores plus epsilon of 0 divides as IEEE does. **T = 0**: empty results.
    **Determinism**: same input, same bits.

    **Constraints.**
    - (C1) `logits` is [T,E] with static E >= 1.
    - (C2) `indices` is [T,K] and `weights` has its shape, with static K >= 1 and the T of `logits`.
    - (C3) K <= E.
    - (C4) `bias` is [E].
    - (C5) `keys` has the shape of `logits`.
    - (C6) `bias` and `keys` are not given together.
    - (C7) `groups`: G divides E, 1 <= g <= G, 1 <= n <= E/G; all three or none.
    - (C8) K <= g * E/G.
    - (C9) 0 < top_p <= 1.
    - (C10) `softmax_selected` needs `score(identity)`.
    - (C11) `epsilon` is finite, >= 0, and needs `normalized`; `scale` is finite.

    **Example** (DeepSeek-V3):

    ```mlir
    %indices, %weights = moe.route %logits bias(%bias : tensor<256xf32>)
        score(sigmoid) weights(normalized) groups(8 keep 4 by top_sum 2)
        scale 2.5 {epsilon = 1.0e-20 : f64}
        : tensor<?x256xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    MoE_FloatTensor<2>:$logits,
    Optional<MoE_FloatTensor<1>>:$bias,
    Optional<MoE_FloatTensor<2>>:$keys,
    MoE_Score:$score,
    MoE_WeightRule:$rule,
    OptionalAttr<I64Attr>:$num_groups,
    OptionalAttr<I64Attr>:$kept_groups,
    OptionalAttr<I64Attr>:$group_top,
    OptionalAttr<F64Attr>:$scale,
    OptionalAttr<F64Attr>:$epsilon,
    OptionalAttr<F64Attr>:$top_p);
  let results = (outs MoE_IndexTensor<2>:$indices, MoE_FloatTensor<2>:$weights);
  let assemblyFormat = [{
    $logits (`bias` `(` $bias^ `:` type($bias) `)`)? (`keys` `(` $keys^ `:` type($keys) `)`)?
    `score` `(` $score `)` `weights` `(` $rule `)`
    (`groups` `(` $num_groups^ `keep` $kept_groups `by` `top_sum` $group_top `)`)?
    (`scale` $scale^)? attr-dict
    `:` type($logits) `->` type($indices) `,` type($weights)
  }];
  let extraClassDeclaration = [{
    int64_t getNumExperts() { return getLogits().getType().getDimSize(1); }
    int64_t getNumSlots() { return getIndices().getType().getDimSize(1); }
  }];
  let hasCanonicalizer = 1;
}

def MoE_TopKOp : MoE_Op<"top_k"> {
  let summary = "the K best of each row";
  let description = [{
    ```
    indices[n,:]  = the K best keys of row n, best first
    selected[n,k] = values[n, indices[n,k]]        (values defaults to keys)
    ```

    The primitive of every router that `moe.route` does not say: expert choice is
    the top_k of the transposed scores (arXiv 2202.09368).

    **Operands.** `keys` [N,M]; `values` [N,M]. **Results.** `indices` [N,K] i32,
    `selected` [N,K]. M may be dynamic.

    **Data types.** Floats are f64, f32, f16 or bf16; keys are compared exactly, a
    selected value is converted once to the element type of `selected`.

    **Ties** go to the lower index. **NaN and -inf** keys are not admissible. **Too
    few** admissible keys: index -1, selected 0. **N = 0**: empty results.
    **Determinism**: same input, same bits.

    **Constraints.**
    - (C1) `values` has the shape of `keys`.
    - (C2) `indices` is [N,K] and `selected` has its shape, with static K >= 1 and the N of `keys`.
    - (C3) K <= M when M is static.

    **Example** (each expert takes its 8 best tokens):

    ```mlir
    %tokens, %scores = moe.top_k %by_expert
        : tensor<16x?xf32> -> tensor<16x8xi32>, tensor<16x8xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$keys, Optional<MoE_FloatTensor<2>>:$values);
  let results = (outs MoE_IndexTensor<2>:$indices, MoE_FloatTensor<2>:$selected);
  let assemblyFormat = [{
    $keys (`values` `(` $values^ `:` type($values) `)`)? attr-dict
    `:` type($keys) `->` type($indices) `,` type($selected)
  }];
  let hasCanonicalizer = 1;
}

def MoE_GroupOp : MoE_Op<"group"> {
  let summary = "sort the slots by expert";
  let description = [{
    A stable counting sort of the T*K slots by expert, in token-major order:

    ```
    offsets[e]    = number of dispatched slots of the experts before e
    row_slot[i]   = flat slot t*K+k of row i; rows offsets[e] .. offsets[e+1] are those of expert e
    slot_row[t,k] = row of the slot, or -1
    ```

    It makes S = T*K rows, an upper bound known from shapes, so no size depends on
    data: `row_slot[i] = -1` for `i >= offsets[E]`, and users may slice it and
    compute on it.

    A slot is not dispatched when its index is -1 or in [E, `num_candidates`): a
    null, copy or constant expert, which was selected and weighted and needs no
    product. Any other index outside [0,E) is a run-time error and counts as -1.
    With a `capacity` an expert takes its first `capacity` slots and drops the
    later ones; a drop changes no weight. A negative capacity counts as 0.

    **Operands.** `indices` [T,K] i32; `capacity` index. **Results.** `row_slot`
    [T*K], `slot_row` [T,K], `offsets` [E+1], all i32.

    **Ties** cannot be: slots of one expert keep their order. **Data types**: i32, so
    there is no NaN. **Empty experts** have `offsets[e] = offsets[e+1]`. **T = 0**: no
    rows, all offsets 0. **Overflow**: T*K >= 2^31 is an error at the call.
    **Determinism**: same input, same bits.

    **Constraints.**
    - (C1) `indices` is [T,K] with static K >= 1.
    - (C2) `row_slot` is [T*K].
    - (C3) `slot_row` has the shape of `indices`.
    - (C4) `offsets` is [E+1] with static E >= 1.
    - (C5) num_candidates >= E.

    **Example** (Switch: 8 experts of capacity 5):

    ```mlir
    %five = arith.constant 5 : index
    %row_slot, %slot_row, %offsets = moe.group %indices capacity(%five)
        : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<9xi32>
    ```
  }];
  let arguments = (ins MoE_IndexTensor<2>:$indices, Optional<Index>:$capacity,
                       OptionalAttr<I64Attr>:$num_candidates);
  let results = (outs MoE_IndexTensor<1>:$row_slot, MoE_IndexTensor<2>:$slot_row,
                      MoE_IndexTensor<1>:$offsets);
  let assemblyFormat = [{
    $indices (`capacity` `(` $capacity^ `)`)? attr-dict
    `:` type($indices) `->` type($row_slot) `,` type($slot_row) `,` type($offsets)
  }];
  let extraClassDeclaration = [{
    int64_t getNumExperts() { return getOffsets().getType().getDimSize(0) - 1; }
    int64_t getNumSlots() { return getIndices().getType().getDimSize(1); }
    /// One past the largest index that is no error.
    int64_t getIndexBound() { return getNumCandidates().value_or(getNumExperts()); }
  }];
  let hasCanonicalizer = 1;
}

def MoE_DispatchOp : MoE_Op<"dispatch"> {
  let summary = "gather the rows of the experts from the tokens";
  let description = [{
    ```
    rows[i,:] = x[row_slot[i] / k, :]
    ```

    Rows with `row_slot[i] = -1` have unspecified contents.

    **Operands.** `x` [T,d]; `row_slot` [S] i32; k = slots a token. **Result.**
    `rows` [S,d]. **Data types.** f64, f32, f16, bf16; converted once if the result
    has another element type. Run-time error: `row_slot[i]` outside [-1, T*k). **NaN**
    is copied. **Empty experts** have no rows in `row_slot`. **S = 0**: empty.
    **Determinism**: exact.

    **Constraints.**
    - (C1) `x` is [T,d] with static d >= 1.
    - (C2) k >= 1.
    - (C3) `rows` is [S,d].

    **Example.**

    ```mlir
    %rows = moe.dispatch %x[%row_slot by 2]
        : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$x, MoE_IndexTensor<1>:$row_slot, I64Attr:$slots);
  let results = (outs MoE_FloatTensor<2>:$rows);
  let assemblyFormat = [{
    $x `[` $row_slot `by` $slots `]` attr-dict `:` type($x) `,` type($row_slot) `->` type($rows)
  }];
}

def MoE_CombineOp : MoE_Op<"combine"> {
  let summary = "weighted sum of the rows of each token";
  let description = [{
    ```
    y[t,:] = sum over k with slot_row[t,k] >= 0 of weights[t,k] * rows[slot_row[t,k], :]
    ```

    in ascending k; absent weights count as 1. Slots without a row are skipped, so
    unspecified rows and NaN behind them never reach `y`.

    **Operands.** `rows` [S,d]; `slot_row` [T,K] i32; `weights` [T,K]. **Result.**
    `y` [T,d]. **Data types.** Summed in f32 (f64 if one is f64), rounded once.
    Run-time error: `slot_row[t,k]` outside [-1, S). A token **without rows** gets 0.
    **T = 0**: empty. **Determinism**: the order of the sum is fixed.

    **Constraints.**
    - (C1) `rows` is [S,d] with static d >= 1.
    - (C2) `slot_row` is [T,K] with static K >= 1.
    - (C3) `weights` has the shape of `slot_row`.
    - (C4) `y` is [T,d].

    **Example.**

    ```mlir
    %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
        : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$rows, MoE_IndexTensor<2>:$slot_row,
                       Optional<MoE_FloatTensor<2>>:$weights);
  let results = (outs MoE_FloatTensor<2>:$y);
  let assemblyFormat = [{
    $rows `[` $slot_row `]` (`weights` `(` $weights^ `:` type($weights) `)`)? attr-dict
    `:` type($rows) `,` type($slot_row) `->` type($y)
  }];
  let hasCanonicalizer = 1;
}

#endif // MOE_DIALECT_MOE_IR_ROUTINGOPS
