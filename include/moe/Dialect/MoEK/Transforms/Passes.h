//===- Passes.h - passes on the moek dialect --------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_DIALECT_MOEK_TRANSFORMS_PASSES_H
#define MOE_DIALECT_MOEK_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace moe {

#define GEN_PASS_DECL
#include "moe/Dialect/MoEK/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "moe/Dialect/MoEK/Transforms/Passes.h.inc"

} // namespace moe

#endif // MOE_DIALECT_MOEK_TRANSFORMS_PASSES_H
