//===- Cpu.cpp - features and floating-point state of the CPU -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cpu.h"
#include "moert/moert.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#if defined(__x86_64__)

/// Returns extended control register 0: the register states that the operating
/// system saves. Valid only where CPUID reports OSXSAVE.
static uint64_t readXcr0() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

/// Returns the MOERT_CPU_* bits of this machine. A feature whose registers the
/// operating system does not save counts as absent.
static uint64_t detectFeatures() {
  struct Regs {
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  } one, seven, sevenOne, extended;
  if (!__get_cpuid(1, &one.eax, &one.ebx, &one.ecx, &one.edx))
    return 0;
  __get_cpuid_count(7, 0, &seven.eax, &seven.ebx, &seven.ecx, &seven.edx);
  if (seven.eax >= 1)
    __get_cpuid_count(7, 1, &sevenOne.eax, &sevenOne.ebx, &sevenOne.ecx,
                      &sevenOne.edx);
  __get_cpuid(0x80000001, &extended.eax, &extended.ebx, &extended.ecx,
              &extended.edx);

  uint64_t features = 0;
  auto add = [&](uint32_t reg, unsigned bit, uint64_t feature) {
    if (reg >> bit & 1)
      features |= feature;
  };
  add(one.ecx, 0, MOERT_CPU_SSE3);
  add(one.ecx, 9, MOERT_CPU_SSSE3);
  add(one.ecx, 19, MOERT_CPU_SSE41);
  add(one.ecx, 20, MOERT_CPU_SSE42);
  add(one.ecx, 22, MOERT_CPU_MOVBE);
  add(one.ecx, 23, MOERT_CPU_POPCNT);
  add(extended.ecx, 5, MOERT_CPU_LZCNT);
  add(seven.ebx, 3, MOERT_CPU_BMI);
  add(seven.ebx, 8, MOERT_CPU_BMI2);
  add(seven.ecx, 8, MOERT_CPU_GFNI);

  constexpr unsigned kOsXsave = 27, kAvx = 28, kAvx512f = 16;
  uint64_t saved = one.ecx >> kOsXsave & 1 ? readXcr0() : 0;
  bool ymm = (saved & 0x06) == 0x06 && (one.ecx >> kAvx & 1);
  bool zmm = ymm && (saved & 0xe0) == 0xe0 && (seven.ebx >> kAvx512f & 1);
  if (ymm) {
    features |= MOERT_CPU_AVX;
    add(sevenOne.eax, 4, MOERT_CPU_AVXVNNI);
    add(seven.ebx, 5, MOERT_CPU_AVX2);
    add(one.ecx, 12, MOERT_CPU_FMA);
    add(one.ecx, 29, MOERT_CPU_F16C);
  }
  if (zmm) {
    add(seven.ebx, kAvx512f, MOERT_CPU_AVX512F);
    add(seven.ebx, 17, MOERT_CPU_AVX512DQ);
    add(seven.ebx, 28, MOERT_CPU_AVX512CD);
    add(seven.ebx, 30, MOERT_CPU_AVX512BW);
    add(seven.ebx, 31, MOERT_CPU_AVX512VL);
    add(seven.ebx, 21, MOERT_CPU_AVX512IFMA);
    add(seven.ecx, 1, MOERT_CPU_AVX512VBMI);
    add(seven.ecx, 6, MOERT_CPU_AVX512VBMI2);
    add(seven.ecx, 11, MOERT_CPU_AVX512VNNI);
    add(seven.ecx, 12, MOERT_CPU_AVX512BITALG);
    add(seven.ecx, 14, MOERT_CPU_AVX512VPOPCNTDQ);
    add(seven.edx, 23, MOERT_CPU_AVX512FP16);
    add(sevenOne.eax, 5, MOERT_CPU_AVX512BF16);
  }
  return features;
}

#else

static uint64_t detectFeatures() { return 0; }

#endif

uint64_t moert_cpu_features(void) {
  // CPUID leaves a virtual machine each time, which costs more than a small
  // layer: ask once.
  constexpr uint64_t kKnown = 1ull << 63;
  static std::atomic<uint64_t> cache{0};
  uint64_t features = cache.load(std::memory_order_relaxed);
  if (!features) {
    features = detectFeatures() | kKnown;
    cache.store(features, std::memory_order_relaxed);
  }
  return features & ~kKnown;
}

namespace moe::runtime {

#if defined(__x86_64__)

uint32_t floatControl() { return _mm_getcsr(); }
void setFloatControl(uint32_t control) { _mm_setcsr(control); }
uint32_t defaultFloatControl() { return 0x1f80; } // all exceptions masked

#elif defined(__aarch64__)

uint32_t floatControl() {
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return uint32_t(control);
}
void setFloatControl(uint32_t control) {
  asm volatile("msr fpcr, %0" : : "r"(uint64_t(control)));
}
uint32_t defaultFloatControl() { return 0; }

#else

uint32_t floatControl() { return 0; }
void setFloatControl(uint32_t) {}
uint32_t defaultFloatControl() { return 0; }

#endif

} // namespace moe::runtime
