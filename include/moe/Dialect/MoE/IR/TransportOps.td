//===- TransportOps.td - balanced assignment, soft and hard -*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_TRANSPORTOPS
#define MOE_DIALECT_MOE_IR_TRANSPORTOPS

include "moe/Dialect/MoE/IR/MoEBase.td"

def MoE_SinkhornOp : MoE_Op<"sinkhorn", [
    AttrSizedOperandSegments,
    TypesMatchWith<"the temperature is f64 for f64 scores, f32 for others", "scores",
                   "temperature", "::moe::getAccumulatorType($_self)">]> {
  let summary = "entropic transport plan between rows and columns";
  let description = [{
    The plan P = exp(scores / temperature + f + g) of the given marginals, in the
    log domain:

    ```
    f = g = 0
    repeat `iterations` times:                          final(row): the two swapped
      f[i] = log(row[i]) - logsumexp over e of (scores[i,e] / temperature + g[e])
      g[e] = log(col[e]) - logsumexp over i of (scores[i,e] / temperature + f[i])
    ```

    The marginal of the last step is exact, the other one as far as the iterations
    converged; they do so more slowly at a lower temperature. Absent, `row` is 1 and
    `col` is n/E. A row or column whose scores are all -inf gets no mass.

    Sources: Sinkhorn distances (arXiv 1306.0895), DOT-MoE (2606.01666).

    **Operands.** `scores` [n,E]; `temperature` > 0; `row` [n]; `col` [E].
    **Result.** `plan` [n,E]. **Data types.** Tensors f64, f32, f16, bf16; computed
    in f32 (f64 if one is f64), the plan is rounded once. **Overflow**: none at any
    temperature, the largest exponent is subtracted. **NaN** in a score reaches what
    is normalised with it. **n = 0**: empty. **Determinism**: same input, same bits;
    the number of iterations is fixed.

    **Constraints.**
    - (C1) `scores` is [n,E] with static E >= 1.
    - (C2) the temperature is f64 for f64 scores, f32 for others.
    - (C3) `row` is [n].
    - (C4) `col` is [E].
    - (C5) iterations >= 1.
    - (C6) constant marginals are finite and >= 0, and their sums agree within 1e-3; absent ones sum to n.
    - (C7) `plan` is [n,E].

    **Example.**

    ```mlir
    %plan = moe.sinkhorn %scores temperature(%tau) iterations 50 final(col)
        : tensor<48x6xf32> -> tensor<48x6xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$scores, AnyTypeOf<[F32, F64]>:$temperature,
                       Optional<MoE_FloatTensor<1>>:$row, Optional<MoE_FloatTensor<1>>:$col,
                       I64Attr:$iterations, MoE_FinalStep:$final_step);
  let results = (outs MoE_FloatTensor<2>:$plan);
  let assemblyFormat = [{
    $scores `temperature` `(` $temperature `)` (`row` `(` $row^ `:` type($row) `)`)?
    (`col` `(` $col^ `:` type($col) `)`)? `iterations` $iterations
    `final` `(` $final_step `)` attr-dict `:` type($scores) `->` type($plan)
  }];
}

def MoE_AssignOp : MoE_Op<"assign"> {
  let summary = "give each row one column, each column its number of rows";
  let description = [{
    `method(greedy)` walks all scores in descending order and gives row i to column
    e if the row is free and the column has room. `method(exact)` finds an
    assignment of the largest total score; if there are several it is free which.

    The capacities sum to n, so every row gets a column and the counts are exact.

    Source: DOT-MoE (arXiv 2606.01666), which rounds a transport plan greedily.

    **Operands.** `scores` [n,E]; `capacity` [E] i32. **Result.** `member` [n] i32.
    **Data types.** Scores are f64, f32, f16 or bf16 and compared exactly; `exact`
    sums them in f64. **Ties** (greedy) go to the lower row, then the lower column.
    **NaN** counts as less than -inf in `greedy`; `exact` takes as few NaN, then as
    few -inf, then as many +inf as it can. Run-time error: a negative capacity, or
    capacities that do not sum to n; every member is -1 then. **n = 0**: empty.
    **Determinism**: same input, same result.

    **Constraints.**
    - (C1) `scores` is [n,E] with static E >= 1.
    - (C2) `capacity` is [E].
    - (C3) constant capacities are >= 0 and sum to n if n is static.
    - (C4) `member` is [n].

    **Example.**

    ```mlir
    %member = moe.assign %plan, %capacity method(greedy)
        : tensor<48x6xf32>, tensor<6xi32> -> tensor<48xi32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$scores, MoE_IndexTensor<1>:$capacity,
                       MoE_AssignMethod:$method);
  let results = (outs MoE_IndexTensor<1>:$member);
  let assemblyFormat = [{
    $scores `,` $capacity `method` `(` $method `)` attr-dict
    `:` type($scores) `,` type($capacity) `->` type($member)
  }];
}

def MoE_StraightThroughOp : MoE_Op<"straight_through"> {
  let summary = "a hard value with the gradient of a soft one";
  let description = [{
    ```
    result = hard           d_soft = d_result, d_hard = 0
    ```

    It stays in the program until the gradient is built; only
    `straight_through(x, x)` folds, to x.

    Source: straight-through estimators (arXiv 1308.3432).

    **Operands.** `hard` and `soft`, tensors of one shape of any rank. **Result**:
    of the same shape. **Data types.** f64, f32, f16, bf16; converted once if the
    result has another element type. **NaN** in `hard` is copied, in `soft` ignored.
    **N = 0**: empty. **Determinism**: exact.

    **Constraints.**
    - (C1) `soft` has the shape of `hard`.
    - (C2) the result has the shape of `hard`.

    **Example.**

    ```mlir
    %mask = moe.straight_through %hard, %plan
        : tensor<48x6xf32>, tensor<48x6xf32> -> tensor<48x6xf32>
    ```
  }];
  let arguments = (ins MoE_AnyFloatTensor:$hard, MoE_AnyFloatTensor:$soft);
  let results = (outs MoE_AnyFloatTensor:$result);
  let assemblyFormat = [{
    $hard `,` $soft attr-dict `:` type($hard) `,` type($soft) `->` type($result)
  }];
  let hasFolder = 1;
}

def MoE_OneHotOp : MoE_Op<"one_hot"> {
  let summary = "indices as rows of zeros and ones";
  let description = [{
    ```
    result[n,e] = 1 if indices[n] = e (one of indices[n,:] = e), else 0
    ```

    An index outside [0,E), such as -1, sets nothing. `size` gives an E that is not
    static; a negative one counts as 0. A constant is folded if the result has at
    most 65536 elements.

    **Operands.** `indices` [N] or [N,K] i32; `size`: index. **Result** [N,E].
    **Data types.** f64, f32, f16, bf16; exact, never **NaN**. An index that occurs
    twice in a row (a **tie**) sets one 1. **N = 0**: empty. **Determinism**: exact.

    **Constraints.**
    - (C1) the result is [N,E].
    - (C2) `size` is given if and only if E is dynamic.

    **Example.**

    ```mlir
    %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x8xf32>
    %tokens = moe.one_hot %chosen size(%num_tokens) : tensor<8x4xi32> -> tensor<8x?xf32>
    ```
  }];
  let arguments = (ins MoE_IndexTensorOfRank1Or2:$indices, Optional<Index>:$size);
  let results = (outs MoE_FloatTensor<2>:$result);
  let assemblyFormat = [{
    $indices (`size` `(` $size^ `)`)? attr-dict `:` type($indices) `->` type($result)
  }];
  let hasFolder = 1;
}

#endif // MOE_DIALECT_MOE_IR_TRANSPORTOPS
