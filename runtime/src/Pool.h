//===- Pool.h - the process-wide threads ------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One owner at a time, from the first region of a run to moert_leave, runs
// parallel regions on the pool; whoever finds it taken works alone. A run
// without regions, of a tiny layer, wakes nobody. A region is open while tasks
// are left to claim. Workers join an open region if they come in time, the
// owner waits for those that joined and for nobody else: a worker that is
// asleep, or that a busy neighbour keeps from its core, costs its share and
// nothing more, and no wake-up is needed for a region to end.
//
// All of that is one atomic word, `state`:
//
//   generation : 32 | open : 1 | limit : 15 | joined : 16
//
// `limit` is the number of workers the owner asked for (0: no owner); only
// those with a lower number take part. Owner and workers change the word as
// follows, and nobody else touches the job's fields while the region is open or
// joined.
//
//   acquire  generation + 1, limit = workers      owner, nobody joined
//   open     generation + 1, open                 owner, nobody joined
//   join     joined + 1 where open                worker, once a generation
//   part     joined - 1                           worker, no task left
//   close    not open; wait until joined = 0      owner
//   release  limit = 0                            owner, nobody joined
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_POOL_H
#define MOERT_SRC_POOL_H

#include "moert/moert.h"

#include <atomic>
#include <pthread.h>

namespace moe::runtime {

class Pool {
public:
  static constexpr unsigned kMaxWorkers = MOERT_MAX_THREADS - 1;

  /// Returns the pool of this process.
  static Pool &get();

  /// Returns true if `context` owns the pool.
  bool ownedBy(const MoertContext *context) const {
    return owner.load(std::memory_order_relaxed) == context;
  }

  /// Makes `context` the owner and wakes `count` workers, starting those that
  /// do not exist yet (as many as the system grants). Returns false if another
  /// context is the owner.
  bool acquire(const MoertContext *context, unsigned count);

  /// Gives the pool back. Only by its owner, outside a region.
  void release();

  /// Runs body(args, i) for i in [0, n), on the calling thread and on workers
  /// that are free. Only by the owner.
  void run(int64_t n, MoertTask body, void *args);

  /// Ends and joins the workers: later regions run on the calling thread.
  void shutdown();

private:
  struct Worker {
    pthread_t thread{};
    pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
    bool asleep = false; // guarded by mutex
  };

  static void *workerMain(void *worker);
  static void resetAfterFork();
  void work(unsigned id);
  uint64_t awaitRegion(unsigned id, uint32_t seen);
  void sleep(unsigned id, uint64_t since);
  void drain();
  void start(unsigned count);
  void wake(unsigned count);

  alignas(64) std::atomic<uint64_t> state{0};
  std::atomic<bool> stopping{false};
  alignas(64) std::atomic<int64_t> next{0};
  // The job.
  alignas(64) MoertTask body = nullptr;
  void *args = nullptr;
  int64_t tasks = 0;
  int64_t divisor = 1; // a claim takes the tasks left / divisor, at least one

  alignas(64) std::atomic<const MoertContext *> owner{nullptr};
  // Workers that fell asleep within a run: opening a region wakes them.
  std::atomic<int> dozing{0};
  std::atomic<unsigned> started{0}; // written under mutex
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  bool forkHandler = false; // guarded by mutex
  Worker workers[kMaxWorkers];
};

} // namespace moe::runtime

#endif // MOERT_SRC_POOL_H
