//===- Analyze.cpp - print what each layer costs --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Analysis/Cost.h"
#include "moe/Analysis/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

namespace moe {
#define GEN_PASS_DEF_MOEANALYZE
#include "moe/Analysis/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

/// "file.mlir:12:5" of the op itself, not of the calls it was inlined through.
static std::string describe(Location loc) {
  while (auto call = dyn_cast<CallSiteLoc>(loc))
    loc = call.getCallee();
  if (auto name = dyn_cast<NameLoc>(loc))
    loc = name.getChildLoc();
  auto file = dyn_cast<FileLineColLoc>(loc);
  if (!file)
    return "?";
  return llvm::formatv("{0}:{1}:{2}",
                       llvm::sys::path::filename(file.getFilename().getValue()),
                       file.getLine(), file.getColumn());
}

/// 12345678 as "12.3 M".
static std::string shortened(double number) {
  const char *unit = "";
  for (const char *next : {"k", "M", "G", "T"}) {
    if (number < 1000)
      break;
    number /= 1000;
    unit = next;
  }
  return *unit ? llvm::formatv("{0:f2} {1}", number, unit).str()
               : llvm::formatv("{0:f0}", number).str();
}

static void print(llvm::raw_ostream &os, StringRef name,
                  const FunctionCost &cost) {
  constexpr const char *kRow = "  {0,-32} {1,-26} {2,6} {3,10} {4,10}\n";
  os << "cost of @" << name << "\n"
     << llvm::formatv(kRow, "location", "op", "times", "flops", "bytes");
  for (const OpCost &op : cost.ops)
    os << llvm::formatv(kRow, describe(op.loc), op.name, op.times,
                        shortened(op.flops), shortened(op.bytes));
  os << llvm::formatv(kRow, "", "sum", "", shortened(cost.flops),
                      shortened(cost.bytes))
     << llvm::formatv(kRow, "", "inputs, results, weights", "", "",
                      shortened(cost.traffic))
     << "  parameters " << shortened(cost.parameters)
     << ", of which a token uses " << shortened(cost.activeParameters) << "\n";
  for (const LoopCapacity &loop : cost.loops) {
    os << "  loop at " << describe(loop.loc) << ": " << loop.iterations
       << " iterations share " << shortened(loop.shared)
       << " parameters; experts of a token: " << shortened(loop.expertsOnce)
       << " in one iteration, " << shortened(loop.experts) << " in all\n";
    if (loop.expertsOnce > 0)
      os << llvm::formatv("    shared : experts is {0:f3} in one iteration, "
                          "{1:f3} in all\n",
                          loop.shared / loop.expertsOnce,
                          loop.experts > 0 ? loop.shared / loop.experts : 0.0);
  }
}

namespace {
struct AnalyzePass : moe::impl::MoEAnalyzeBase<AnalyzePass> {
  using MoEAnalyzeBase::MoEAnalyzeBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    NamedSizes sizes;
    for (const std::string &text : dims) {
      auto [name, number] = StringRef(text).split('=');
      int64_t size;
      if (name.empty() || number.getAsInteger(10, size) || size < 0) {
        getOperation().emitError()
            << "moe-analyze: expected NAME=SIZE, got '" << text << "'";
        return signalPassFailure();
      }
      sizes[name] = size;
    }
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function.isPublic() || function.isExternal())
        continue;
      FailureOr<FunctionCost> cost = analyzeCost(function, sizes);
      if (failed(cost))
        return signalPassFailure();
      print(llvm::errs(), function.getName(), *cost);
    }
  }
};
} // namespace
