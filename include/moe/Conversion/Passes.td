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

def MoEFuseRows : Pass<"moe-fuse-rows"> {
  let summary = "run row-local ops one after the other in one phase";
  let description = [{
    Structured ops on memrefs that follow each other, and of which each reads of what
    the others write its own rows alone, become one `scf.forall` over blocks of rows:
    a norm, its modulation and a residual are one phase in which a task keeps its rows
    in a cache, instead of a phase each, at whose end all threads meet. A block has so
    many rows that all ops together have some 16384 elements of work.

    Rows are the outermost dimension of the first op's result; the ops behind it must
    use a buffer of the chain along the same dimension, or have buffers of as many
    rows. An op that reads other rows, or a buffer through another view, begins a new
    chain, with a remark of the category "moe-fuse-rows". Ops that are known to be
    small stay, as do all others between which something else writes memory. Runs on
    memrefs, before `moe-plan-workspace`, which then keeps the buffers of a chain apart:
    they need more workspace than ops that are phases of their own.
    Assumes that arguments of a function do not overlap. Numbers do not change.

    ```mlir
    linalg.fill outs(%sums : memref<?xf32>)
    linalg.generic {.., iterators = [parallel, reduction]} ins(%x) outs(%sums)
    linalg.generic {.., iterators = [parallel, parallel]} ins(%x, %sums) outs(%y)
    // becomes
    scf.forall (%task) in (%tasks) {
      %rows = memref.subview %sums[%first] [%count] [1]
      linalg.fill outs(%rows)
      linalg.generic {..} ins(%x_rows) outs(%rows)
      linalg.generic {..} ins(%x_rows, %rows) outs(%y_rows)
    ```
  }];
  let statistics = [
    Statistic<"numPhases", "phases", "chains that became one phase">,
    Statistic<"numOps", "ops", "ops in them">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
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
    runs on vectors. Weights without a layout are packed block by block by the task,
    or multiplied where they lie if a group has few rows. If a gemm has a scratch and all
    of its groups have few rows, a phase before leaves their sums there.

    The order of a sum depends on the shapes and on the rows of its group, never on the
    threads; rows of the result are added up in ascending order.

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
    Option<"block", "block", "int64_t", /*default=*/"128", "K of a block, for weights [E,out,in] without a layout">,
    Option<"blockInOut", "block-in-out", "int64_t", /*default=*/"64", "the same for weights [E,in,out] without a layout">,
    Option<"chunk", "chunk", "int64_t", /*default=*/"2", "panels of a task, for weights without a layout">,
    Option<"dot", "dot", "bool", /*default=*/"false", "multiply bf16 pairs with vdpbf16ps">,
    Option<"prefetchL2", "prefetch-l2", "int64_t", /*default=*/"0", "bytes from the packed weights that are multiplied to those that are asked for into L2; 0: none are">,
    Option<"prefetchL1", "prefetch-l1", "int64_t", /*default=*/"0", "the same into L1">,
    Option<"unroll", "unroll", "int64_t", /*default=*/"1", "K of a step of a tile's loop, but for pairs">,
    Option<"packPanels", "pack-panels", "int64_t", /*default=*/"4", "panels that a task packs at a time of weights as they lie">,
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
    Ops of moek and linalg on buffers, and `scf.forall`, that differ in the values they
    use alone, anywhere in the module, become calls of a function that has one of them;
    constants they read must be the same and are made again in it. So the passes behind
    this one, and LLVM, see the layers of a model once, however many there are. An op
    that is alone stays, and what is inside of an `scf.forall`. Numbers do not change.
    Assumes that the first argument of a function is the context of the call, and gives
    it to the new function.

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

include "moe/Conversion/EntryPasses.td"

#endif // MOE_CONVERSION_PASSES
