//===- RuntimeCalls.h - calls of the runtime from compiled code -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_RUNTIMECALLS_H
#define MOE_CONVERSION_RUNTIMECALLS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moe {

/// Calls the runtime function `name` (moert.h), declaring it in `module` first
/// if need be. Returns its result, or null if `result` is.
mlir::Value callRuntime(mlir::ImplicitLocOpBuilder &b, mlir::ModuleOp module,
                        llvm::StringRef name, mlir::Type result,
                        mlir::ValueRange operands);

/// The address of element 0 of `buffer`, a memref with any offset.
mlir::Value elementAddress(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer);

/// The address of a constant, zero-terminated string; equal strings are one.
mlir::Value stringAddress(mlir::ImplicitLocOpBuilder &b, mlir::ModuleOp module,
                          llvm::StringRef text);

/// The symbol name of that string.
std::string stringSymbol(mlir::ModuleOp module, llvm::StringRef text);

} // namespace moe

#endif // MOE_CONVERSION_RUNTIMECALLS_H
