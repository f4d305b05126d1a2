//===- DType.cpp - names and sizes of the ABI's enumerations --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moert/moert.h"

uint32_t moert_abi_version(void) { return MOERT_ABI_VERSION; }

const char *moert_status_name(int32_t status) {
  switch (status) {
  case MOERT_OK:
    return "ok";
  case MOERT_INVALID_ARGUMENT:
    return "invalid argument";
  case MOERT_WRONG_ABI:
    return "wrong ABI";
  case MOERT_WRONG_CPU:
    return "wrong CPU";
  case MOERT_WRONG_BLOB:
    return "wrong packed weights";
  case MOERT_OUT_OF_MEMORY:
    return "out of memory";
  case MOERT_INDEX_OUT_OF_RANGE:
    return "index out of range";
  case MOERT_TOO_LARGE:
    return "too large";
  case MOERT_INTERNAL:
    return "internal error";
  }
  return "?";
}

size_t moert_dtype_bytes(int32_t dtype) {
  switch (dtype) {
  case MOERT_F64:
  case MOERT_I64:
    return 8;
  case MOERT_F32:
  case MOERT_I32:
    return 4;
  case MOERT_F16:
  case MOERT_BF16:
  case MOERT_I16:
    return 2;
  case MOERT_I8:
  case MOERT_U8:
  case MOERT_I1:
  case MOERT_F8E8M0:
    return 1;
  }
  return 0;
}

const char *moert_dtype_name(int32_t dtype) {
  switch (dtype) {
  case MOERT_F64:
    return "f64";
  case MOERT_F32:
    return "f32";
  case MOERT_F16:
    return "f16";
  case MOERT_BF16:
    return "bf16";
  case MOERT_I64:
    return "i64";
  case MOERT_I32:
    return "i32";
  case MOERT_I16:
    return "i16";
  case MOERT_I8:
    return "i8";
  case MOERT_U8:
    return "u8";
  case MOERT_I1:
    return "i1";
  case MOERT_F8E8M0:
    return "f8E8M0";
  }
  return "?";
}
