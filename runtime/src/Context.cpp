//===- Context.cpp - contexts, runs, parallel regions and failures --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Cpu.h"
#include "Pages.h"
#include "Pool.h"
#include "Text.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>
#include <sched.h>

using namespace moe::runtime;

const char moe::runtime::kThisRuntime = 0;

//===----------------------------------------------------------------------===//
// Buffer
//===----------------------------------------------------------------------===//

Buffer::~Buffer() { free(data); }

void *Buffer::reserve(uint64_t bytes) {
  if (bytes <= capacity)
    return data;
  free(data);
  data = nullptr;
  capacity = 0;
  if (bytes > PTRDIFF_MAX - MOERT_ALIGNMENT)
    return nullptr;
  bytes = (bytes + MOERT_ALIGNMENT - 1) / MOERT_ALIGNMENT * MOERT_ALIGNMENT;
  if (posix_memalign(&data, MOERT_ALIGNMENT, bytes)) {
    data = nullptr;
    return nullptr;
  }
  preferLargePages(data, bytes);
  capacity = bytes;
  return data;
}

//===----------------------------------------------------------------------===//
// MoertContext
//===----------------------------------------------------------------------===//

void MoertContext::begin(const char *entry) {
  entryName = entry;
  message[0] = 0;
  status.store(MOERT_OK, std::memory_order_relaxed);
}

MoertStatus MoertContext::fail(MoertStatus failure, const char *format, ...) {
  int32_t current = MOERT_OK;
  if (!status.compare_exchange_strong(current, failure,
                                      std::memory_order_relaxed))
    return MoertStatus(current);
  Text text(message, sizeof message);
  if (entryName)
    text.add("%s: ", entryName);
  va_list list;
  va_start(list, format);
  text.addList(format, list);
  va_end(list);
  return failure;
}

void MoertContext::endRun() {
  if (!inRun)
    return;
  inRun = false;
  setFloatControl(callerFloatControl);
  if (Pool::get().ownedBy(this))
    Pool::get().release();
}

MoertStatus moert_context_create(const MoertContextOptions *options,
                                 MoertContext **context) {
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  *context = nullptr;
  if (options && options->size != sizeof(MoertContextOptions))
    return MOERT_INVALID_ARGUMENT;
  void *memory = malloc(sizeof(MoertContext));
  if (!memory)
    return MOERT_OUT_OF_MEMORY;
  auto *created = new (memory) MoertContext;
  if (options) {
    created->threads = options->threads;
    created->parallelFor = options->parallel_for;
    created->user = options->user;
    created->stream = options->stream;
  }
  if (!options || !options->threads)
    created->threads = availableCpus();
  created->threads = std::min(created->threads, MOERT_MAX_THREADS);
  *context = created;
  return MOERT_OK;
}

void moert_context_destroy(MoertContext *context) {
  if (!context)
    return;
  context->endRun();
  context->~MoertContext();
  free(context);
}

const char *moert_message(const MoertContext *context) {
  return context ? context->message : "the context is null";
}

uint32_t moert_threads(const MoertContext *context) {
  return context ? context->threads : 0;
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

void moert_enter(MoertContext *context) {
  context = ours(context);
  if (!context || context->inRun)
    return;
  context->begin(context->inCall ? context->entryName : nullptr);
  context->inRun = true;
  context->callerFloatControl = floatControl();
  setFloatControl(defaultFloatControl());
}

int32_t moert_leave(MoertContext *context) {
  if (!ours(context))
    return context ? MOERT_WRONG_ABI : MOERT_INVALID_ARGUMENT;
  context->endRun();
  return context->status.load(std::memory_order_relaxed);
}

void moert_fail(MoertContext *context, int32_t status, const char *what,
                int64_t got, int64_t limit) {
  context = ours(context);
  if (!context)
    return;
  if (status <= MOERT_OK || status > MOERT_INTERNAL)
    status = MOERT_INTERNAL;
  context->fail(MoertStatus(status),
                status == MOERT_INVALID_ARGUMENT ? "%s: got %lld, expected %lld"
                                                 : "%s: got %lld, limit %lld",
                what ? what : moert_status_name(status), (long long)got,
                (long long)limit);
}

//===----------------------------------------------------------------------===//
// Parallel regions
//===----------------------------------------------------------------------===//

/// Runs one task with the floating-point state of runs: a host's threads come
/// with theirs.
static void runHostTask(void *hostRegion, int64_t index) {
  auto &region = *static_cast<HostRegion *>(hostRegion);
  if (region.begun.fetch_add(1, std::memory_order_acquire) < 0)
    return; // closed
  if (index < 0 || index >= region.tasks) {
    region.strays.store(true, std::memory_order_relaxed);
  } else {
    uint32_t control = floatControl();
    setFloatControl(defaultFloatControl());
    region.body(region.args, index);
    setFloatControl(control);
  }
  region.done.fetch_add(1, std::memory_order_release);
}

/// Runs a region on the host's threads.
static void runOnHost(MoertContext &context, int64_t n, MoertTask body,
                      void *args) {
  HostRegion &region = context.hostRegions[context.numHostRegions++ %
                                           std::size(context.hostRegions)];
  region.body = body;
  region.args = args;
  region.tasks = n;
  region.strays.store(false, std::memory_order_relaxed);
  region.done.store(0, std::memory_order_relaxed);
  region.begun.store(0, std::memory_order_release);
  context.parallelFor(context.user, n, runHostTask, &region);
  int64_t begun =
      region.begun.fetch_or(HostRegion::kClosed, std::memory_order_relaxed);
  // It ought to have waited for them.
  while (region.done.load(std::memory_order_acquire) != begun)
    sched_yield();
  if (region.strays.load(std::memory_order_relaxed))
    context.fail(MOERT_INVALID_ARGUMENT,
                 "the host's parallel_for has run a task that is not in [0, "
                 "%lld)",
                 (long long)n);
  else if (begun != n)
    context.fail(MOERT_INVALID_ARGUMENT,
                 "the host's parallel_for has run %lld tasks, expected %lld",
                 (long long)begun, (long long)n);
}

void moert_parallel_for(MoertContext *context, int64_t n,
                        void (*body)(void *args, int64_t index), void *args) {
  context = ours(context);
  auto runAlone = [&] {
    for (int64_t i = 0; i < n; ++i)
      body(args, i);
  };
  if (n <= 1 || !context || context->threads == 1 || context->inRegion)
    return runAlone();

  Pool &pool = Pool::get();
  context->inRegion = true;
  if (context->parallelFor) {
    runOnHost(*context, n, body, args);
  } else if (pool.ownedBy(context) ||
             pool.acquire(context, context->threads - 1)) {
    pool.run(n, body, args);
    if (!context->inRun)
      pool.release();
  } else {
    runAlone();
  }
  context->inRegion = false;
}
