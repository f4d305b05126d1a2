//===- EntryPasses.td - from tensors to what hosts call ----*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_ENTRY_PASSES
#define MOE_CONVERSION_ENTRY_PASSES

include "mlir/Pass/PassBase.td"

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
    identity layout. Scalars become memrefs of rank 0, elements of four bits bytes
    of two each, which are unpacked first. Sizes of arguments become
    the named dimensions; results are written in place with
    `bufferization.materialize_in_destination`; that their sizes are those which
    the signature promises becomes a requirement (`moek.require`).

    The signature as the host sees it is kept in the attribute `moe.entry`.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect",
    "::moek::MoEKDialect"];
}

def MoEOutlineRequirements : Pass<"moe-outline-requirements", "::mlir::ModuleOp"> {
  let summary = "gather what must hold between sizes before a run";
  let description = [{
    Moves the requirements of an entry (`moek.require`) to `F.require`, which a run
    calls before anything else with its context and the named dimensions. Adds that
    all tensors that a branch can yield, or that a loop passes from one iteration
    to the next, have the same sizes. A size that does not follow from the named
    dimensions is an error.

    Runs before bufferization, which may compute a value in the buffer of another
    one that is required to be as large.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
}

def MoELoopState : Pass<"moe-loop-state"> {
  let summary = "let loops update their tensors in place";
  let description = [{
    What an iteration of `scf.for` or `scf.while` passes to the next one is written
    into the tensor that it got (`bufferization.materialize_in_destination`). So
    a loop needs the same buffers in each iteration, whatever its body computes;
    an op that wrote there already costs no copy. A state that changes places with
    another one, or that an op writes into before it is read for the last time, is
    copied first. Runs before bufferization.

    ```mlir
    %r = scf.for ... iter_args(%s = %x) {
      %next = linalg.add ins(%s, %x) outs(%empty)
      scf.yield %next
    // becomes
      %in_place = bufferization.materialize_in_destination %next in %s
      scf.yield %in_place
    ```

    A branch that yields a tensor from outside of it yields a copy: bufferization
    would take all values that such branches can yield for one.
  }];
  let statistics = [
    Statistic<"numWritten", "states", "tensors that a loop passes on">];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def MoEPlanWorkspace : Pass<"moe-plan-workspace", "::mlir::ModuleOp"> {
  let summary = "turn allocations into offsets of one workspace";
  let description = [{
    Every `memref.alloc` of an entry becomes a `memref.view` of one buffer, given as
    the last argument. Buffers whose uses do not overlap in the entry's top-level
    order share a place. `F.workspace` computes the bytes that are needed from the
    named dimensions; an allocation whose size follows from anything else is an
    error.
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
    `moert_check_indices` and `moert_check_offsets` with the entry's context,
    `moek.check_limit` and `moek.check_index` a branch to `moert_fail`.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def MoELowerCalls : Pass<"moe-lower-calls", "::mlir::ModuleOp"> {
  let summary = "lower kernels that the runtime has to calls";
  let description = [{
    `moek.assign` becomes a call of `moert_assign` (`moert_assign_f64`) with the
    entry's context.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"];
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

def MoEExpandOps : Pass<"moe-expand-ops"> {
  let summary = "write what LLVM has no form of by what it has";
  let description = [{
    Views of memrefs become their bases, offsets and strides, vector transfers loops,
    `math.rsqrt`, `clampf`, `fpowi` and `ipowi` arithmetic. The patterns are upstream's,
    of `expand-strided-metadata`, `convert-vector-to-scf` and `math-expand-ops`; one walk
    over a module instead of four. Numbers do not change, but for the sign of a zero
    that `math.clampf` compares with another.

    ```mlir
    %r = math.rsqrt %x : f32
    // becomes
    %s = math.sqrt %x : f32
    %r = arith.divf %one, %s : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def MoEAnnotateLoops : Pass<"moe-annotate-loops"> {
  let summary = "hand annotations of loops to LLVM";
  let description = [{
    The attribute `llvm.loop_annotation` of an `scf.for` says what LLVM shall do with the
    loop. Upstream carries it to the branch that closes the loop, but as an attribute that
    its translation to LLVM IR does not read; here it becomes the branch's own. Numbers do
    not change.

    ```mlir
    llvm.br ^loop(%i : i64) {llvm.loop_annotation = #unroll}
    // becomes
    llvm.br ^loop(%i : i64) {loop_annotation = #unroll}
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def MoESerializeTasks : Pass<"moe-serialize-tasks"> {
  let summary = "run tasks that need buffers one after the other";
  let description = [{
    An `scf.forall` whose body allocates becomes loops: `moe-plan-workspace` gives a
    buffer one place, which tasks that run at once would share. Runs on memrefs, before
    allocations are moved out of loops. Numbers do not change.

    ```mlir
    scf.forall (%i) in (%n) { %b = memref.alloc() : memref<8xf32> .. }
    // becomes
    scf.for %i = %c0 to %n step %c1 { %b = memref.alloc() : memref<8xf32> .. }
    ```
  }];
  let statistics = [
    Statistic<"numSerial", "serial", "foralls that became loops">];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
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

#endif // MOE_CONVERSION_ENTRY_PASSES
