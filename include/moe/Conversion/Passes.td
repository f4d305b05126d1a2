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

def MoERaiseMatmul : Pass<"moe-raise-matmul"> {
  let summary = "write matrix products of linalg as moek.gemm";
  let description = [{
    Routers, shared experts, a DAG's projections, the modulation of IterAdaLN and
    what else is a matrix product with static widths become a `moek.gemm` of one
    group, and get its kernel, its packed weights and its fusions.

    A product is whatever linalg calls a contraction of two operands with one loop
    for rows, one for columns and one that is summed over: `linalg.matmul` and
    `linalg.contract` with any indexing maps, `linalg.vecmat` and `linalg.matvec`
    (a row of one), a `linalg.generic` with such a body, `linalg.batch_matmul` with
    a batch of one. Rows are the first dimension of the result; the other operand
    is the weight, read as it lies, [K,N] or [N,K]. Rows that lie as [K,M] are
    transposed first. What is added to a tensor of zeros is not added.

    The widths K and N must be static (the kernel is made for them), the elements
    f32, bf16 or f16. Sums run in f32 and are rounded once, where `linalg` may round
    each step to the type of the result: numbers change by rounding.

    ```mlir
    %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
    %logits = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x8xf32>)
        outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
    // becomes
    %logits = moek.gemm ins(%x : tensor<?x64xf32>) weights(%w : tensor<64x8xf32>)
        outs(%empty : tensor<?x8xf32>) {
    ^bb0(%sum: f32, %old: f32):
      moek.yield %sum : f32
    } -> tensor<?x8xf32>
    ```

    Remarks of the category "moe-raise-matmul" say why a contraction stays.
  }];
  let statistics = [
    Statistic<"numRaised", "raised", "products that became a gemm">];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def ConvertMoEToMoEK : Pass<"convert-moe-to-moek"> {
  let summary = "write experts as moek.gemm";
  let description = [{
    `moe.grouped_matmul` becomes a `moek.gemm`; `moe.expert_ffn` two of them, with
    biases, clamps and activation as the epilogue of the first and the last bias as
    that of the second. What `moe-decompose` makes of an `expert_ffn` is fused to the
    same by `moek-fuse`, but for biases of experts. Ops that sum in f64 stay, for
    `convert-moe-to-linalg`, with a remark of the category "convert-moe-to-moek".

    Sums run in f32; a value that decomposition would round to the element type of
    an intermediate tensor is rounded less often.

    ```mlir
    %y = moe.grouped_matmul %rows, %w, %offsets
        : tensor<?x64xbf16>, tensor<8x64x80xbf16>, tensor<9xi32> -> tensor<?x80xbf16>
    // becomes
    %y = moek.gemm ins(%rows : tensor<?x64xbf16>) offsets(%offsets : tensor<9xi32>)
        weights(%w : tensor<8x64x80xbf16>) outs(%empty : tensor<?x80xbf16>) {
    ^bb0(%sum: f32, %old: bf16):
      %r = arith.truncf %sum : f32 to bf16
      moek.yield %r : bf16
    } -> tensor<?x80xbf16>
    ```
  }];
  let statistics = [
    Statistic<"numProducts", "products", "moe.grouped_matmul converted">,
    Statistic<"numFFNs", "ffns", "moe.expert_ffn converted">];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def ConvertMoERoutingToMoEK : Pass<"convert-moe-routing-to-moek"> {
  let summary = "write routers and grouping as kernels";
  let description = [{
    `moe.route` and `moe.top_k` become `moek.route` and `moek.top_k`, `moe.group`
    a `moek.group` behind the checks of its indices: one phase each (a group: two)
    in place of a chain of tensors and loops. Runs after `moek-fuse`, which looks
    for `moe.group`. Routers that compute in f64 stay, for `convert-moe-to-linalg`,
    with a remark of the category "convert-moe-routing-to-moek".

    Selection, order and checks are those of the reference. Scores may differ from
    it by rounding: a softmax is summed in the order of vector lanes, `exp` is a
    polynomial.

    ```mlir
    %indices, %weights = moe.route %logits score(softmax) weights(normalized)
        : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    // becomes
    %i = tensor.empty(%tokens) : tensor<?x2xi32>
    %w = tensor.empty(%tokens) : tensor<?x2xf32>
    %selected:2 = moek.route %logits score(softmax) weights(normalized)
        outs(%i, %w : tensor<?x2xi32>, tensor<?x2xf32>)
        : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"select", "select", "bool", /*default=*/"true", "convert moe.route and moe.top_k">,
    Option<"group", "group", "bool", /*default=*/"true", "convert moe.group">];
  let statistics = [
    Statistic<"numSelects", "selects", "routers and top_k converted">,
    Statistic<"numGroups", "groups", "groups converted">];
  let dependentDialects = [
    "::moek::MoEKDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"];
}

def ConvertLinalgToCPU : Pass<"convert-linalg-to-cpu"> {
  let summary = "run what is left of linalg in parallel and on vectors";
  let description = [{
    Each structured op on memrefs whose operands are permutations and broadcasts of
    its loops becomes a loop nest. Its first parallel loop is cut into tasks of some
    16384 elements (`scf.forall`; a smaller op stays serial). Its innermost loop is
    taken at `lanes` elements a time:

    - the last dimension of the results, where every operand either lies densely
      along it or does not depend on it. Ops on numbers work on vectors; `memref.load`
      at that dimension reads one, `scf.if` on a condition that is the same for all
      lanes stays a branch: so the gathers of `moe.dispatch`, `moe.combine` and
      `moe.collect` run on whole rows. Numbers do not change;
    - else a dimension that is summed over (or multiplied, minimum, ..), where the
      inputs lie densely along it: each lane has a sum of its own, which meet at the
      end. The order of the sum is fixed but another one than the reference's.

    Where neither goes, the tasks run scalar code, and a remark of the category
    "convert-linalg-to-cpu" says why; where tasks do not go either (windows, bodies
    that report errors, results that overlap), the op is left to
    `convert-linalg-to-loops`.

    ```mlir
    linalg.generic {iterators = [parallel, parallel]} ins(%a, %b : memref<?x64xf32>, memref<64xf32>) ..
    // becomes
    scf.forall (%task) in (%tasks) {
      scf.for %i = .. {
        scf.for %j = 0 to 64 step 16 {
          vector.load %a[%i, %j]; vector.load %b[%j]; .. vector.store
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", /*default=*/"16", "f32 lanes of a vector; 1: scalar code">,
    Option<"parallel", "parallel", "bool", /*default=*/"true", "cut ops into parallel tasks">];
  let statistics = [
    Statistic<"numVectorised", "vectorised", "ops that run on vectors">,
    Statistic<"numScalar", "scalar", "ops that run as scalar tasks">,
    Statistic<"numLeft", "left", "ops left to other passes">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertMoEKToCPU : Pass<"convert-moek-to-cpu"> {
  let summary = "emit register-blocked kernels for moek.gemm";
  let description = [{
    Each `moek.gemm` on memrefs becomes a table of row blocks and one `scf.forall`
    over tasks: (row block, chunk of panels), or, where several rows go to one row
    of the result, chunk of panels alone, so that a task owns its columns. A task
    copies a block of its rows (gathered, widened) beside a block of K into a small
    buffer and multiplies it with the panels in tiles of `rows-per-tile` rows by one
    panel, kept in registers; the rows are shared out evenly over the tiles. The epilogue
    runs on vectors. Weights without a layout are packed block by block by the task.

    The order of a sum is fixed: K blocks ascending, then rows ascending.

    `moek.route` and `moek.top_k` become one `scf.forall` over blocks of rows: K
    passes over a row's keys on vectors, each for the best key after the one before.
    `moek.group` becomes two, which count and place the slots of a block of tokens,
    and a scan between them.

    `math` functions of f32, on vectors or not, become polynomials, and `math.fma`
    and its like LLVM's intrinsics: nothing calls a library where an instruction is.
  }];
  let options = [
    Option<"lanes", "lanes", "int64_t", /*default=*/"16", "f32 lanes of a vector">,
    Option<"rowsPerTile", "rows-per-tile", "int64_t", /*default=*/"6", "rows of a register tile">,
    Option<"panel", "panel", "int64_t", /*default=*/"64", "columns of a panel, for weights without a layout">,
    Option<"block", "block", "int64_t", /*default=*/"128", "K of a block, for weights without a layout">,
    Option<"chunk", "chunk", "int64_t", /*default=*/"2", "panels of a task, for weights without a layout">,
    Option<"dot", "dot", "bool", /*default=*/"false", "multiply bf16 pairs with vdpbf16ps">,
    Option<"prefetch", "prefetch", "bool", /*default=*/"false", "ask for the next block of packed weights">,
    Option<"unroll", "unroll", "int64_t", /*default=*/"1", "K of a step of a tile's loop">,
    Option<"inPlaceOutIn", "in-place-out-in", "int64_t", /*default=*/"6", "rows of a group up to which weights [E,out,in] of f32 or f16 without a layout are multiplied where they lie">,
    Option<"inPlaceOutInBf16", "in-place-out-in-bf16", "int64_t", /*default=*/"6", "the same for bf16">,
    Option<"inPlaceInOut", "in-place-in-out", "int64_t", /*default=*/"6", "the same for weights [E,in,out]">,
    Option<"inPlaceInOutBf16", "in-place-in-out-bf16", "int64_t", /*default=*/"6", "the same for bf16">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::x86vector::X86VectorDialect"];
}

def MoEOutlineParallel : Pass<"moe-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "turn parallel phases into calls of the runtime's pool";
  let description = [{
    The body of each outermost `scf.forall` becomes a function; the values it uses
    travel in a struct on the stack, constants are made again in it. Bodies that are
    the same, value for value, are emitted once, so the code of a module does not
    grow with the number of its layers. An inner `scf.forall` becomes a loop.
    Numbers do not change. Assumes that the first argument of the function is the
    context of the call.

    ```mlir
    scf.forall (%i) in (%n) { use %i, %a }
    // becomes
    %frame = llvm.alloca 1 x !llvm.struct<(ptr, ..)>
    llvm.store %a, %frame[0]
    llvm.call @moert_parallel_for(%context, %n, @moe.phase.0, %frame)

    llvm.func @moe.phase.0(%frame: !llvm.ptr, %i: i64) { %a = llvm.load %frame[0]; use %i, %a }
    ```
  }];
  let options = [
    Option<"share", "share", "bool", /*default=*/"true", "emit the same body once">];
  let statistics = [
    Statistic<"numPhases", "phases", "parallel phases">,
    Statistic<"numBodies", "bodies", "functions they share">];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
}

def MoESharePhases : Pass<"moe-share-phases", "::mlir::ModuleOp"> {
  let summary = "turn phases that are the same into calls of one function";
  let description = [{
    Ops of moek and linalg on buffers that differ in their operands alone, anywhere in
    the module, become calls of a function that has one of them; constants they read
    must be the same and are made again in it. So the passes behind this one, and
    LLVM, see the layers of a model once, however many there are. An op that is alone
    stays, and what is inside of an `scf.forall`. Numbers do not change. Assumes that
    the first argument of a function is the context of the call, and gives it to the
    new function.

    ```mlir
    func.func @f(%context: !llvm.ptr, ..) {
      moek.gemm ins(%a) weights(%v) outs(%b)
      moek.gemm ins(%b) weights(%w) outs(%c)
    // becomes
      call @moe.shared(%context, %a, %v, %b)
      call @moe.shared(%context, %b, %w, %c)

    func.func private @moe.shared(%context: !llvm.ptr, %a, %w, %b) {
      moek.gemm ins(%a) weights(%w) outs(%b)
    ```
  }];
  let statistics = [
    Statistic<"numCalls", "calls", "phases that became calls">,
    Statistic<"numFunctions", "functions", "functions they share">];
  let dependentDialects = ["::mlir::func::FuncDialect"];
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
    over a module instead of four. Numbers do not change.

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

#endif // MOE_CONVERSION_PASSES
