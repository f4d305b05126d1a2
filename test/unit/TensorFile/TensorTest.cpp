//===- TensorTest.cpp - shapes, memory, conversions -----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace moe;
using namespace moe::test;

// A size that no memory has is an error of ours, not of the sanitizer's.
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char *__tsan_default_options() {
  return "allocator_may_return_null=1";
}

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t huge = int64_t(1) << 62;

/// What `value` becomes when it is stored as `dtype`.
double stored(MoertDType dtype, double value) {
  TensorView tensor = must(allocateTensor(dtype, {}));
  writeElement(dtype, const_cast<char *>(tensor.data), 0, value);
  return readElement(tensor, 0);
}

/// The bits of the one element of a 16-bit float that `value` becomes.
uint16_t storedBits(MoertDType dtype, double value) {
  uint16_t bits;
  writeElement(dtype, reinterpret_cast<char *>(&bits), 0, value);
  return bits;
}

/// The 16-bit float with these bits as a double.
double fromBits(MoertDType dtype, uint16_t bits) {
  TensorView view;
  view.dtype = dtype;
  view.data = reinterpret_cast<const char *>(&bits);
  return readElement(view, 0);
}

/// APFloat's opinion on what storedBits should be.
uint16_t expectedBits(const fltSemantics &semantics, double value) {
  APFloat number(value);
  bool losesInfo;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return number.bitcastToAPInt().getZExtValue();
}

class Float16 : public ::testing::TestWithParam<MoertDType> {
protected:
  const fltSemantics &semantics() const {
    return GetParam() == MOERT_F16 ? APFloat::IEEEhalf() : APFloat::BFloat();
  }
};

TEST_P(Float16, ReadsAllValues) {
  for (unsigned bits = 0; bits <= 0xffff; ++bits) {
    APFloat number(semantics(), APInt(16, bits));
    double value = fromBits(GetParam(), bits);
    if (number.isNaN()) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_EQ(std::signbit(value), number.isNegative()) << bits;
      continue;
    }
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    EXPECT_TRUE(number.bitwiseIsEqual(APFloat(value))) << bits;
  }
}

TEST_P(Float16, RoundsAllValuesTheirMiddlesAndTheNeighboursOfThose) {
  for (unsigned bits = 0; bits <= 0xffff; ++bits) {
    double value = fromBits(GetParam(), bits);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(stored(GetParam(), value))) << bits;
      EXPECT_EQ(storedBits(GetParam(), value) & 0x8000, bits & 0x8000);
      continue;
    }
    // The next value away from zero; beyond the last one the exponent goes on.
    double next = fromBits(GetParam(), bits + 1);
    if (std::isinf(next) && std::isfinite(value))
      next = std::copysign(std::ldexp(1.0, std::ilogb(value) + 1), value);
    double middle = std::isfinite(next) ? value / 2 + next / 2 : value;
    for (double candidate :
         {value, std::nextafter(value, -infinity),
          std::nextafter(value, infinity), middle,
          std::nextafter(middle, -infinity), std::nextafter(middle, infinity)})
      ASSERT_EQ(storedBits(GetParam(), candidate),
                expectedBits(semantics(), candidate))
          << candidate;
  }
}

TEST_P(Float16, RoundsDoublesFarOutside) {
  using Limits = std::numeric_limits<double>;
  for (double value :
       {0.0, Limits::denorm_min(), Limits::min(), 0x1p-1022, 0x1p-200, 0x1p-134,
        0x1.8p-134, 0x1p-26, 0x1p-25, 0x1.0000000000001p-25, 0x1p128, 0x1p1000,
        Limits::max(), infinity})
    for (double signedValue : {value, -value})
      EXPECT_EQ(storedBits(GetParam(), signedValue),
                expectedBits(semantics(), signedValue))
          << signedValue;
}

TEST_P(Float16, RoundsOnce) {
  // Just above a middle: through f32 it would become the middle, then even.
  double step = GetParam() == MOERT_F16 ? 0x1p-10 : 0x1p-7;
  EXPECT_EQ(stored(GetParam(), 1 + step / 2 + 0x1p-40), 1 + step);
  EXPECT_EQ(stored(GetParam(), 1 + step / 2), 1);
}

TEST_P(Float16, KeepsSignalingNaNWithPayloadOnlyInLowBits) {
  uint64_t bits = 0x7ff0000000000001;
  double signaling;
  std::memcpy(&signaling, &bits, sizeof(bits));
  EXPECT_TRUE(std::isnan(stored(GetParam(), signaling)));
}

INSTANTIATE_TEST_SUITE_P(All, Float16, ::testing::Values(MOERT_F16, MOERT_BF16),
                         [](const auto &info) {
                           return std::string(moert_dtype_name(info.param));
                         });

TEST(Elements, F32) {
  EXPECT_EQ(stored(MOERT_F32, 1 + 0x1p-24), 1);
  EXPECT_EQ(stored(MOERT_F32, 1 + 0x1.8p-23), 1 + 0x1p-22);
  EXPECT_EQ(stored(MOERT_F32, 0x1p-149), 0x1p-149);
  EXPECT_EQ(stored(MOERT_F32, 0x1p-150), 0);
  EXPECT_EQ(stored(MOERT_F32, 1e300), infinity);
  EXPECT_EQ(stored(MOERT_F32, -1e300), -infinity);
  EXPECT_TRUE(std::isnan(stored(MOERT_F32, nan)));
  EXPECT_TRUE(std::signbit(stored(MOERT_F32, -0.0)));
}

