//===- FuzzNpy.cpp - any bytes as an .npy file ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzSupport.h"

using namespace llvm;
using namespace moe;

extern "C" int LLVMFuzzerTestOneInput(const char *data, size_t size) {
  Expected<TensorView> view = parseNpy(StringRef(data, size), "input");
  if (view)
    fuzz::checkView(*view);
  else
    fuzz::checkMessage(toString(view.takeError()), "input: ");
  return 0;
}
