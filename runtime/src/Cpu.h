//===- Cpu.h - what the machine offers --------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_CPU_H
#define MOERT_SRC_CPU_H

#include <cstdint>

namespace moe::runtime {

/// Returns the number of CPUs that this thread may run on: the affinity mask,
/// cut by the CPU limit of the cgroup. At least 1.
unsigned availableCpus();

/// Returns how many CPUs' worth of time the cgroups (v1 and v2) of this process
/// allow, rounded up; 0 if they set no limit. `root` stands before /proc and
/// before the mount points: "" but in tests.
unsigned cgroupCpuLimit(const char *root);

/// Returns the thread's floating-point control word (denormals, rounding).
uint32_t floatControl();

/// Sets the thread's floating-point control word.
void setFloatControl(uint32_t control);

/// Returns the control word that runs use: denormals kept, round to nearest, no
/// traps.
uint32_t defaultFloatControl();

/// Tells the CPU that this is a spin loop.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace moe::runtime

#endif // MOERT_SRC_CPU_H
