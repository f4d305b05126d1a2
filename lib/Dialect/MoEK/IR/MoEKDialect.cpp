//===- MoEKDialect.cpp - the moek dialect ---------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moek;

#include "moe/Dialect/MoEK/IR/MoEKDialect.cpp.inc"
#include "moe/Dialect/MoEK/IR/MoEKEnums.cpp.inc"

namespace {
struct MoEKInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void MoEKDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "moe/Dialect/MoEK/IR/MoEKOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "moe/Dialect/MoEK/IR/MoEKAttributes.cpp.inc"
      >();
  addInterfaces<MoEKInlinerInterface>();
}

#define GET_ATTRDEF_CLASSES
#include "moe/Dialect/MoEK/IR/MoEKAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "moe/Dialect/MoEK/IR/MoEKOps.cpp.inc"
