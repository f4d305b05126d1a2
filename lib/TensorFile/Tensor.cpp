//===- Tensor.cpp - dense tensors and their elements ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/TensorFile/TensorFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace llvm;

namespace moe {

//===----------------------------------------------------------------------===//
// Shapes and memory
//===----------------------------------------------------------------------===//

int64_t TensorView::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

int64_t TensorView::bytes() const {
  return elements() * static_cast<int64_t>(moert_dtype_bytes(dtype));
}

std::string TensorView::describe() const {
  std::string text;
  raw_string_ostream stream(text);
  stream << moert_dtype_name(dtype) << '[';
  interleaveComma(shape, stream);
  stream << ']';
  return text;
}

std::optional<int64_t> tensorBytes(MoertDType dtype, ArrayRef<int64_t> shape) {
  int64_t product = static_cast<int64_t>(moert_dtype_bytes(dtype));
  if (product == 0)
    return std::nullopt;
  for (int64_t size : shape)
    if (size < 0 || MulOverflow<int64_t>(product, size ? size : 1, product))
      return std::nullopt;
  return is_contained(shape, 0) ? 0 : product;
}

Expected<TensorView> allocateTensor(MoertDType dtype, ArrayRef<int64_t> shape) {
  TensorView view;
  view.dtype = dtype;
  view.shape.assign(shape.begin(), shape.end());
  std::optional<int64_t> bytes = tensorBytes(dtype, shape);
  // calloc, so that the pages of a large tensor come zeroed and on demand.
  void *memory =
      bytes ? std::calloc(static_cast<size_t>(*bytes) + MOERT_ALIGNMENT, 1)
            : nullptr;
  if (!memory)
    return createStringError(std::make_error_code(std::errc::not_enough_memory),
                             "cannot allocate " + view.describe());
  view.data =
      reinterpret_cast<char *>(alignAddr(memory, Align(MOERT_ALIGNMENT)));
  view.owner = std::shared_ptr<void>(memory, std::free);
  return view;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

namespace {

/// A binary floating-point format of at most 16 bits with an IEEE layout.
struct Format {
  int exponentBits, mantissaBits;
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  uint64_t infinity() const {
    return ((uint64_t(1) << exponentBits) - 1) << mantissaBits;
  }
};

constexpr Format f16{5, 10}, bf16{8, 7};
constexpr int doubleMantissaBits = 52, doubleBias = 1023;
constexpr uint64_t doubleInfinity = uint64_t(0x7ff) << doubleMantissaBits;

/// The value that `bits` encodes; exact, the payload of a NaN included.
double decode(uint16_t bits, Format format) {
  uint64_t sign = uint64_t(bits >> 15) << 63;
  uint64_t magnitude = bits & 0x7fff;
  uint64_t widened = magnitude << (doubleMantissaBits - format.mantissaBits);
  uint64_t result;
  if (magnitude >= format.infinity())
    result = widened | doubleInfinity;
  else if (magnitude >> format.mantissaBits) // normal
    result =
        widened + (uint64_t(doubleBias - format.bias()) << doubleMantissaBits);
  else
    result = llvm::bit_cast<uint64_t>(
        std::ldexp(static_cast<double>(magnitude),
                   1 - format.bias() - format.mantissaBits));
  return llvm::bit_cast<double>(sign | result);
}

/// `value` rounded to nearest even; too large becomes infinity, a NaN a quiet
/// NaN with the upper bits of its payload.
uint16_t encode(double value, Format format) {
  uint64_t bits = llvm::bit_cast<uint64_t>(value);
  uint64_t sign = (bits >> 63) << 15;
  uint64_t magnitude = bits & ~(uint64_t(1) << 63);
  int shift = doubleMantissaBits - format.mantissaBits;
  if (magnitude > doubleInfinity)
    return sign | format.infinity() | (1 << (format.mantissaBits - 1)) |
           ((magnitude >> shift) &
            maskTrailingOnes<uint64_t>(format.mantissaBits));
  int exponent = static_cast<int>(magnitude >> doubleMantissaBits) -
                 doubleBias + format.bias();
  // With its leading 1; of a subnormal double that is wrong, but all of those
  // are shifted out below.
  uint64_t significand =
      (magnitude & maskTrailingOnes<uint64_t>(doubleMantissaBits)) |
      (uint64_t(1) << doubleMantissaBits);
  if (exponent < 1) { // subnormal: no exponent left, the significand gives way
    shift = std::min(shift + 1 - exponent, doubleMantissaBits + 2);
    exponent = 1;
  }
  uint64_t kept = significand >> shift;
  uint64_t lost = significand & maskTrailingOnes<uint64_t>(shift);
  uint64_t half = uint64_t(1) << (shift - 1);
  kept += lost > half || (lost == half && (kept & 1));
  // The leading 1, if it is there, and a carry count up the exponent.
  uint64_t result = (uint64_t(exponent - 1) << format.mantissaBits) + kept;
  return sign | std::min(result, format.infinity());
}

/// The power of two that `bits` encodes; 255 is NaN.
double decodeF8E8M0(uint8_t bits) {
  return bits == 255 ? std::numeric_limits<double>::quiet_NaN()
                     : std::ldexp(1.0, bits - 127);
}

/// The nearest power of two, of two the one with the even code.
uint8_t encodeF8E8M0(double value) {
  if (!(value >= 0)) // NaN, too
    return 255;
  if (value <= 0x1p-127)
    return 0;
  if (value >= 0x1.8p127)
    return 255;
  int exponent;
  double fraction = std::frexp(value, &exponent); // in [0.5, 1)
  int code = exponent - 1 + 127;
  return code + (fraction > 0.75 || (fraction == 0.75 && code % 2));
}

/// `value` rounded to nearest even, saturated; 0 for NaN.
template <typename T> T toInteger(double value) {
  using Limits = std::numeric_limits<T>;
  double rounded = std::nearbyint(value);
  if (std::isnan(rounded))
    return 0;
  if (rounded <= static_cast<double>(Limits::min()))
    return Limits::min();
  if (rounded >= static_cast<double>(Limits::max())) // 2^63 for i64
    return Limits::max();
  return static_cast<T>(rounded);
}

/// Element `i` of `data`, which need not be aligned.
template <typename T> T load(const char *data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

/// Sets element `i` of `data`, which need not be aligned.
template <typename T> void store(char *data, int64_t i, T value) {
  std::memcpy(data + i * sizeof(T), &value, sizeof(T));
}

} // namespace

double readElement(const TensorView &tensor, int64_t i) {
  const char *data = tensor.data;
  switch (tensor.dtype) {
  case MOERT_F64:
    return load<double>(data, i);
  case MOERT_F32:
    return load<float>(data, i);
  case MOERT_F16:
    return decode(load<uint16_t>(data, i), f16);
  case MOERT_BF16:
    return decode(load<uint16_t>(data, i), bf16);
  case MOERT_I64:
    return static_cast<double>(load<int64_t>(data, i));
  case MOERT_I32:
    return load<int32_t>(data, i);
  case MOERT_I16:
    return load<int16_t>(data, i);
  case MOERT_I8:
    return load<int8_t>(data, i);
  case MOERT_U8:
  case MOERT_I1:
    return load<uint8_t>(data, i);
  case MOERT_F8E8M0:
    return decodeF8E8M0(load<uint8_t>(data, i));
  }
  llvm_unreachable("no such dtype");
}

void writeElement(MoertDType dtype, char *data, int64_t i, double value) {
  switch (dtype) {
  case MOERT_F64:
    return store(data, i, value);
  case MOERT_F32:
    return store(data, i, static_cast<float>(value));
  case MOERT_F16:
    return store(data, i, encode(value, f16));
  case MOERT_BF16:
    return store(data, i, encode(value, bf16));
  case MOERT_I64:
    return store(data, i, toInteger<int64_t>(value));
  case MOERT_I32:
    return store(data, i, toInteger<int32_t>(value));
  case MOERT_I16:
    return store(data, i, toInteger<int16_t>(value));
  case MOERT_I8:
    return store(data, i, toInteger<int8_t>(value));
  case MOERT_U8:
    return store(data, i, toInteger<uint8_t>(value));
  case MOERT_I1:
    return store<uint8_t>(data, i, value != 0);
  case MOERT_F8E8M0:
    return store(data, i, encodeF8E8M0(value));
  }
  llvm_unreachable("no such dtype");
}

Expected<TensorView> convertTensor(const TensorView &tensor, MoertDType dtype) {
  Expected<TensorView> result = allocateTensor(dtype, tensor.shape);
  if (!result)
    return result;
  char *data = const_cast<char *>(result->data);
  int64_t count = tensor.elements();
  if (dtype == tensor.dtype && count) // i64 beyond 2^53, too
    std::memcpy(data, tensor.data, tensor.bytes());
  else
    for (int64_t i = 0; i < count; ++i)
      writeElement(dtype, data, i, readElement(tensor, i));
  return result;
}

} // namespace moe
