//===- Convert.cpp - 16-bit floats on CPUs without instructions for them --===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The libraries of C compilers have only some of these, and keep them hidden;
// and where they have none, the C compiler cannot handle the 16-bit types.
//
//===----------------------------------------------------------------------===//

#include "moert/moert.h"

#include <algorithm>
#include <cstring>

namespace {

/// A binary floating-point format of 16 bits.
struct Format {
  int exponentBits, mantissaBits;
};
constexpr Format kF16{5, 10}, kBF16{8, 7};

template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

/// Returns `value` rounded once, to nearest even, in the lower half of a float.
float narrow(double value, Format format) {
  uint64_t bits = bitCast<uint64_t>(value);
  uint32_t sign = uint32_t(bits >> 63) << 15;
  uint64_t magnitude = bits & ~(1ull << 63);
  uint32_t infinity = ((1u << format.exponentBits) - 1) << format.mantissaBits;
  int shift = 52 - format.mantissaBits;
  if (magnitude > 0x7ffull << 52) // NaN: quiet, with the top of its payload
    return bitCast<float>(
        sign | infinity | 1u << (format.mantissaBits - 1) |
        (uint32_t(magnitude >> shift) & ((1u << format.mantissaBits) - 1)));
  int exponent =
      int(magnitude >> 52) - 1023 + ((1 << (format.exponentBits - 1)) - 1);
  // With its leading 1; that of a subnormal double is shifted out below.
  uint64_t significand = (magnitude & ((1ull << 52) - 1)) | 1ull << 52;
  if (exponent < 1) { // subnormal: the significand gives way
    shift = std::min(shift + 1 - exponent, 54);
    exponent = 1;
  }
  uint64_t kept = significand >> shift;
  uint64_t lost = significand & ((1ull << shift) - 1);
  uint64_t half = 1ull << (shift - 1);
  kept += lost > half || (lost == half && (kept & 1));
  // The leading 1 adds itself to the exponent; so does a carry.
  uint64_t result = (uint64_t(exponent - 1) << format.mantissaBits) + kept;
  return bitCast<float>(sign | uint32_t(std::min<uint64_t>(result, infinity)));
}

} // namespace

float moert_truncsfhf2(float value) { return narrow(value, kF16); }
float moert_truncdfhf2(double value) { return narrow(value, kF16); }
float moert_truncsfbf2(float value) { return narrow(value, kBF16); }
float moert_truncdfbf2(double value) { return narrow(value, kBF16); }

float moert_extendhfsf2(float value) {
  uint32_t bits = bitCast<uint32_t>(value) & 0xffff;
  uint32_t sign = bits >> 15 << 31, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) // infinity, NaN
    return bitCast<float>(sign | 0x7f800000 | magnitude << 13);
  if (magnitude >= 0x0400)
    return bitCast<float>(sign | ((magnitude << 13) + (112u << 23)));
  float result = float(magnitude) * 0x1p-24f; // subnormal: exact
  return sign ? -result : result;
}
