//===- StatusResource.h - what ops that can fail write ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOEK_IR_STATUSRESOURCE_H
#define MOE_LIB_DIALECT_MOEK_IR_STATUSRESOURCE_H

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace moek {

/// The status word of a run.
struct StatusResource : mlir::SideEffects::Resource::Base<StatusResource> {
  llvm::StringRef getName() final { return "moek.status"; }
};

} // namespace moek

#endif // MOE_LIB_DIALECT_MOEK_IR_STATUSRESOURCE_H
