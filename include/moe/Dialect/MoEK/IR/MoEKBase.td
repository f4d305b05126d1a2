//===- MoEKBase.td - the moek dialect ----------------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_IR_MOEKBASE
#define MOE_DIALECT_MOEK_IR_MOEKBASE

include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MoEK_Dialect : Dialect {
  let name = "moek";
  let summary = "Kernels and run-time checks that layers are lowered to";
  let description = [{
    What stands between a layer and its loops: kernels as phases of independent
    tasks, and the checks that keep compiled code safe. Ops work on tensors before
    bufferization and on memrefs after it.

    The checks report through the run's context, which they do not name: it is
    the first argument of the compiled entry (`moe-lower-checks`).
  }];
  let cppNamespace = "::moek";
  let useDefaultAttributePrinterParser = 1;
}

class MoEK_Op<string mnemonic, list<Trait> traits = []>
    : Op<MoEK_Dialect, mnemonic, traits>;

def MoEK_I32TensorOrMemRef : AnyTypeOf<[RankedTensorOf<[I32]>, MemRefOf<[I32]>],
                                       "ranked tensor or memref of i32">;
def MoEK_I32VectorOrMemRef : AnyTypeOf<[1DTensorOf<[I32]>, MemRefRankOf<[I32], [1]>],
                                       "vector of i32">;

/// Reads a tensor of indices and reports to the context. The write on its own
/// resource keeps it alive and in order with other checks.
class MoEK_CheckOp<string mnemonic>
    : MoEK_Op<mnemonic, [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<BufferizableOpInterface, [
          "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
          "getAliasingValues", "bufferize"]>]>;

/// Floats whose arithmetic runs in f32.
class MoEK_NarrowFloats<int rank>
    : AnyTypeOf<[TensorRankOf<[F32, F16, BF16], [rank]>, MemRefRankOf<[F32, F16, BF16], [rank]>],
                "tensor or memref of rank " # rank # " of f32, f16 or bf16">;
class MoEK_Indices<int rank>
    : AnyTypeOf<[TensorRankOf<[I32], [rank]>, MemRefRankOf<[I32], [rank]>],
                "tensor or memref of rank " # rank # " of i32">;

#endif // MOE_DIALECT_MOEK_IR_MOEKBASE
