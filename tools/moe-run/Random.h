//===- Random.h - arguments that nobody gives -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_RANDOM_H
#define MOE_TOOLS_MOE_RUN_RANDOM_H

#include "moe/TensorFile/TensorFile.h"

namespace moe::run {

/// Random elements, the same on every machine:
///   floats        normal; if `isWeight`, with variance 1 / fan-in, the fan-in
///                 of [..., in, out] being `in`, that of [n] being n
///   f8E8M0        the nearest powers of two to |normal|
///   integers      uniform in [0, integers), cut to what the type holds
///   i1            0 or 1
/// An error if memory is short.
llvm::Expected<TensorView> randomTensor(MoertDType dtype,
                                        llvm::ArrayRef<int64_t> shape,
                                        bool isWeight, int64_t integers,
                                        uint64_t seed);

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_RANDOM_H
