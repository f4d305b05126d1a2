//===- RoutingKernels.td - who computes what, in phases ----*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_ROUTINGKERNELS
#define MOE_DIALECT_MOEK_IR_ROUTINGKERNELS

include "moe/Dialect/MoE/IR/MoEBase.td"
include "moe/Dialect/MoEK/IR/MoEKBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

/// A kernel with several destinations, all of them written in full.
class MoEK_RoutingKernel<string mnemonic, list<Trait> traits = []>
    : MoEK_Op<mnemonic, traits # [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
  code declareInits = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    ::mlir::ShapedType getInitType(unsigned number) {
      return ::llvm::cast<::mlir::ShapedType>(getInits()[number].getType());
    }
  }];
}

def MoEK_RouteOp : MoEK_RoutingKernel<"route", [AttrSizedOperandSegments]> {
  let summary = "moe.route, one phase over the tokens";
  let description = [{
    What `moe.route` says, in f32, written to the indices and the weights. The
    whole chain of a token (scores, keys, groups, selection, weights) is one step,
    so none of its intermediate tensors exists. Attributes are those of `moe.route`.

    **Example.**

    ```mlir
    %selected:2 = moek.route %logits score(softmax) weights(normalized)
        outs(%i, %w : tensor<?x2xi32>, tensor<?x2xf32>)
        : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    ```
  }];
  let arguments = (ins
    MoEK_NarrowFloats<2>:$logits,
    Optional<MoEK_NarrowFloats<1>>:$bias,
    Optional<MoEK_NarrowFloats<2>>:$keys,
    Variadic<AnyTypeOf<[MoEK_Indices<2>, MoEK_NarrowFloats<2>]>>:$inits,
    MoE_Score:$score,
    MoE_WeightRule:$rule,
    OptionalAttr<I64Attr>:$num_groups,
    OptionalAttr<I64Attr>:$kept_groups,
    OptionalAttr<I64Attr>:$group_top,
    OptionalAttr<F64Attr>:$scale,
    OptionalAttr<F64Attr>:$epsilon,
    OptionalAttr<F64Attr>:$top_p);
  let results = (outs Variadic<AnyRankedTensor>:$selected);
  let assemblyFormat = [{
    $logits (`bias` `(` $bias^ `:` type($bias) `)`)? (`keys` `(` $keys^ `:` type($keys) `)`)?
    `score` `(` $score `)` `weights` `(` $rule `)`
    (`groups` `(` $num_groups^ `keep` $kept_groups `by` `top_sum` $group_top `)`)?
    (`scale` $scale^)? `outs` `(` $inits `:` type($inits) `)` attr-dict
    `:` type($logits) (`->` type($selected)^)?
  }];
  let extraClassDeclaration = declareInits # [{
    int64_t getNumExperts() { return ::llvm::cast<::mlir::ShapedType>(getLogits().getType()).getDimSize(1); }
    int64_t getNumSlots() { return getInitType(0).getDimSize(1); }
  }];
}

def MoEK_TopKOp : MoEK_RoutingKernel<"top_k", [AttrSizedOperandSegments]> {
  let summary = "moe.top_k, one phase over the rows";
  let description = [{
    What `moe.top_k` says, written to the indices and the selected values.

    **Example.**

    ```mlir
    %best:2 = moek.top_k %keys outs(%i, %v : tensor<16x8xi32>, tensor<16x8xf32>)
        : tensor<16x?xf32> -> tensor<16x8xi32>, tensor<16x8xf32>
    ```
  }];
  let arguments = (ins
    MoEK_NarrowFloats<2>:$keys,
    Optional<MoEK_NarrowFloats<2>>:$values,
    Variadic<AnyTypeOf<[MoEK_Indices<2>, MoEK_NarrowFloats<2>]>>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$selected);
  let assemblyFormat = [{
    $keys (`values` `(` $values^ `:` type($values) `)`)? `outs` `(` $inits `:` type($inits) `)`
    attr-dict `:` type($keys) (`->` type($selected)^)?
  }];
  let extraClassDeclaration = declareInits # [{
    int64_t getNumSlots() { return getInitType(0).getDimSize(1); }
  }];
}

def MoEK_GroupOp : MoEK_RoutingKernel<"group", [AttrSizedOperandSegments]> {
  let summary = "moe.group, in two phases around a scan";
  let description = [{
    What `moe.group` says, as a counting sort over blocks of tokens: each block
    counts its slots by expert; one pass over the counts gives each block its first
    row of each expert; then each block places its slots. So the order is that of
    the slots, however many threads there are. Indices outside [0,E) have no row;
    which of them are errors is for `moek.check_indices` to say.

    `capacity` bounds the rows of an expert; below 0 it counts as 0. On memrefs the
    op has a `scratch` for the counts, of the shape that `getScratchType` returns.

    **Example.**

    ```mlir
    %g:3 = moek.group %indices
        outs(%r, %s, %o : tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>)
        : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
    ```
  }];
  let arguments = (ins
    MoEK_Indices<2>:$indices,
    Optional<Index>:$capacity,
    Optional<MemRefRankOf<[I32], [2]>>:$scratch,
    Variadic<AnyTypeOf<[MoEK_Indices<1>, MoEK_Indices<2>]>>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$grouped);
  let assemblyFormat = [{
    $indices (`capacity` `(` $capacity^ `)`)? (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($indices) (`->` type($grouped)^)?
  }];
  let extraClassDeclaration = declareInits # [{
    /// Blocks that tokens are cut into at most.
    static constexpr int64_t kMaxBlocks = 64;
    int64_t getNumSlots() { return ::llvm::cast<::mlir::ShapedType>(getIndices().getType()).getDimSize(1); }
    int64_t getNumExperts() { return getInitType(2).getDimSize(0) - 1; }
    /// Counts of each block by expert, then those of all blocks; rows are filled
    /// up to whole vectors.
    ::mlir::MemRefType getScratchType();
  }];
}

#endif // MOE_DIALECT_MOEK_IR_ROUTINGKERNELS
