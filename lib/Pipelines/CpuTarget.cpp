//===- CpuTarget.cpp - what kernels look like on a CPU --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One row a family. docs/cpu.md says where the values come from.

#include "moe/Pipelines/CpuTarget.h"
#include "moe/Pipelines/CpuFeatures.h"
#include "moert/moert.h"

#include "llvm/TargetParser/Host.h"

using namespace moe;

/// 16 registers of 8 lanes: 6 x 2 sums, 2 of the panel, 1 broadcast. A block of
/// a panel is 8 KiB of f32, so that the next one fits into L1 beside it.
static constexpr CpuTarget kAvx2 = {
    /*lanes=*/8,
    /*rowsPerTile=*/6,
    /*panel=*/16,
    /*block=*/128,
    /*blockInOut=*/64,
    /*chunk=*/16,
    /*dot=*/false,
    /*prefetchL2=*/8 * 1024,
    /*prefetchL1=*/0,
    /*unroll=*/4,
    /*packPanels=*/8,
    /*inPlaceOutIn=*/48,
    /*inPlaceOutInBf16=*/16,
    /*inPlaceInOut=*/16,
    /*inPlaceInOutBf16=*/16,
};

/// AMD with AVX-512: 32 registers of 16 lanes: 6 x 4 sums, 4 of the panel,
/// broadcasts. vdpbf16ps has twice the rate of an FMA.
static constexpr CpuTarget kZen = {
    /*lanes=*/16,
    /*rowsPerTile=*/6,
    /*panel=*/64,
    /*block=*/128,
    /*blockInOut=*/128,
    /*chunk=*/4,
    /*dot=*/true,
    /*prefetchL2=*/32 * 1024,
    /*prefetchL1=*/0,
    /*unroll=*/1,
    /*packPanels=*/1,
    /*inPlaceOutIn=*/48,
    /*inPlaceOutInBf16=*/48,
    /*inPlaceInOut=*/16,
    /*inPlaceInOutBf16=*/24,
};

/// Intel's server cores: vdpbf16ps has half the rate of their FMAs, so pairs
/// are widened; two FMAs a cycle leave no turn for a loop of one step. A core
/// alone gets little out of memory: it is asked early, then again nearby.
static constexpr CpuTarget kIntel = {
    /*lanes=*/16,
    /*rowsPerTile=*/6,
    /*panel=*/64,
    /*block=*/128,
    /*blockInOut=*/128,
    /*chunk=*/4,
    /*dot=*/false,
    /*prefetchL2=*/64 * 1024,
    /*prefetchL1=*/4 * 1024,
    /*unroll=*/4,
    /*packPanels=*/1,
    /*inPlaceOutIn=*/48,
    /*inPlaceOutInBf16=*/48,
    /*inPlaceInOut=*/16,
    /*inPlaceInOutBf16=*/24,
};

CpuTarget moe::getCpuTarget(llvm::StringRef cpu) {
  uint64_t features = getCpuFeatures(cpu).value_or(0);
  llvm::StringRef name = cpu == "native" ? llvm::sys::getHostCPUName() : cpu;
  constexpr uint64_t kAvx512 = MOERT_CPU_AVX512F | MOERT_CPU_AVX512BW |
                               MOERT_CPU_AVX512VL | MOERT_CPU_AVX512DQ;
  if ((features & kAvx512) != kAvx512)
    return kAvx2;
  CpuTarget target = name.starts_with("znver") ? kZen : kIntel;
  target.dot &= bool(features & MOERT_CPU_AVX512BF16);
  return target;
}
