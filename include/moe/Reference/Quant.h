//===- Quant.h - from quantised weights to numbers --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_QUANT_H
#define MOE_REFERENCE_QUANT_H

#include "moe/Reference/Tensor.h"

namespace moe::reference {

/// (v - zero) * scale, where v is q's element, or with a codebook[16] its entry
/// at the low four bits of it (so i4 may be signed).
///
/// scales has the shape of q but for `axis`, which it divides: element j along
/// the axis belongs to group j / (q.dim(axis) / scales.dim(axis)). zeros, if
/// given, has the shape of scales.
Tensor dequantize(const Tensor &q, const Tensor &scales, int64_t axis,
                  const Tensor *zeros = nullptr,
                  const Tensor *codebook = nullptr);

/// The 16 numbers of FP4 E2M1 by their code: 0, 0.5, 1, 1.5, 2, 3, 4, 6, then
/// the same with the sign bit set.
Tensor e2m1Codebook();

/// The factor that a byte of F8E8M0 stands for: 2^(byte - 127), NaN for 255.
double e8m0(uint8_t byte);

} // namespace moe::reference

#endif // MOE_REFERENCE_QUANT_H
