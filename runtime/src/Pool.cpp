//===- Pool.cpp - the process-wide threads --------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pool.h"
#include "Cpu.h"

#include <algorithm>
#include <cstdio>
#include <new>
#include <sched.h>
#include <signal.h>
#include <time.h>

using namespace moe::runtime;

static constexpr uint64_t kJoined = 0xffff;
static constexpr uint64_t kOpen = 1ull << 31;
static constexpr uint64_t kGeneration = 1ull << 32; // one step of it

static unsigned limitOf(uint64_t state) { return state >> 16 & 0x7fff; }
static uint32_t generationOf(uint64_t state) { return uint32_t(state >> 32); }

/// How long workers look for work before they sleep: in a run, which may have a
/// serial part, and after it, so that runs in quick succession find them awake.
static constexpr int64_t kSpinInRunNs = 2'000'000, kSpinIdleNs = 50'000;
/// Looks between two calls of sched_yield.
static constexpr unsigned kLooksPerYield = 64;

/// Constant-initialised and trivially destructible: it is there before the
/// first constructor of the process and after the last destructor.
static Pool pool;
/// Exit may come from within a task; a worker cannot wait for itself.
static __thread bool isWorker = false;

Pool &Pool::get() { return pool; }

/// Ends the workers when the process exits or the library is unloaded, so that
/// none is left in code that goes away.
__attribute__((destructor)) static void shutdownAtExit() { pool.shutdown(); }

/// Returns monotonic time in nanoseconds.
static int64_t nowNs() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t(1'000'000'000) + time.tv_nsec;
}

//===----------------------------------------------------------------------===//
// The owner's side
//===----------------------------------------------------------------------===//

bool Pool::acquire(const MoertContext *context, unsigned count) {
  // Look first: many contexts that fail must not fight for the cache line.
  const MoertContext *nobody = nullptr;
  if (owner.load(std::memory_order_relaxed) ||
      !owner.compare_exchange_strong(nobody, context, std::memory_order_acquire,
                                     std::memory_order_relaxed))
    return false;
  count = std::min(count, kMaxWorkers);
  if (started.load(std::memory_order_relaxed) < count)
    start(count);
  count = std::min(count, started.load(std::memory_order_relaxed));
  uint64_t generation = generationOf(state.load(std::memory_order_relaxed));
  state.store((generation + 1) * kGeneration | uint64_t(count) << 16);
  wake(count);
  return true;
}

void Pool::release() {
  uint64_t generation = generationOf(state.load(std::memory_order_relaxed));
  state.store(generation * kGeneration, std::memory_order_relaxed);
  owner.store(nullptr, std::memory_order_release);
}

void Pool::run(int64_t n, MoertTask newBody, void *newArgs) {
  uint64_t current = state.load(std::memory_order_relaxed);
  unsigned limit = limitOf(current);
  body = newBody;
  args = newArgs;
  tasks = n;
  divisor = 8 * int64_t(limit + 1);
  next.store(0, std::memory_order_relaxed);
  state.store((current + kGeneration) |
              kOpen); // seq_cst: before the look below
  if (dozing.load())
    wake(limit);
  drain();
  current = state.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (unsigned looks = 1; current & kJoined; ++looks) {
    if (looks % kLooksPerYield)
      relax();
    else
      sched_yield();
    current = state.load(std::memory_order_acquire);
  }
}

/// Claims tasks and runs them until none is left. Claims shrink towards the
/// end: few atomic operations for many small tasks, balance for few large ones.
void Pool::drain() {
  for (;;) {
    int64_t first = next.load(std::memory_order_relaxed), count;
    do {
      if (first >= tasks)
        return;
      count = std::max<int64_t>(1, (tasks - first) / divisor);
    } while (!next.compare_exchange_weak(first, first + count,
                                         std::memory_order_relaxed));
    for (int64_t i = first; i < first + count; ++i)
      body(args, i);
  }
}

