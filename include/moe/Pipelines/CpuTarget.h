//===- CpuTarget.h - what kernels look like on a CPU ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PIPELINES_CPUTARGET_H
#define MOE_PIPELINES_CPUTARGET_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace moe {

/// Shapes of kernels on a CPU. They are data: one emitter serves every row of
/// the table in CpuTarget.cpp.
struct CpuTarget {
  int64_t lanes;       ///< f32 lanes of a vector
  int64_t rowsPerTile; ///< rows of a register tile
  int64_t panel;       ///< columns of a panel, which a tile spans
  int64_t block;       ///< K of a block, so that a block of a panel stays in L1
  int64_t blockInOut;  ///< the same for weights [E,in,out] as they lie
  int64_t chunk;       ///< panels of a task
  bool dot;            ///< multiply bf16 pairs with vdpbf16ps
  /// Bytes from the packed weights that are multiplied to those that are asked
  /// for, into L2 and into L1. 0: none are.
  int64_t prefetchL2, prefetchL1;
  int64_t unroll;     ///< K of a step of a tile's loop, but for pairs
  int64_t packPanels; ///< that a task packs at a time of weights as they lie
  /// Rows of a group up to which weights that are not packed are multiplied
  /// where they lie: those that are [E,out,in], those that are [E,in,out], in
  /// f32 or f16, in bf16.
  int64_t inPlaceOutIn, inPlaceOutInBf16, inPlaceInOut, inPlaceInOutBf16;
};

/// The row for the CPU that LLVM calls `cpu`, or for this machine ("native").
CpuTarget getCpuTarget(llvm::StringRef cpu);

} // namespace moe

#endif // MOE_PIPELINES_CPUTARGET_H
