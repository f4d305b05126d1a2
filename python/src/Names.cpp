//===- Names.cpp - arguments in messages ----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

using namespace moe::python;

std::string moe::python::placeOf(const MoertEntry &entry, const MoertArg &arg) {
  return std::string(entry.name) +
         (arg.role == MOERT_OUTPUT ? ": result '" : ": argument '") + arg.name +
         "'";
}

std::string moe::python::typeOf(const MoertEntry &entry, const MoertArg &arg) {
  std::string text = std::string(moert_dtype_name(arg.dtype)) + "[";
  for (unsigned d = 0; d < arg.rank; ++d) {
    text += d ? ", " : "";
    if (arg.dims[d] >= 0)
      text += std::to_string(entry.sizes[arg.dims[d]]);
    else
      text += entry.symbols[~arg.dims[d]];
  }
  return text + "]";
}

std::string moe::python::typeOf(const MoertTensor &tensor) {
  std::string text = std::string(moert_dtype_name(tensor.dtype)) + "[";
  for (unsigned d = 0; d < tensor.rank; ++d)
    text += (d ? ", " : "") + std::to_string(tensor.shape[d]);
  return text + "]";
}
