//===- CallOps.td - kernels that are functions of the runtime -*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_CALLOPS
#define MOE_DIALECT_MOEK_IR_CALLOPS

include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "moe/Dialect/MoEK/IR/MoEKBase.td"

def MoEK_ScoreTensorOrMemRef : AnyTypeOf<[2DTensorOf<[F32, F64]>, MemRefRankOf<[F32, F64], [2]>],
                                         "matrix of f32 or f64">;

def MoEK_AssignOp : MoEK_Op<"assign", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, [
      "bufferizesToMemoryRead", "bufferizesToMemoryWrite", "bufferize"]>]> {
  let summary = "balanced assignment, by the runtime";
  let description = [{
    `moe.assign` on `scores` [n,E] and `capacity` [E], written to `member` [n]:
    greedily, or exactly. Reports MOERT_INVALID_ARGUMENT for capacities below 0 or
    not summing to n; every member is -1 then.

    **Example.**

    ```mlir
    %member = moek.assign exact %scores, %capacity outs(%init : tensor<48xi32>)
        : tensor<48x6xf32>, tensor<6xi32> -> tensor<48xi32>
    ```
  }];
  let arguments = (ins MoEK_ScoreTensorOrMemRef:$scores, MoEK_I32VectorOrMemRef:$capacity,
                       MoEK_I32VectorOrMemRef:$member, UnitAttr:$exact);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    (`exact` $exact^)? $scores `,` $capacity `outs` `(` $member `:` type($member) `)` attr-dict
    `:` type($scores) `,` type($capacity) (`->` type($result)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getMemberMutable(); }
    ::mlir::bufferization::AliasingValueList
    getAliasingValues(::mlir::OpOperand &operand, const ::mlir::bufferization::AnalysisState &) {
      if (!isDpsInit(&operand) || getResult().empty())
        return {};
      return {{getResult()[0], ::mlir::bufferization::BufferRelation::Equivalent}};
    }
  }];
}

#endif // MOE_DIALECT_MOEK_IR_CALLOPS
