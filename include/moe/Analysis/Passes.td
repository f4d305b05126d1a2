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

#endif // MOE_ANALYSIS_PASSES
