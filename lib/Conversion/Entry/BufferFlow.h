//===- BufferFlow.h - buffers that regions pass on --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ENTRY_BUFFERFLOW_H
#define MOE_LIB_CONVERSION_ENTRY_BUFFERFLOW_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace moe {

/// The tensors or buffers that `value` can be, if it is an argument or a result
/// of a branch or a loop, or a select: what these pass on to it. Else nothing.
llvm::SmallVector<mlir::Value> getSources(mlir::Value value);

/// The buffers that are `use`'s buffer under another name: a view of it, or
/// what a branch or a loop passes it on to.
llvm::SmallVector<mlir::Value> getAliases(mlir::OpOperand &use);

} // namespace moe

#endif // MOE_LIB_CONVERSION_ENTRY_BUFFERFLOW_H
