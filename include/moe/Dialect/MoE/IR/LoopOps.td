//===- LoopOps.td - a block that runs several times --------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_LOOPOPS
#define MOE_DIALECT_MOE_IR_LOOPOPS

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "moe/Dialect/MoE/IR/MoEBase.td"

/// What a loop carries: a tensor or a scalar, never memory.
def MoE_State : AnyTypeOf<[AnyRankedTensor, AnySignlessInteger, AnyFloat, Index],
                          "ranked tensor, integer, float or index">;

def MoE_LoopOp : Op<MoE_Dialect, "loop", [
    AttrSizedResultSegments, SingleBlock, RecursiveMemoryEffects, RecursivelySpeculatable,
    DeclareOpInterfaceMethods<RegionBranchOpInterface, ["getEntrySuccessorOperands"]>,
    DeclareOpInterfaceMethods<LoopLikeOpInterface, [
      "promoteIfSingleIteration", "getLoopInductionVars", "getLoopLowerBounds",
      "getLoopSteps", "getLoopUpperBounds", "getInitsMutable", "getRegionIterArgs",
      "getYieldedValuesMutable", "getLoopResults", "getStaticTripCount"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the same block, n times";
  let description = [{
    ```
    state = init
    for k = 0 .. n-1:
      (state, stacked[k, ...]) = body(k, state)
    final = state
    ```

    The body uses values from outside freely; those are the shared weights.
    Re-injection, masking and halting are text of the body. A trip count below 0
    counts as 0. `max` bounds a trip count that is only known at the call: a larger
    one is a run-time error and counts as `max`.

    The state keeps its shape from iteration to iteration, and each iteration
    yields `stack` values of the same shapes: so the sizes of all results are known
    before the loop runs, and it can run in place.

    Trip count 0 is canonicalised to `init` and empty stacks, trip count 1 to the
    body itself.

    Sources: LoopMoE (arXiv 2606.04438), Universal Transformer (1807.03819).

    **Operands.** The trip count n: index; `init`: any number of tensors and
    scalars. **Results.** `final`, of the types of `init`; for each value that is
    yielded to `stack` a tensor [n, shape of the value]. **Data types**: any. **NaN**
    is a value of the state like any other. **T = 0** and n = 0 are legal.
    **Determinism**: that of the body; iterations run in order.

    **Constraints.**
    - (C1) there is at least one `init` value, and one final result of the same type for each.
    - (C2) the body's arguments are k, an index, and one of each type of `init`.
    - (C3) the body ends in `moe.yield`, whose next state has the types of `init`.
    - (C4) one stacked result for each value yielded to `stack`: a ranked tensor [n, shape of the value] of its element type.
    - (C5) the leading dimension of a stacked result is `?`, or n if n is a constant.
    - (C6) a constant trip count is >= 0.
    - (C7) max >= 1, and a constant trip count does not exceed it.
    - (C8) a trip count that is an argument has a `max`.

    **Example** (three iterations, with the logits of each):

    ```mlir
    %three = arith.constant 3 : index
    %y, %logits = moe.loop %three init(%x : tensor<?x64xf32>) {
    ^bb0(%k: index, %h: tensor<?x64xf32>):
      %z, %next = func.call @block(%k, %h)
          : (index, tensor<?x64xf32>) -> (tensor<?x8xf32>, tensor<?x64xf32>)
      moe.yield %next : tensor<?x64xf32> stack(%z : tensor<?x8xf32>)
    } -> tensor<?x64xf32> stack(tensor<3x?x8xf32>)
    ```
  }];
  let arguments = (ins Index:$trip_count, Variadic<MoE_State>:$init,
                       OptionalAttr<I64Attr>:$max_trip_count);
  let results = (outs Variadic<MoE_State>:$final, Variadic<AnyRankedTensor>:$stacked);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $trip_count (`max` $max_trip_count^)? `init` `(` $init `:` type($init) `)` $body attr-dict
    `->` type($final) (`stack` `(` type($stacked)^ `)`)?
  }];
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getInductionVar() { return getBody().getArgument(0); }
    YieldOp getYield();
    /// The number of iterations: the trip count, not below 0 and not above `max`.
    ::mlir::OpFoldResult getNumIterations(::mlir::OpBuilder &builder);
    /// Size of dimension `dim` of `tensor`, a value of the body or outside of it,
    /// as an attribute or a value that exists where `builder` inserts, which is
    /// before the loop; null if it cannot be told there.
    ::mlir::OpFoldResult getSizeBeforeLoop(::mlir::OpBuilder &builder,
                                           ::mlir::Value tensor, unsigned dim);
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def MoE_YieldOp : Op<MoE_Dialect, "yield", [
    AttrSizedOperandSegments, HasParent<"LoopOp">, Pure, Terminator,
    DeclareOpInterfaceMethods<RegionBranchTerminatorOpInterface>]> {
  let summary = "ends an iteration of a loop";
  let description = [{
    Passes the state on to the next iteration, and the `stack` values to the
    stacked results of the loop.

    **Constraints.**
    - (C1) it ends the body of a `moe.loop`, whose constraints hold for its operands.

    **Example.**

    ```mlir
    moe.yield %next : tensor<?x64xf32> stack(%logits : tensor<?x8xf32>)
    ```
  }];
  let arguments = (ins Variadic<MoE_State>:$next, Variadic<MoE_State>:$stacked);
  let assemblyFormat = [{
    $next `:` type($next) (`stack` `(` $stacked^ `:` type($stacked) `)`)? attr-dict
  }];
}