TEST(Elements, F8E8M0ReadsLikeAPFloat) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    char byte = static_cast<char>(bits);
    TensorView view;
    view.dtype = MOERT_F8E8M0;
    view.data = &byte;
    double value = readElement(view, 0);
    if (bits == 255) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    EXPECT_EQ(
        value,
        APFloat(APFloat::Float8E8M0FNU(), APInt(8, bits)).convertToDouble());
    EXPECT_EQ(stored(MOERT_F8E8M0, value), value);
  }
}

TEST(Elements, F8E8M0Rounds) {
  EXPECT_EQ(stored(MOERT_F8E8M0, 1.49), 1);
  EXPECT_EQ(stored(MOERT_F8E8M0, 1.51), 2);
  EXPECT_EQ(stored(MOERT_F8E8M0, 1.5), 2); // codes 127 and 128
  EXPECT_EQ(stored(MOERT_F8E8M0, 3), 2);   // codes 128 and 129
  EXPECT_EQ(stored(MOERT_F8E8M0, 0), 0x1p-127);
  EXPECT_EQ(stored(MOERT_F8E8M0, 1e-300), 0x1p-127);
  EXPECT_EQ(stored(MOERT_F8E8M0, 0x1p127), 0x1p127);
  EXPECT_EQ(stored(MOERT_F8E8M0, 0x1.7fp127), 0x1p127);
  for (double value : {-1.0, nan, infinity, 0x1.8p127, 1e300})
    EXPECT_TRUE(std::isnan(stored(MOERT_F8E8M0, value))) << value;
}

TEST(Elements, IntegersRoundAndSaturate) {
  EXPECT_EQ(stored(MOERT_I32, 2.5), 2);
  EXPECT_EQ(stored(MOERT_I32, 3.5), 4);
  EXPECT_EQ(stored(MOERT_I32, -2.5), -2);
  EXPECT_EQ(stored(MOERT_I32, nan), 0);
  EXPECT_EQ(stored(MOERT_I64, 0x1p53), 0x1p53);
  EXPECT_EQ(stored(MOERT_I64, infinity), 0x1p63);
  EXPECT_EQ(stored(MOERT_I64, -infinity), -0x1p63);
  EXPECT_EQ(stored(MOERT_I32, 1e10), 2147483647);
  EXPECT_EQ(stored(MOERT_I32, -1e10), -2147483648.0);
  EXPECT_EQ(stored(MOERT_I16, 1e10), 32767);
  EXPECT_EQ(stored(MOERT_I8, -200), -128);
  EXPECT_EQ(stored(MOERT_I8, 127.4), 127);
  EXPECT_EQ(stored(MOERT_U8, 300), 255);
  EXPECT_EQ(stored(MOERT_U8, -1), 0);
  EXPECT_EQ(stored(MOERT_I1, 0.25), 1);
  EXPECT_EQ(stored(MOERT_I1, 0), 0);
}

TEST(Shapes, Bytes) {
  EXPECT_EQ(tensorBytes(MOERT_F32, {37, 64}), 37 * 64 * 4);
  EXPECT_EQ(tensorBytes(MOERT_F64, {}), 8);
  EXPECT_EQ(tensorBytes(MOERT_I1, {3, 0}), 0);
  EXPECT_EQ(tensorBytes(MOERT_U8, {INT64_MAX}), INT64_MAX);
  EXPECT_EQ(tensorBytes(MOERT_F16, {INT64_MAX}), std::nullopt);
  EXPECT_EQ(tensorBytes(MOERT_F32, {-1}), std::nullopt);
  EXPECT_EQ(tensorBytes(MOERT_F32, {-1, 0}), std::nullopt);
  EXPECT_EQ(tensorBytes(MOERT_F32, {huge, huge, 0}), std::nullopt);
  EXPECT_EQ(tensorBytes(MoertDType(0), {1}), std::nullopt);
}

TEST(Shapes, Describe) {
  EXPECT_EQ(must(allocateTensor(MOERT_BF16, {2, 3})).describe(), "bf16[2, 3]");
  EXPECT_EQ(must(allocateTensor(MOERT_I32, {})).describe(), "i32[]");
}

TEST(Memory, IsZeroedAndAligned) {
  for (int64_t size : {0, 1, 63, 100000}) {
    TensorView tensor = must(allocateTensor(MOERT_U8, {size}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % MOERT_ALIGNMENT, 0u);
    EXPECT_EQ(StringRef(tensor.data, size).find_first_not_of('\0'),
              StringRef::npos);
  }
}

TEST(Memory, TooMuchIsAnError) {
  for (int64_t size : {int64_t(-1), huge - 1, INT64_MAX}) {
    std::string message = messageOf(allocateTensor(MOERT_F16, {size}));
    EXPECT_EQ(message, "cannot allocate f16[" + std::to_string(size) + "]");
  }
}

TEST(Convert, RoundsEachElement) {
  TensorView tensor =
      makeTensor(MOERT_F64, {2, 2}, {1 + 0x1p-9, -0.0, 1e6, 0x1p-24});
  expectSame(
      must(convertTensor(tensor, MOERT_F16)),
      makeTensor(MOERT_F16, {2, 2}, {1 + 0x1p-9, -0.0, infinity, 0x1p-24}));
  expectSame(must(convertTensor(tensor, MOERT_BF16)),
             makeTensor(MOERT_BF16, {2, 2}, {1, -0.0, 999424, 0x1p-24}));
  EXPECT_EQ(
      must(convertTensor(must(allocateTensor(MOERT_F32, {0, 5})), MOERT_F16))
          .describe(),
      "f16[0, 5]");
}

TEST(Convert, SameDtypeKeepsAllBits) {
  TensorView tensor = must(allocateTensor(MOERT_I64, {1}));
  int64_t odd = (int64_t(1) << 60) + 1;
  std::memcpy(const_cast<char *>(tensor.data), &odd, sizeof(odd));
  expectSame(must(convertTensor(tensor, MOERT_I64)), tensor);
}

} // namespace
