//===- Report.h - what a run has to say -------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_REPORT_H
#define MOE_TOOLS_MOE_RUN_REPORT_H

#include "Bench.h"
#include "Check.h"
#include "Roofline.h"

#include "moe/Execution/Compiler.h"

#include "llvm/Support/raw_ostream.h"

namespace moe::run {

struct Report {
  std::string entry, cpu;
  Target target = Target::Reference;
  unsigned threads = 0;
  std::vector<std::pair<std::string, int64_t>> dims;
  CompileTimes compile;
  std::vector<Remark> remarks; ///< of the whole module
  uint64_t packedBytes = 0, workspaceBytes = 0;
  std::vector<std::pair<std::string, TensorView>> results;
  std::vector<CheckedAgainst> checks;
  std::optional<Timing> timing;
  std::optional<Roofline> roofline; ///< with a timing only
};

/// Tables. Without a check, a line on each result; `stats` adds the times of
/// the compilation, the bytes of weights and workspace, the phases of the entry
/// and what optimisations say of the module.
void printText(const Report &report, bool stats, llvm::raw_ostream &stream);

/// One JSON object:
///   entry, target, cpu, threads, dims, compile_ms, packed_bytes,
///   workspace_bytes; of --bench median_ms, p10_ms, p90_ms, max_ms, calls;
///   of --bench on stage `input` flops, bytes, gflops, gbs, limit_ms, roofline
///   (the limit over the median), limits: {peak_gflops, bandwidth_gbs,
///   bandwidth_of};
///   compile: {parse_ms, lower_ms, codegen_ms, link_ms};
///   of --stats phases and prepared: [{location, what}], and remarks: [{kind,
///   pass, location, name, message}], kind passed, missed or analysis;
///   check: {agrees, rows, bad_rows, max_abs, max_rel} over all comparisons;
///   results: [{name, dtype, shape, checks: [{against, agrees, rows, bad_rows,
///   allowed_bad_rows, max_abs, max_rel, first_bad_rows}]}].
void printJson(const Report &report, bool stats, llvm::raw_ostream &stream);

/// Success if every comparison agrees; else the first that does not.
llvm::Error checkAgreement(llvm::ArrayRef<CheckedAgainst> checks);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_REPORT_H
