//===- Identity.h - programs that say the same twice ------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_IDENTITY_H
#define MOE_TEST_UNIT_PROPERTY_IDENTITY_H

#include "gtest/gtest.h"

#include <string>

namespace moe::test {

/// Calls the function @main of `text` on random floats, its named dimensions
/// from 0 to 33. Expects results 2i and 2i+1 to agree, bit for bit if `rtol` is
/// 0.
void expectIdentity(const std::string &text, double rtol = 0);

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_IDENTITY_H
