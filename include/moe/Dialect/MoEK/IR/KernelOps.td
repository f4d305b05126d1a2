//===- KernelOps.td - phases of independent tasks ----------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_KERNELOPS
#define MOE_DIALECT_MOEK_IR_KERNELOPS

include "moe/Dialect/MoEK/IR/MoEKBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def MoEK_TensorOrMemRef : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

def MoEK_LayoutAttr : AttrDef<MoEK_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "how weights are packed, in the order in which a kernel reads them";
  let description = [{
    Weights of `acc` accumulators, each [E,K,N], as one tensor [E, bytes in order]:

    ```
    for expert, for chunk of `chunk` panels, for block of `block` of K, for panel in the chunk,
      for k in the block (in pairs if `pair` = 2), for column in the panel, (for k in the pair)
    ```

    A panel has `panel` columns: `panel / acc` of each accumulator, one accumulator
    after the other. K is padded with zeros to whole blocks, N to whole panels.
  }];
  let parameters = (ins "int64_t":$panel, "int64_t":$block, "int64_t":$chunk, "int64_t":$pair);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def MoEK_GemmOp : MoEK_Op<"gemm", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    SingleBlockImplicitTerminator<"YieldOp">, IsolatedFromAbove]> {
  let summary = "grouped matrix product with an epilogue";
  let description = [{
    For each group g, row s of the group and column n:

    ```
    acc_i = sum over k of a[row(s), k] * weights_i[g, k, n]          in f32
    out[out_row(s), n] = epilogue(acc_0.., extras.., out[out_row(s), n])
    ```

    Group g has the rows `offsets[g] <= s < offsets[g+1]`; without `offsets` there
    is one group of all rows. `row(s)` is s, or `rows[s] / slots` (a gather);
    `out_row(s)` likewise (a scatter). Where several rows go to one row of `out`,
    they are taken in ascending order. Rows outside every group are not computed.

    An extra is read at (g, s, n) through its map, e.g. `(g, s, n) -> (g, n)` for a
    bias of the expert and `(g, s, n) -> (s)` for a weight of the row; n comes last,
    for the kernel works on vectors of columns. Rows, weights and the destination
    are f32, bf16 or f16.

    Weights are [E,K,N] (without offsets [K,N]), with their last two dimensions
    swapped if `transposed`; or one packed operand with a `layout`.

    On memrefs the op may have a `scratch`, f32[S, N rounded up to 64]: where
    several rows go to one row of `out` and there are not more than S in all, their sums
    may wait there, so that tasks need not be columns of `out`.

    **Example** (SwiGLU of an expert's rows, gathered by slot):

    ```mlir
    %h = moek.gemm ins(%x : tensor<?x64xf32>) rows(%row_slot by 2 : tensor<?xi32>)
        offsets(%offsets : tensor<9xi32>)
        weights(%gate, %up : tensor<8x64x80xf32>, tensor<8x64x80xf32>)
        outs(%init : tensor<?x80xf32>) {
    ^bb0(%g: f32, %u: f32, %old: f32):
      ...
      moek.yield %r : f32
    } -> tensor<?x80xf32>
    ```
  }];
  let arguments = (ins
    MoEK_TensorOrMemRef:$a,
    Optional<MoEK_Indices<1>>:$rows,
    Optional<MoEK_Indices<1>>:$offsets,
    Variadic<MoEK_TensorOrMemRef>:$weights,
    Variadic<MoEK_TensorOrMemRef>:$extras,
    MoEK_TensorOrMemRef:$init,
    Optional<MoEK_Indices<1>>:$out_rows,
    Optional<MemRefRankOf<[F32], [2]>>:$scratch,
    DefaultValuedAttr<I64Attr, "1">:$slots,
    DefaultValuedAttr<I64Attr, "1">:$out_slots,
    OptionalAttr<AffineMapArrayAttr>:$extra_maps,
    OptionalAttr<MoEK_LayoutAttr>:$layout,
    UnitAttr:$transposed);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `ins` `(` $a `:` type($a) `)` (`rows` `(` $rows^ `by` $slots `:` type($rows) `)`)?
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    `weights` `(` $weights `:` type($weights) `)` (`transposed` $transposed^)? (`as` $layout^)?
    (`extras` `(` $extras^ `:` type($extras) `)` `maps` $extra_maps)?
    `outs` `(` $init `:` type($init) `)` (`rows` `(` $out_rows^ `by` $out_slots `:` type($out_rows) `)`)?
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)? $epilogue attr-dict (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
    /// Accumulators an output element has.
    int64_t getNumAccumulators() {
      return getBody()->getNumArguments() - getExtras().size() - 1;
    }
    int64_t getK() { return ::llvm::cast<::mlir::ShapedType>(getA().getType()).getDimSize(1); }
    int64_t getN() { return ::llvm::cast<::mlir::ShapedType>(getInit().getType()).getDimSize(1); }
    /// 1 without offsets.
    int64_t getNumGroups() {
      return getOffsets() ? ::llvm::cast<::mlir::ShapedType>(getOffsets().getType()).getDimSize(0) - 1 : 1;
    }
    /// Rows that a scratch has at most, and its columns; 0 if it is of no use.
    static constexpr int64_t kScratchRows = 128;
    int64_t getScratchColumns();
    /// True if the epilogue reads the old element of `out`.
    bool accumulates() { return !getBody()->getArguments().back().use_empty(); }
  }];
}

def MoEK_PackOp : MoEK_Op<"pack", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "weights in the order in which a kernel reads them";
  let description = [{
    Packs the weights of the accumulators of a `moek.gemm` as its `layout` says.

    **Example.**

    ```mlir
    %packed = moek.pack %gate, %up as <panel = 64, block = 128, chunk = 2, pair = 1>
        outs(%init : tensor<8x10240xf32>) : tensor<8x64x80xf32>, tensor<8x64x80xf32>
        -> tensor<8x10240xf32>
    ```
  }];
  let arguments = (ins Variadic<MoEK_TensorOrMemRef>:$weights, MoEK_TensorOrMemRef:$init,
                       MoEK_LayoutAttr:$layout, UnitAttr:$transposed);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $weights (`transposed` $transposed^)? `as` $layout `outs` `(` $init `:` type($init) `)`
    attr-dict `:` type($weights) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def MoEK_YieldOp : MoEK_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "the new element of a kernel's output";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

#endif // MOE_DIALECT_MOEK_IR_KERNELOPS
