//===- CpuFeatures.cpp - the features that code for a CPU may use ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/CpuFeatures.h"
#include "moert/moert.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace moe;

namespace {
struct Feature {
  llvm::StringLiteral name;
  uint64_t bit;
};
} // namespace

/// LLVM's names of the features that moert.h has a bit for.
static constexpr Feature kFeatures[] = {
    {"avx2", MOERT_CPU_AVX2},
    {"fma", MOERT_CPU_FMA},
    {"f16c", MOERT_CPU_F16C},
    {"bmi2", MOERT_CPU_BMI2},
    {"avx512f", MOERT_CPU_AVX512F},
    {"avx512bw", MOERT_CPU_AVX512BW},
    {"avx512vl", MOERT_CPU_AVX512VL},
    {"avx512dq", MOERT_CPU_AVX512DQ},
    {"avx512cd", MOERT_CPU_AVX512CD},
    {"avx512bf16", MOERT_CPU_AVX512BF16},
    {"avx512vnni", MOERT_CPU_AVX512VNNI},
    {"avx512fp16", MOERT_CPU_AVX512FP16},
};

/// Bits of the features for which `has` holds.
static uint64_t collect(llvm::function_ref<bool(llvm::StringRef)> has) {
  uint64_t bits = 0;
  for (const Feature &feature : kFeatures)
    if (has(feature.name))
      bits |= feature.bit;
  return bits;
}

llvm::SmallVector<llvm::StringRef> moe::getCpuNames() {
  llvm::SmallVector<llvm::StringRef> names{"native"};
  llvm::X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  return names;
}

std::optional<uint64_t> moe::getCpuFeatures(llvm::StringRef cpu) {
  if (cpu == "native") {
    llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
    return collect([&](llvm::StringRef name) { return host.lookup(name); });
  }
  llvm::SmallVector<llvm::StringRef> known;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (!llvm::is_contained(known, cpu))
    return std::nullopt;
  llvm::SmallVector<llvm::StringRef> names;
  llvm::X86::getFeaturesForCPU(cpu, names);
  return collect(
      [&](llvm::StringRef name) { return llvm::is_contained(names, name); });
}
