//===- Descriptor.h - the MoertEntry global of an entry ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H
#define MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H

#include "moe/Conversion/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moe {

/// What a descriptor says besides the signature: functions by symbol name.
struct EntryFunctions {
  std::string name, target, prepare, workspaceBytes, run;
  uint64_t cpuFeatures = 0, packedBytes = 0, packedHash = 0;
};

/// What F.prepare and the functions it reaches do, as text that is the same
/// whatever else the module has.
std::string textOfPrepare(mlir::func::FuncOp prepare);

/// Appends the constants that make up moert_entry_NAME, a MoertEntry.
void emitDescriptor(mlir::ModuleOp module, const EntryFunctions &functions,
                    const EntrySignature &signature);

} // namespace moe

#endif // MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H
