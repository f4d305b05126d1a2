//===- Roofline.h - what the machine allows a call ---------------*- C++
//-*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_ROOFLINE_H
#define MOE_TOOLS_MOE_RUN_ROOFLINE_H

#include "Options.h"

#include "moe/Execution/MachineLimits.h"
#include "moe/Execution/Module.h"

#include <algorithm>

namespace moe::run {

/// The work of a call, and the rates at which this machine does it.
struct Roofline {
  double flops = 0;
  double bytes = 0;      ///< inputs, results and the weights used, once
  double peakGflops = 0; ///< of the code's instructions
  Bandwidth bandwidth;   ///< of what holds those bytes

  /// The least time of a call, in milliseconds.
  double limit() const {
    return std::max(flops / peakGflops, bytes / bandwidth.gbs) * 1e-6;
  }
};

/// Counts what a call with these sizes of named dimensions costs and measures
/// the machine. Needs a file in stage `input`; an error also if a size in it
/// does not follow from `symbols`.
llvm::Expected<Roofline> measureRoofline(const Options &options,
                                         const Function &function,
                                         llvm::ArrayRef<int64_t> symbols,
                                         unsigned threads);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_ROOFLINE_H
