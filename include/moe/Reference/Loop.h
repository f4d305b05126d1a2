//===- Loop.h - what tells the iterations of a loop apart -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `moe.loop` itself is a for statement here, and its stacked results are
// `stack` of what each iteration yields.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_LOOP_H
#define MOE_REFERENCE_LOOP_H

#include "moe/Reference/Linear.h"

namespace moe::reference {

/// The n tensors of `parts`, each of shape `shape`, as one [n, shape...].
Tensor stack(const std::vector<Tensor> &parts, const Shape &shape);
IndexTensor stack(const std::vector<IndexTensor> &parts, const Shape &shape);

/// The code of iteration k (from 0), c numbers, c even:
///
///   code[i]         = cos(k maxPeriod^(-i / (c/2)))     0 <= i < c/2
///   code[c/2 + i]   = sin(k maxPeriod^(-i / (c/2)))
Tensor iterEncode(int64_t k, int64_t c, double maxPeriod = 10000);

struct Modulated {
  Tensor n;     ///< [T,d]
  Tensor alpha; ///< [T,d], the gate; [0] if m = 2.
};

/// A norm modulated by the iteration and the token: h[T,d], v[c] (a function of
/// the iteration), wH[d,c], wMod[c,m*d], bMod[m*d]; m = 2 or 3.
///
///   (gamma | beta | alpha) = act(v + h wH) wMod + bMod
///   n = (1 + gamma) * norm(h) + beta
Modulated iterAdaLN(const Tensor &h, const Tensor &v, const Tensor &wH,
                    const Tensor &wMod, const Tensor &bMod,
                    Activation activation, Norm norm, double epsilon);

} // namespace moe::reference

#endif // MOE_REFERENCE_LOOP_H
