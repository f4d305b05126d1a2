//===- WeightSlice.h - what follows from weights ----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOEK_TRANSFORMS_WEIGHTSLICE_H
#define MOE_LIB_DIALECT_MOEK_TRANSFORMS_WEIGHTSLICE_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace moe {

/// True if `value` follows from weights and constants alone, by ops outside of
/// regions: what moe-split-prepare will move. `known` keeps what was found.
bool followsFromWeights(mlir::Value value,
                        llvm::DenseMap<mlir::Value, bool> &known);

} // namespace moe

#endif // MOE_LIB_DIALECT_MOEK_TRANSFORMS_WEIGHTSLICE_H
