//===- Statistics.h - what the compiler did, for --stats --------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_STATISTICS_H
#define MOE_TOOLS_MOE_RUN_STATISTICS_H

#include "Report.h"

#include "llvm/Support/JSON.h"

namespace moe::run {

/// The phases of the entry, those that run when its weights are bound, and what
/// optimisations say of the module.
void printRemarks(const Report &report, llvm::raw_ostream &stream);

/// The same as members of an object: phases, prepared, remarks.
void writeRemarks(const Report &report, llvm::json::OStream &json);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_STATISTICS_H
