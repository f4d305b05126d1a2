//===- Passes.td - passes that report ----------------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ANALYSIS_PASSES
#define MOE_ANALYSIS_PASSES

include "mlir/Pass/PassBase.td"

def MoEAnalyze : Pass<"moe-analyze", "::mlir::ModuleOp"> {
  let summary = "print what each layer costs for given dimensions";
  let description = [{
    For each public function prints a table to standard error: every op with its
    location, how often it runs, its floating-point operations and the bytes it
    moves, then their sums, the bytes that must move at least, and the parameters,
    all and those that one token uses.

    For each `moe.loop` prints how much capacity its iterations add: the parameters
    that all iterations share (attention, routers), those of the experts that a
    token uses in one iteration and of the distinct ones in all, and the ratio of
    the shared ones to these. Iterations that look for other experts raise the
    experts' share; the ratio in one iteration is that of the layer without the
    loop.

    ```
    moe-opt layer.mlir --moe-analyze=dims=T=512
    ```

    The module is not changed.
  }];
  let options = [
    ListOption<"dims", "dims", "std::string", "sizes of named dimensions: T=512">];
}

def MoEReportPhases : Pass<"moe-report-phases", "::mlir::ModuleOp"> {
  let summary = "say what a call does, phase by phase";
  let description = [{
    For each entry, on memrefs (after stage `buffers`): one remark a phase, in the
    order of the call, with what was fused into it. Remarks have the category
    "phases" and the name of their function, `F.prepare` for what runs when weights
    are bound; moe-run --stats prints them. Without a listener nothing is computed.
    The module is not changed.

    ```
    gemm: ?x64xf32 by 8x10240xf32 packed to K 64, N 80, 8 groups, 2 products merged to ?x80xf32; gathers its rows; epilogue mulf
    ```
  }];
}

#endif // MOE_ANALYSIS_PASSES
