//===- CpuTarget.cpp - what kernels look like on a CPU --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/CpuTarget.h"
#include "moe/Pipelines/CpuFeatures.h"
#include "moert/moert.h"

#include "llvm/TargetParser/Host.h"

using namespace moe;

CpuTarget moe::getCpuTarget(llvm::StringRef cpu) {
  uint64_t features = getCpuFeatures(cpu).value_or(0);
  llvm::StringRef name = cpu == "native" ? llvm::sys::getHostCPUName() : cpu;
  constexpr uint64_t kAvx512 = MOERT_CPU_AVX512F | MOERT_CPU_AVX512BW |
                               MOERT_CPU_AVX512VL | MOERT_CPU_AVX512DQ;
  // 16 registers of 8 lanes: 6 x 2 sums, 2 of the panel, 1 broadcast.
  if ((features & kAvx512) != kAvx512)
    return {/*lanes=*/8,
            /*rowsPerTile=*/6,
            /*panel=*/16,
            /*block=*/256,
            /*chunk=*/8,
            /*dot=*/false,
            /*prefetch=*/1,
            /*inPlaceRowsOutIn=*/6,
            /*inPlaceRowsInOut=*/6};
  // 32 registers of 16 lanes: 6 x 4 sums, 4 of the panel, broadcasts. AMD's
  // vdpbf16ps has twice the rate of an FMA, that of Intel's server cores half
  // of it, so there pairs are widened.
  bool dot = (features & MOERT_CPU_AVX512BF16) && name.starts_with("znver");
  return {/*lanes=*/16,
          /*rowsPerTile=*/6,
          /*panel=*/64,
          /*block=*/128,
          /*chunk=*/4,
          dot,
          /*prefetch=*/1,
          /*inPlaceRowsOutIn=*/6,
          /*inPlaceRowsInOut=*/6};
}
