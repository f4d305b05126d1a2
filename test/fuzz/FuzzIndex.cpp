//===- FuzzIndex.cpp - any bytes as the index of a checkpoint -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FuzzSupport.h"

using namespace llvm;
using namespace moe;

/// The shard "s" holds the tensor "a" and an unusable one, "q"; there is no
/// other shard.
static Expected<Safetensors> readShard(StringRef name) {
  fuzz::require(!name.empty() && name != ".." && !name.contains('/'));
  if (name != "s")
    return createStringError("input: no shard");
  static const std::string header =
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
      R"("q":{"dtype":"F4","shape":[4],"data_offsets":[2,4]}})";
  static const std::string bytes = std::string(1, char(header.size())) +
                                   std::string(7, '\0') + header + "wxyz";
  Expected<Safetensors> shard = Safetensors::parse(bytes, "s");
  fuzz::require(bool(shard));
  return shard;
}

extern "C" int LLVMFuzzerTestOneInput(const char *data, size_t size) {
  fuzz::checkFile(
      Safetensors::parseIndex(StringRef(data, size), "input", readShard),
      "input: ");
  return 0;
}
