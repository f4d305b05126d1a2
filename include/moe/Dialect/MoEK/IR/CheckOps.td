//===- CheckOps.td - what makes a run fail -----------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_CHECKOPS
#define MOE_DIALECT_MOEK_IR_CHECKOPS

include "moe/Dialect/MoEK/IR/MoEKBase.td"

def MoEK_Relation : I32EnumAttr<"Relation", "relation between two sizes", [
  I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"le", 1>]> {
  let cppNamespace = "::moek";
}

def MoEK_RequireOp : MoEK_Op<"require",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "what must hold between sizes before a run may start";
  let description = [{
    `lhs eq rhs` or `lhs le rhs`, where both follow from the dimensions of the
    entry's arguments alone. All requirements of an entry are evaluated before
    anything else; if one fails the run returns without having written anything.

    **Example.**

    ```mlir
    moek.require %rows le %max, "rows of moe.group"
    ```
  }];
  let arguments = (ins Index:$lhs, MoEK_Relation:$relation, Index:$rhs, StrAttr:$what);
  let assemblyFormat = "$lhs $relation $rhs `,` $what attr-dict";
  let hasCanonicalizer = 1;
}

def MoEK_CheckLimitOp : MoEK_Op<"check_limit",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "report a number above its limit";
  let description = [{
    Reports MOERT_TOO_LARGE unless `value <= limit`, where `value` need not follow
    from dimensions. The run goes on: users of the value take at most `limit`.

    **Example.**

    ```mlir
    moek.check_limit %trips le %max, "trip count of moe.loop"
    ```
  }];
  let arguments = (ins Index:$value, Index:$limit, StrAttr:$what);
  let assemblyFormat = "$value `le` $limit `,` $what attr-dict";
}

def MoEK_CheckIndexOp : MoEK_Op<"check_index",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "report one index outside its range";
  let description = [{
    Reports MOERT_INDEX_OUT_OF_RANGE unless `0 <= index < bound`. The run goes on:
    the index is not used.

    **Example.**

    ```mlir
    moek.check_index %row to %rows, "index of tensor.extract"
    ```
  }];
  let arguments = (ins Index:$index, Index:$bound, StrAttr:$what);
  let assemblyFormat = "$index `to` $bound `,` $what attr-dict";
  let hasCanonicalizer = 1;
}

def MoEK_CheckIndicesOp : MoEK_CheckOp<"check_indices"> {
  let summary = "report an index outside its range";
  let description = [{
    Reports MOERT_INDEX_OUT_OF_RANGE unless `lower <= i < upper` for every element
    of `indices`. The run goes on: users of the indices treat a bad one as -1.

    **Example.**

    ```mlir
    moek.check_indices %indices in %minus_one to %experts, "indices of moe.group" : tensor<?x2xi32>
    ```
  }];
  let arguments = (ins MoEK_I32TensorOrMemRef:$indices, Index:$lower, Index:$upper, StrAttr:$what);
  let assemblyFormat = "$indices `in` $lower `to` $upper `,` $what attr-dict `:` type($indices)";
}

def MoEK_CheckOffsetsOp : MoEK_CheckOp<"check_offsets"> {
  let summary = "report offsets that do not ascend";
  let description = [{
    Reports MOERT_INDEX_OUT_OF_RANGE unless `0 = offsets[0] <= offsets[1] <= ... <= rows`.
    The run goes on: users of the offsets clamp them.

    **Example.**

    ```mlir
    moek.check_offsets %offsets to %rows, "offsets of moe.grouped_matmul" : tensor<9xi32>
    ```
  }];
  let arguments = (ins MoEK_I32VectorOrMemRef:$offsets, Index:$rows, StrAttr:$what);
  let assemblyFormat = "$offsets `to` $rows `,` $what attr-dict `:` type($offsets)";
}

#endif // MOE_DIALECT_MOEK_IR_CHECKOPS