/// Starts workers until there are `count`, or until the system refuses.
void Pool::start(unsigned count) {
  pthread_mutex_lock(&mutex);
  if (!forkHandler)
    forkHandler = !pthread_atfork(nullptr, nullptr, resetAfterFork);
  // Signals are for the host's threads.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  unsigned have = started.load(std::memory_order_relaxed);
  while (have < count && !stopping.load(std::memory_order_relaxed) &&
         !pthread_create(&workers[have].thread, nullptr, workerMain,
                         &workers[have]))
    ++have;
  started.store(have, std::memory_order_relaxed);
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  pthread_mutex_unlock(&mutex);
}

/// Wakes those of the first `count` workers that sleep.
void Pool::wake(unsigned count) {
  pthread_mutex_lock(&mutex);
  for (unsigned id = 0; id < count; ++id)
    if (workers[id].asleep)
      pthread_cond_signal(&workers[id].wake);
  pthread_mutex_unlock(&mutex);
}

void Pool::shutdown() {
  pthread_mutex_lock(&mutex);
  stopping.store(true, std::memory_order_relaxed);
  unsigned count = started.load(std::memory_order_relaxed);
  pthread_mutex_unlock(&mutex);
  wake(count);
  if (isWorker)
    return;
  for (unsigned id = 0; id < count; ++id)
    pthread_join(workers[id].thread, nullptr);
  started.store(0, std::memory_order_relaxed);
}

/// The child of a fork has one thread, and locks in the state they were in:
/// begins anew.
void Pool::resetAfterFork() {
  new (&pool) Pool;
  pool.forkHandler = true; // children inherit it
}

//===----------------------------------------------------------------------===//
// The workers' side
//===----------------------------------------------------------------------===//

void *Pool::workerMain(void *worker) {
  unsigned id = unsigned(static_cast<Worker *>(worker) - pool.workers);
#if defined(__linux__)
  char name[16];
  snprintf(name, sizeof name, "moert-%u", id + 1);
  pthread_setname_np(pthread_self(), name);
#endif
  isWorker = true;
  // A new thread inherits the control word of the one that started it.
  setFloatControl(defaultFloatControl());
  pool.work(id);
  return nullptr;
}

/// Joins one region after the other until the pool shuts down.
void Pool::work(unsigned id) {
  uint32_t seen = 0;
  while (uint64_t found = awaitRegion(id, seen)) {
    if (!state.compare_exchange_strong(found, found + 1,
                                       std::memory_order_acquire,
                                       std::memory_order_relaxed))
      continue; // closed, or another worker joined: look again
    seen = generationOf(found);
    drain();
    state.fetch_sub(1, std::memory_order_release);
  }
}

/// Waits for an open region of another generation than `seen` that worker `id`
/// may join. Returns the state that showed it; 0 when the pool shuts down.
uint64_t Pool::awaitRegion(unsigned id, uint32_t seen) {
  int64_t begin = 0; // when the wait passed its first yield
  for (unsigned looks = 1; !stopping.load(std::memory_order_relaxed); ++looks) {
    uint64_t current = state.load(std::memory_order_relaxed);
    bool inRun = id < limitOf(current);
    if (inRun && (current & kOpen) && generationOf(current) != seen)
      return current;
    if (looks % kLooksPerYield) {
      relax();
      continue;
    }
    sched_yield();
    int64_t now = nowNs();
    if (!begin)
      begin = now;
    if (now - begin > (inRun ? kSpinInRunNs : kSpinIdleNs)) {
      sleep(id, current);
      begin = 0;
    }
  }
  return 0;
}

/// Sleeps until an owner wants worker `id`, in a generation other than that of
/// the state `since`, or the pool shuts down.
void Pool::sleep(unsigned id, uint64_t since) {
  Worker &self = workers[id];
  pthread_mutex_lock(&mutex);
  self.asleep = true;
  for (bool counted = false;;) {
    bool inRun = id < limitOf(state.load(std::memory_order_relaxed));
    if (inRun != counted) {
      dozing.fetch_add(inRun ? 1 : -1); // seq_cst: before the look below
      counted = inRun;
    }
    uint64_t current = state.load();
    if (stopping.load(std::memory_order_relaxed) ||
        (id < limitOf(current) &&
         generationOf(current) != generationOf(since))) {
      if (counted)
        dozing.fetch_sub(1, std::memory_order_relaxed);
      break;
    }
    pthread_cond_wait(&self.wake, &mutex);
  }
  self.asleep = false;
  pthread_mutex_unlock(&mutex);
}
