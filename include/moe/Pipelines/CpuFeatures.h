//===- CpuFeatures.h - the features that code for a CPU may use -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PIPELINES_CPUFEATURES_H
#define MOE_PIPELINES_CPUFEATURES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace moe {

/// MOERT_CPU_* bits of the CPU that LLVM calls `cpu` ("znver4", "x86-64-v3"),
/// or of this machine for "native"; nothing for a CPU that LLVM does not know.
std::optional<uint64_t> getCpuFeatures(llvm::StringRef cpu);

/// How LLVM generates code for such a CPU, "+avx2,-sha,...": with the
/// instructions that a MOERT_CPU_* bit stands for and no others, so that the
/// bits say where the code runs.
std::string getCodegenFeatures(llvm::StringRef cpu);

/// "native", and every CPU that LLVM knows.
llvm::SmallVector<llvm::StringRef> getCpuNames();

} // namespace moe

#endif // MOE_PIPELINES_CPUFEATURES_H