def MoE_IterEncodeOp : MoE_Op<"iter_encode"> {
  let summary = "sinusoidal code of an iteration";
  let description = [{
    ```
    code[i]       = cos(k * max_period^(-i / (c/2)))      0 <= i < c/2
    code[c/2 + i] = sin(k * max_period^(-i / (c/2)))
    ```

    A constant k is folded if c <= 65536, computed in f64 and rounded once.

    Source: the timestep embedding of DiT (arXiv 2212.09748).

    **Operands.** `k`: index, from 0. **Result.** `code` [c]. **Data types.** f64,
    f32, f16, bf16; angles are computed in f64, the result is rounded once.
    `max_period` is 10000 unless given. No k gives **NaN**; one below 0 is as good as
    its absolute value, but for the sign of the sines. **k = 0**: ones, then zeros.
    **Determinism**: same input, same bits.

    **Constraints.**
    - (C1) `code` is [c] with static, even c >= 2.
    - (C2) `max_period` is finite and > 0.

    **Example.**

    ```mlir
    %code = moe.iter_encode %k : tensor<16xf32>
    ```
  }];
  let arguments = (ins Index:$k, DefaultValuedAttr<F64Attr, "10000.0">:$max_period);
  let results = (outs MoE_FloatTensor<1>:$code);
  let assemblyFormat = "$k attr-dict `:` type($code)";
  let hasFolder = 1;
}

def MoE_IterAdaLNOp : MoE_Op<"iter_adaln"> {
  let summary = "norm modulated by the iteration and the token";
  let description = [{
    ```
    (gamma | beta | alpha)[t] = act(v + h[t,:] @ project) @ modulate + bias
    n[t,:]     = (1 + gamma) * norm(h[t,:]) + beta
    alpha[t,:] = alpha                                    if there is this result
    ```

    `norm` is `rms` or `layer` as in `moe.dag_aggregate`, without a gain. v depends
    on the iteration only, h @ project on the token. With the gate alpha a branch
    is added as h + alpha * F(n).

    Sources: LoopMoE (arXiv 2606.04438); adaLN-Zero of DiT (2212.09748).

    **Operands.** `h` [T,d]; `v` [c]; `project` [d,c]; `modulate` [c,m*d] and its
    bias [m*d] with m = 3 if there is a gate, else 2. **Results.** `n` [T,d];
    `alpha` [T,d], optional. **Data types.** f64, f32, f16, bf16; everything in
    between is f32 (f64 if one is f64), results are rounded once. **NaN** in a token
    makes its row of `n` NaN and touches no other token, and so does a row of zeros with
    an `epsilon` of 0. **T = 0**: empty. **Determinism**: same input, same bits; the
    order of a sum is fixed per target.

    **Constraints.**
    - (C1) `h` is [T,d] with static d >= 1.
    - (C2) `v` is [c] with static c >= 1.
    - (C3) `project` is [d,c], static.
    - (C4) `modulate` is [c,m*d], static; m is 3 with `alpha`, else 2.
    - (C5) the bias is [m*d], static.
    - (C6) `epsilon` is finite and >= 0.
    - (C7) `n` and `alpha` are [T,d].

    **Example.**

    ```mlir
    %n, %alpha = moe.iter_adaln %h, %v project(%w_h : tensor<64x16xf32>)
        modulate(%w_mod, %b_mod : tensor<16x192xf32>, tensor<192xf32>)
        act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
        : tensor<?x64xf32>, tensor<16xf32> -> tensor<?x64xf32>, tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MoE_FloatTensor<2>:$h, MoE_FloatTensor<1>:$v, MoE_FloatTensor<2>:$project,
                       MoE_FloatTensor<2>:$modulate, MoE_FloatTensor<1>:$bias,
                       MoE_Activation:$act, MoE_Norm:$norm, F64Attr:$epsilon);
  let results = (outs MoE_FloatTensor<2>:$n, Optional<MoE_FloatTensor<2>>:$alpha);
  let assemblyFormat = [{
    $h `,` $v `project` `(` $project `:` type($project) `)`
    `modulate` `(` $modulate `,` $bias `:` type($modulate) `,` type($bias) `)`
    `act` `(` $act `)` `norm` `(` $norm `)` attr-dict
    `:` type($h) `,` type($v) `->` type($n) (`,` type($alpha)^)?
  }];
}

#endif // MOE_DIALECT_MOE_IR_LOOPOPS
