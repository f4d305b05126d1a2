//===- Passes.h - passes that report ----------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ANALYSIS_PASSES_H
#define MOE_ANALYSIS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace moe {

#define GEN_PASS_DECL
#include "moe/Analysis/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Analysis/Passes.h.inc"

} // namespace moe

#endif // MOE_ANALYSIS_PASSES_H
