//===- ConvertTest.cpp - conversions of 16-bit floats ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding is tested where it is decided: at each number, halfway to the next
// one, and beside that.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <cmath>
#include <cstring>

namespace {

/// The lower half of a float.
uint16_t half(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  EXPECT_EQ(bits >> 16, 0u);
  return uint16_t(bits);
}

/// A float with that lower half, and something else in the upper one.
float asFloat(uint16_t low, uint16_t high = 0) {
  uint32_t bits = uint32_t(high) << 16 | low;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double widenF16(uint16_t bits) { return moert_extendhfsf2(asFloat(bits)); }
double widenBF16(uint16_t bits) { return asFloat(0, bits); }

/// Rounds halfway between the finite positive numbers `low` and `low` + 1, and
/// to both sides of that.
template <typename Narrow>
void checkBetween(uint16_t low, double a, double b, Narrow narrow) {
  double middle = (a + b) / 2;
  uint16_t even = low % 2 ? low + 1 : low;
  for (int sign : {1, -1}) {
    uint16_t bit = sign < 0 ? 0x8000 : 0;
    ASSERT_EQ(narrow(sign * a), low | bit);
    ASSERT_EQ(narrow(sign * middle), even | bit) << middle;
    ASSERT_EQ(narrow(sign * std::nextafter(middle, a)), low | bit) << middle;
    ASSERT_EQ(narrow(sign * std::nextafter(middle, b)), (low + 1) | bit)
        << middle;
  }
}

uint16_t f64ToF16(double value) { return half(moert_truncdfhf2(value)); }
uint16_t f64ToBF16(double value) { return half(moert_truncdfbf2(value)); }
uint16_t f32ToF16(float value) { return half(moert_truncsfhf2(value)); }
uint16_t f32ToBF16(float value) { return half(moert_truncsfbf2(value)); }

} // namespace

TEST(ConvertTest, WidensF16) {
  EXPECT_EQ(widenF16(0x0000), 0);
  EXPECT_TRUE(std::signbit(widenF16(0x8000)));
  EXPECT_EQ(widenF16(0x0001), 0x1p-24);
  EXPECT_EQ(widenF16(0x83ff), -1023 * 0x1p-24);
  EXPECT_EQ(widenF16(0x0400), 0x1p-14);
  EXPECT_EQ(widenF16(0x3c00), 1);
  EXPECT_EQ(widenF16(0xfbff), -65504);
  EXPECT_EQ(widenF16(0x7c00), INFINITY);
  EXPECT_TRUE(std::isnan(widenF16(0xfe00)));
  EXPECT_EQ(moert_extendhfsf2(asFloat(0x3c00, 0xbeef)), 1);
}

TEST(ConvertTest, RoundsToF16) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    double a = widenF16(bits), b = widenF16(bits + 1);
    ASSERT_NO_FATAL_FAILURE(checkBetween(bits, a, b, f64ToF16));
    ASSERT_NO_FATAL_FAILURE(
        checkBetween(bits, a, b, [](double value) -> uint16_t {
          // Beside the middle by a bit of a double is the middle as a float.
          return float(value) == value ? f32ToF16(float(value))
                                       : f64ToF16(value);
        }));
  }
  EXPECT_EQ(f64ToF16(65519.9), 0x7bff);
  EXPECT_EQ(f64ToF16(65520), 0x7c00);
  EXPECT_EQ(f64ToF16(-1e300), 0xfc00);
  EXPECT_EQ(f64ToF16(4e-310), 0);
  EXPECT_EQ(f32ToF16(INFINITY), 0x7c00);
  EXPECT_EQ(f32ToF16(NAN) & 0x7e00, 0x7e00);
  // Once, not to f32 first.
  EXPECT_EQ(f64ToF16(1 + 0x1p-11 + 0x1p-40), 0x3c01);
}

TEST(ConvertTest, RoundsToBF16) {
  for (uint16_t bits = 0; bits < 0x7f7f; ++bits) {
    double a = widenBF16(bits), b = widenBF16(bits + 1);
    ASSERT_NO_FATAL_FAILURE(checkBetween(bits, a, b, f64ToBF16));
    ASSERT_EQ(f32ToBF16(float((a + b) / 2)), bits % 2 ? bits + 1 : bits);
  }
  EXPECT_EQ(f64ToBF16(1e300), 0x7f80);
  EXPECT_EQ(f32ToBF16(-INFINITY), 0xff80);
  EXPECT_EQ(f32ToBF16(NAN) & 0x7fc0, 0x7fc0);
}
