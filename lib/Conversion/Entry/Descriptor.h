//===- Descriptor.h - the MoertEntry global of an entry ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H
#define MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H

#include "moe/Conversion/Signature.h"

namespace moe {

/// What a descriptor says besides the signature: functions by symbol name.
struct EntryFunctions {
  std::string name, target, prepare, workspaceBytes, run;
  uint64_t cpuFeatures = 0, packedBytes = 0, packedHash = 0;
};

/// Appends the constants that make up moert_entry_NAME, a MoertEntry.
void emitDescriptor(mlir::ModuleOp module, const EntryFunctions &functions,
                    const EntrySignature &signature);

} // namespace moe

#endif // MOE_LIB_CONVERSION_ENTRY_DESCRIPTOR_H
