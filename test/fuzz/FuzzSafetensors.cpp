//===- FuzzSafetensors.cpp - any bytes as a safetensors file --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzSupport.h"

using namespace llvm;
using namespace moe;

extern "C" int LLVMFuzzerTestOneInput(const char *data, size_t size) {
  fuzz::checkFile(Safetensors::parse(StringRef(data, size), "input"),
                  "input: ");
  return 0;
}
