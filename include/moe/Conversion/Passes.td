//===- Passes.td - from one level to the next --------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_PASSES
#define MOE_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertMoEToLinalg : Pass<"convert-moe-to-linalg"> {
  let summary = "write every moe op as linalg and plain loops";
  let description = [{
    The meaning of the dialect in upstream terms: what every faster lowering is
    compared with. Nothing is tiled, fused or parallel. Sums run in the accumulator
    type, ascending; rows past the last offset are filled with NaN, so that nothing
    can depend on them. Index operands are checked (`moek.check_indices`,
    `moek.check_offsets`) and clamped.
  }];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def MoESplitPrepare : Pass<"moe-split-prepare", "::mlir::ModuleOp"> {
  let summary = "compute once what depends on weights alone";
  let description = [{
    For each entry F (a public function) creates `F.prepare`, which computes every
    value that depends on `moe.weight` arguments alone and that the rest of F reads,
    and gives F those values as arguments in place of the weights. The values are
    laid out one behind the other in one blob, each at a multiple of 64 bytes.

    ```mlir
    func.func @f(%x: tensor<?x4xf32>, %w: tensor<4x8xf32> {moe.weight}) {
      %t = linalg.transpose ins(%w) ...
      use %x, %t
    // becomes
    func.func @f.prepare(%w: tensor<4x8xf32>) -> tensor<8x4xf32>
    func.func @f(%x: tensor<?x4xf32>, %t: tensor<8x4xf32> {moe.packed = 0})
    ```

    Assumes that helper functions were inlined. Numbers do not change.
  }];
  let options = [
    Option<"enabled", "enabled", "bool", /*default=*/"true",
           "compute on weights in F.prepare; else F.prepare only copies the weights">];
  let statistics = [
    Statistic<"numMoved", "ops-moved", "ops that run once instead of at every call">];
}

def MoEEntry : Pass<"moe-entry", "::mlir::ModuleOp"> {
  let summary = "give entries the runtime's calling convention, on memrefs";
  let description = [{
    Rewrites each public function and its `.prepare`: first a context pointer, then
    one index a named dimension, then inputs, outputs, packed values as memrefs of
    identity layout. Scalars become memrefs of rank 0. Sizes of arguments become
    the named dimensions; results are written in place with
    `bufferization.materialize_in_destination`.

    The signature as the host sees it is kept in the attribute `moe.entry`.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect",
    "::mlir::tensor::TensorDialect"];
}

def MoEPlanWorkspace : Pass<"moe-plan-workspace", "::mlir::ModuleOp"> {
  let summary = "turn allocations into offsets of one workspace";
  let description = [{
    Every `memref.alloc` of an entry becomes a `memref.view` of one buffer, given as
    the last argument. Buffers whose uses do not overlap in the entry's top-level
    order share a place. `F.workspace` computes the bytes that are needed from the
    named dimensions; an allocation whose size follows from anything else is an
    error. Requirements between sizes (`moek.require`) move to `F.require`, which
    runs first.
  }];
  let options = [
    Option<"share", "share", "bool", /*default=*/"true",
           "let buffers that are not alive together share a place">];
  let statistics = [
    Statistic<"numBuffers", "buffers", "allocations planned">,
    Statistic<"numPlaces", "places", "places they share">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def MoELowerChecks : Pass<"moe-lower-checks", "::mlir::ModuleOp"> {
  let summary = "lower moek checks to calls of the runtime";
  let description = [{
    `moek.check_indices` and `moek.check_offsets` become calls of
    `moert_check_indices` and `moert_check_offsets` with the entry's context.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def MoEExpandCopies : Pass<"moe-expand-copies"> {
  let summary = "copy strided memrefs by loops";
  let description = [{
    Upstream lowers `memref.copy` between memrefs that are not contiguous to a call
    of a library this project does not use. Those become `linalg.generic`; copies
    of contiguous memory stay, and become memcpy.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def MoEEmitEntry : Pass<"moe-emit-entry", "::mlir::ModuleOp"> {
  let summary = "emit the descriptors that hosts look up";
  let description = [{
    For each entry F emits `moert_entry_F`, a `MoertEntry` of moert.h, and the three
    functions it points to, which unpack pointers into memrefs and call F and its
    companions. Runs before the conversion of func and memref to llvm.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"reference\"",
           "what the descriptor says it was compiled for">,
    Option<"cpuFeatures", "cpu-features", "uint64_t", /*default=*/"0",
           "MOERT_CPU_* bits of the features that the code may use">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect"];
}

#endif // MOE_CONVERSION_PASSES
