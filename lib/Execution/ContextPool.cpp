//===- ContextPool.cpp - contexts between calls ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContextPool.h"

#include <mutex>
#include <pthread.h>

using namespace llvm;

namespace moe {

namespace {
/// How many contexts are kept: more calls at a time than that are waiting for a
/// core anyway.
constexpr size_t kMaxIdle = 64;

struct Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Context>> idle; // the last one is the warmest
};
} // namespace

/// Never destroyed: calls may come from destructors of the process. A child of
/// a fork finds it unlocked.
static Pool &pool() {
  static Pool *const pool = [] {
    static Pool *created = new Pool;
    created->idle.reserve(kMaxIdle);
    pthread_atfork([] { created->mutex.lock(); },
                   [] { created->mutex.unlock(); },
                   [] { created->mutex.unlock(); });
    return created;
  }();
  return *pool;
}

Expected<PooledContext> PooledContext::take() {
  {
    std::lock_guard lock(pool().mutex);
    std::vector<std::unique_ptr<Context>> &idle = pool().idle;
    if (!idle.empty()) {
      PooledContext result(std::move(idle.back()));
      idle.pop_back();
      return result;
    }
  }
  Expected<Context> created = Context::create();
  if (!created)
    return created.takeError();
  return PooledContext(std::make_unique<Context>(std::move(*created)));
}

PooledContext::~PooledContext() {
  if (!context)
    return;
  std::lock_guard lock(pool().mutex);
  if (pool().idle.size() < kMaxIdle)
    pool().idle.push_back(std::move(context));
}

} // namespace moe
