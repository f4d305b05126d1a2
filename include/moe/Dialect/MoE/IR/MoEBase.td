//===- MoEBase.td - the moe dialect, its enums and base classes -*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOE_IR_MOEBASE
#define MOE_DIALECT_MOE_IR_MOEBASE

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let summary = "Mixture-of-experts layers as their papers define them";
  let description = [{
    Routing, expert dispatch, aggregation over a graph, loops and balanced
    transport, with value semantics on ranked tensors.

    **Shapes.** T tokens, E experts, K slots a token, d model width, F expert
    width, S rows. K, E, d and F are static; T and S may be dynamic. Slot `k` of
    token `t` has the flat number `t * K + k`. Index -1 means "slot not used".

    **Numbers.** Types are storage types. Router mathematics and every sum run in
    f32, whatever the operands are stored in, or in f64 as soon as a floating-point
    operand or result of the op is f64; a result is rounded once, to its own
    element type, which is free among f64, f32, bf16 and f16.

    **Order.** Selection goes by value descending, then index ascending; a key of
    -inf or NaN is not admissible. Same input, same bits, whatever the thread
    count.

    **Safety.** No op traps. An index operand that points outside its range makes
    the call return a status and is treated as -1. NaN is a value, not an error.

    **Argument attributes** of functions:

    | attribute | on | meaning |
    |---|---|---|
    | `moe.weight` | a tensor argument of static shape | constant between calls: what depends on weights alone is computed once, when they are bound |
    | `moe.dims` | arguments and results | an array of names, one a dimension, `""` where it is static; equal names are checked to be equal at the call |
    | `moe.name` | arguments and results | name of the tensor in a checkpoint, and in messages |
  }];
  let cppNamespace = "::moe";
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

/// An op of the dialect: no side effects, a verifier, shapes of its results from
/// shapes of its operands.
class MoE_Op<string mnemonic, list<Trait> traits = []>
    : Op<MoE_Dialect, mnemonic,
         traits # [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
}

def MoE_Float : AnyTypeOf<[F64, F32, F16, BF16], "f64, f32, f16 or bf16">;

class MoE_FloatTensor<int rank>
    : TensorRankOf<[F64, F32, F16, BF16], [rank]>;
class MoE_IndexTensor<int rank>
    : TensorRankOf<[I32], [rank]>;
def MoE_FloatTensorOfRank1Or2 : TensorRankOf<[F64, F32, F16, BF16], [1, 2]>;
def MoE_FloatTensorOfRank2Or3 : TensorRankOf<[F64, F32, F16, BF16], [2, 3]>;
def MoE_AnyFloatTensor : RankedTensorOf<[F64, F32, F16, BF16]>;
def MoE_IndexTensorOfRank1Or2 : TensorRankOf<[I32], [1, 2]>;

class MoE_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::moe";
}

def MoE_Score : MoE_Enum<"Score", "score function of a router", [
  I32EnumAttrCase<"identity", 0>, I32EnumAttrCase<"softmax", 1>,
  I32EnumAttrCase<"sigmoid", 2>]>;

def MoE_WeightRule : MoE_Enum<"WeightRule", "how weights follow from the scores of the selected experts", [
  I32EnumAttrCase<"score", 0>, I32EnumAttrCase<"normalized", 1>,
  I32EnumAttrCase<"softmax_selected", 2>, I32EnumAttrCase<"unit", 3>]>;

def MoE_Activation : MoE_Enum<"Activation", "activation function", [
  I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"silu", 1>,
  I32EnumAttrCase<"sigmoid", 2>, I32EnumAttrCase<"gelu", 3>,
  I32EnumAttrCase<"gelu_tanh", 4>, I32EnumAttrCase<"relu", 5>,
  I32EnumAttrCase<"relu2", 6>]>;

def MoE_Norm : MoE_Enum<"Norm", "norm of a vector", [
  I32EnumAttrCase<"rms", 0>, I32EnumAttrCase<"layer", 1>]>;

def MoE_FinalStep : MoE_Enum<"FinalStep", "the marginal that a transport plan meets exactly", [
  I32EnumAttrCase<"col", 0>, I32EnumAttrCase<"row", 1>]>;

def MoE_AssignMethod : MoE_Enum<"AssignMethod", "how a balanced assignment is found", [
  I32EnumAttrCase<"greedy", 0>, I32EnumAttrCase<"exact", 1>]>;

#endif // MOE_DIALECT_MOE_IR_MOEBASE
