//===- CpuFeatures.cpp - the features that code for a CPU may use ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/CpuFeatures.h"
#include "moert/moert.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
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
    {"sse3", MOERT_CPU_SSE3},
    {"ssse3", MOERT_CPU_SSSE3},
    {"sse4.1", MOERT_CPU_SSE41},
    {"sse4.2", MOERT_CPU_SSE42},
    {"popcnt", MOERT_CPU_POPCNT},
    {"movbe", MOERT_CPU_MOVBE},
    {"lzcnt", MOERT_CPU_LZCNT},
    {"bmi", MOERT_CPU_BMI},
    {"bmi2", MOERT_CPU_BMI2},
    {"avx", MOERT_CPU_AVX},
    {"avxvnni", MOERT_CPU_AVXVNNI},
    {"gfni", MOERT_CPU_GFNI},
    {"avx512f", MOERT_CPU_AVX512F},
    {"avx512bw", MOERT_CPU_AVX512BW},
    {"avx512vl", MOERT_CPU_AVX512VL},
    {"avx512dq", MOERT_CPU_AVX512DQ},
    {"avx512cd", MOERT_CPU_AVX512CD},
    {"avx512bf16", MOERT_CPU_AVX512BF16},
    {"avx512vnni", MOERT_CPU_AVX512VNNI},
    {"avx512fp16", MOERT_CPU_AVX512FP16},
    {"avx512ifma", MOERT_CPU_AVX512IFMA},
    {"avx512vbmi", MOERT_CPU_AVX512VBMI},
    {"avx512vbmi2", MOERT_CPU_AVX512VBMI2},
    {"avx512bitalg", MOERT_CPU_AVX512BITALG},
    {"avx512vpopcntdq", MOERT_CPU_AVX512VPOPCNTDQ},
};

/// What every 64-bit CPU has, and what is no instruction.
static constexpr llvm::StringLiteral kBaseline[] = {
    "64bit", "64bit-mode", "cmov", "crc32", "cx16", "cx8", "evex512",
    "fxsr",  "mmx",        "sahf", "sse",   "sse2", "x87",
};

llvm::SmallVector<llvm::StringRef> moe::getCpuNames() {
  llvm::SmallVector<llvm::StringRef> names{"native"};
  llvm::X86::fillValidCPUArchList(names, /*Only64Bit=*/true);
  return names;
}

/// The features of the CPU that LLVM calls `cpu`, or of this machine, with
/// those that it lacks as far as they are known; nothing for an unknown CPU.
static std::optional<llvm::StringMap<bool>> getIsa(llvm::StringRef cpu) {
  if (cpu == "native")
    return llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<llvm::StringRef> known, names;
  llvm::X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (!llvm::is_contained(known, cpu))
    return std::nullopt;
  llvm::X86::getFeaturesForCPU(cpu, names);
  llvm::StringMap<bool> isa;
  for (llvm::StringRef name : names) {
    isa[name] = true;
    llvm::X86::updateImpliedFeatures(name, /*Enabled=*/true, isa);
  }
  return isa;
}

std::optional<uint64_t> moe::getCpuFeatures(llvm::StringRef cpu) {
  std::optional<llvm::StringMap<bool>> isa = getIsa(cpu);
  if (!isa)
    return std::nullopt;
  uint64_t bits = 0;
  for (const Feature &feature : kFeatures)
    if (isa->lookup(feature.name))
      bits |= feature.bit;
  return bits;
}

std::string moe::getCodegenFeatures(llvm::StringRef cpu) {
  llvm::StringMap<bool> isa = getIsa(cpu).value_or(llvm::StringMap<bool>());
  std::vector<std::string> features;
  for (const Feature &feature : kFeatures) {
    features.push_back((isa.lookup(feature.name) ? "+" : "-") +
                       feature.name.str());
    isa.erase(feature.name);
  }
  for (llvm::StringRef name : kBaseline)
    isa.erase(name);
  for (llvm::StringRef name : isa.keys())
    features.push_back(("-" + name).str());
  llvm::sort(features); // the map has no order
  return llvm::join(features, ",");
}
