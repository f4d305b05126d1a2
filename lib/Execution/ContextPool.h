//===- ContextPool.h - contexts between calls -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls without a context of the host's use one of these. They are shared by
// all functions of the process, for each has a workspace that grows to the
// largest call: many layers, called one after the other, share one.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_CONTEXTPOOL_H
#define MOE_LIB_EXECUTION_CONTEXTPOOL_H

#include "moe/Execution/Module.h"

namespace moe {

/// A context for one call, which goes back when this ends.
class PooledContext {
public:
  static llvm::Expected<PooledContext> take();
  PooledContext(PooledContext &&) = default;
  ~PooledContext();

  const Context &operator*() const { return *context; }
  const Context *operator->() const { return context.get(); }

private:
  explicit PooledContext(std::unique_ptr<Context> context)
      : context(std::move(context)) {}
  std::unique_ptr<Context> context;
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_CONTEXTPOOL_H
