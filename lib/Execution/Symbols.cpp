//===- Symbols.cpp - the functions generated code may call ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Symbols.h"

#include "moert/moert.h"

#include <cmath>
#include <cstring>

#if defined(__GLIBC__)
extern "C" void sincos(double, double *, double *) noexcept;
extern "C" void sincosf(float, float *, float *) noexcept;
#endif

namespace moe {

/// The address of a function; `F` picks one of an overloaded name.
template <typename F> static void *address(F *function) {
  return reinterpret_cast<void *>(function);
}

using Unary32 = float(float);
using Unary64 = double(double);
using Binary32 = float(float, float);
using Binary64 = double(double, double);
using Ternary32 = float(float, float, float);
using Ternary64 = double(double, double, double);

// A function of the C library by its names for f64 and f32.
#define MOE_UNARY(name)                                                        \
  {#name, address<Unary64>(::name)}, { #name "f", address<Unary32>(::name##f) }
#define MOE_BINARY(name)                                                       \
  {#name, address<Binary64>(::name)}, {                                        \
    #name "f", address<Binary32>(::name##f)                                    \
  }
#define MOE_RUNTIME(name) {#name, address(name)}

llvm::ArrayRef<RuntimeSymbol> runtimeSymbols() {
  static const RuntimeSymbol symbols[] = {
      MOE_RUNTIME(moert_enter),
      MOE_RUNTIME(moert_leave),
      MOE_RUNTIME(moert_parallel_for),
      MOE_RUNTIME(moert_fail),
      MOE_RUNTIME(moert_check_indices),
      MOE_RUNTIME(moert_check_offsets),
      MOE_RUNTIME(moert_scratch),
      MOE_RUNTIME(moert_threads),
      MOE_RUNTIME(moert_assign),
      MOE_RUNTIME(moert_assign_f64),
      MOE_RUNTIME(moert_truncsfhf2),
      MOE_RUNTIME(moert_truncdfhf2),
      MOE_RUNTIME(moert_truncsfbf2),
      MOE_RUNTIME(moert_truncdfbf2),
      MOE_RUNTIME(moert_extendhfsf2),

      {"memcpy", address<void *(void *, const void *, size_t)>(::memcpy)},
      {"memmove", address<void *(void *, const void *, size_t)>(::memmove)},
      {"memset", address<void *(void *, int, size_t)>(::memset)},

      MOE_UNARY(acos),
      MOE_UNARY(acosh),
      MOE_UNARY(asin),
      MOE_UNARY(asinh),
      MOE_UNARY(atan),
      MOE_UNARY(atanh),
      MOE_UNARY(cbrt),
      MOE_UNARY(ceil),
      MOE_UNARY(cos),
      MOE_UNARY(cosh),
      MOE_UNARY(erf),
      MOE_UNARY(erfc),
      MOE_UNARY(exp),
      MOE_UNARY(exp2),
      MOE_UNARY(expm1),
      MOE_UNARY(fabs),
      MOE_UNARY(floor),
      MOE_UNARY(log),
      MOE_UNARY(log10),
      MOE_UNARY(log1p),
      MOE_UNARY(log2),
      MOE_UNARY(nearbyint),
      MOE_UNARY(rint),
      MOE_UNARY(round),
      MOE_UNARY(roundeven),
      MOE_UNARY(sin),
      MOE_UNARY(sinh),
      MOE_UNARY(sqrt),
      MOE_UNARY(tan),
      MOE_UNARY(tanh),
      MOE_UNARY(trunc),
      MOE_BINARY(atan2),
      MOE_BINARY(copysign),
      MOE_BINARY(fmax),
      MOE_BINARY(fmin),
      MOE_BINARY(fmod),
      MOE_BINARY(pow),
      {"fma", address<Ternary64>(::fma)},
      {"fmaf", address<Ternary32>(::fmaf)},
#if defined(__GLIBC__)
      // One call for a sine and a cosine of the same number.
      MOE_RUNTIME(sincos),
      MOE_RUNTIME(sincosf),
#endif
  };
  return symbols;
}

} // namespace moe
