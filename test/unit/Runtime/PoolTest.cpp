//===- PoolTest.cpp - parallel regions and the threads behind them --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace moe::test;
using namespace std::chrono_literals;

namespace {

/// Returns true if `count` tasks run at the same time: each waits for all.
bool meet(MoertContext *context, int count) {
  std::atomic<int> here{0};
  std::atomic<bool> late{false};
  parallelFor(context, count, [&](int64_t) {
    ++here;
    auto deadline = std::chrono::steady_clock::now() + 20s;
    while (here < count && !late) {
      if (std::chrono::steady_clock::now() > deadline)
        late = true;
      std::this_thread::yield();
    }
  });
  return !late;
}

/// Sums that depend on the order of their terms, one a task.
std::vector<float> sums(MoertContext *context, int64_t n) {
  std::vector<float> result(n);
  moert_enter(context);
  parallelFor(context, n, [&](int64_t i) {
    float sum = 0;
    for (int j = 1; j < 50; ++j)
      sum += std::sin(float(i * j)) / float(j);
    result[i] = sum;
  });
  EXPECT_EQ(moert_leave(context), MOERT_OK);
  return result;
}

/// Returns the CPU time of this process in milliseconds.
double cpuMs() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * double(time.tv_sec) + 1e-6 * double(time.tv_nsec);
}

} // namespace

TEST(PoolTest, EachTaskRunsOnce) {
  for (uint32_t threads : {1, 2, 3, 7, 2, 5}) {
    Context context(threads);
    for (bool inRun : {false, true}) {
      if (inRun)
        moert_enter(context);
      for (int64_t n : {-1, 0, 1, 2, 3, 7, 64, 1000, 20000}) {
        std::vector<std::atomic<int>> count(std::max<int64_t>(n, 0));
        parallelFor(context, n, [&](int64_t i) { ++count.at(size_t(i)); });
        for (auto &times : count)
          ASSERT_EQ(times, 1);
      }
      if (inRun)
        EXPECT_EQ(moert_leave(context), MOERT_OK);
    }
  }
}

TEST(PoolTest, ManyRegionsInARow) {
  Context context(3);
  moert_enter(context);
  int64_t total = 0; // no lock: a region ends before the next begins
  for (int region = 0; region < 20000; ++region) {
    int64_t part[3] = {};
    parallelFor(context, 3, [&](int64_t i) { part[i] = i + total; });
    total += part[2] - part[0];
  }
  EXPECT_EQ(moert_leave(context), MOERT_OK);
  EXPECT_EQ(total, 40000);
}

TEST(PoolTest, SameBitsForAnyNumberOfThreads) {
  std::vector<float> expected = sums(Context(1), 1000);
  for (uint32_t threads : {2, 3, 7})
    EXPECT_EQ(sums(Context(threads), 1000), expected) << threads;
}

TEST(PoolTest, WorkersTakePart) {
  for (uint32_t threads : {2, 4, 3}) {
    Context context(threads);
    EXPECT_TRUE(meet(context, int(threads))); // outside a run
    moert_enter(context);
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(meet(context, int(threads)));
    EXPECT_EQ(moert_leave(context), MOERT_OK);
  }
}

TEST(PoolTest, NoMoreThreadsThanAskedFor) {
  EXPECT_TRUE(meet(Context(5), 5)); // the pool has four workers from here on
  Context context(2);
  moert_enter(context);
  std::atomic<int> inside{0}, most{0};
  for (int region = 0; region < 50; ++region)
    parallelFor(context, 64, [&](int64_t) {
      int now = ++inside;
      for (int seen = most;
           seen < now && !most.compare_exchange_weak(seen, now);)
        ;
      std::this_thread::yield();
      --inside;
    });
  EXPECT_EQ(moert_leave(context), MOERT_OK);
  EXPECT_LE(most, 2);
}

TEST(PoolTest, WorkersWakeAfterALongSerialPart) {
  Context context(2);
  moert_enter(context);
  ASSERT_TRUE(meet(context, 2));
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(meet(context, 2));
  EXPECT_EQ(moert_leave(context), MOERT_OK);
}

TEST(PoolTest, WorkersSleepBetweenRunsAndInLongPauses) {
  Context context(3);
  ASSERT_TRUE(meet(context, 3));
  for (bool inRun : {false, true}) {
    if (inRun)
      moert_enter(context);
    std::this_thread::sleep_for(50ms);
    double before = cpuMs();
    std::this_thread::sleep_for(200ms);
    EXPECT_LT(cpuMs() - before, 50) << inRun; // two spinners would use 400 ms
    if (inRun)
      EXPECT_EQ(moert_leave(context), MOERT_OK);
  }
}

TEST(PoolTest, NestedRegionsRunInTheirTask) {
  Context context(3);
  std::atomic<int> count{0};
  parallelFor(context, 10, [&](int64_t) {
    std::thread::id self = std::this_thread::get_id();
    parallelFor(context, 10, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      ++count;
    });
  });
  EXPECT_EQ(count, 100);
}

TEST(PoolTest, AnotherContextInATask) {
  Context context(3);
  std::atomic<int> right{0};
  parallelFor(context, 8, [&](int64_t) {
    Context inner(3);
    LookupCall call(20);
    right += call.prepareBlob(inner) == MOERT_OK &&
             call.call(inner) == MOERT_OK && call.isRight();
  });
  EXPECT_EQ(right, 8);
}

TEST(PoolTest, ManyContextsAtOnce) {
  LookupCall shared(50); // one blob for all
  Context preparer;
  ASSERT_EQ(shared.prepareBlob(preparer), MOERT_OK);
  std::vector<float> expected = sums(Context(1), 64);
  std::atomic<int> right{0};
  std::vector<std::thread> hosts;
  for (int host = 0; host < 64; ++host)
    hosts.emplace_back([&, host] {
      Context context(uint32_t(1 + host % 4));
      for (int64_t i = 0; i < 20; ++i) {
        LookupCall call(1 + (host + 3 * i) % 50);
        MoertStatus status = moert_call(context, &call.entry, call.tensors, 3,
                                        shared.packed.get(), nullptr, 0);
        right += status == MOERT_OK && call.isRight() &&
                 sums(context, 64) == expected;
      }
    });
  for (std::thread &host : hosts)
    host.join();
  EXPECT_EQ(right, 64 * 20);
}

TEST(PoolTest, WhoFindsThePoolTakenWorksAloneAndTakesItLater) {
  Context owner(2), other(2);
  moert_enter(owner);
  moert_enter(other);
  ASSERT_TRUE(meet(owner, 2));
  std::thread::id self = std::this_thread::get_id();
  parallelFor(other, 100,
              [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), self); });
  EXPECT_EQ(moert_leave(owner), MOERT_OK);
  EXPECT_TRUE(meet(other, 2));
  EXPECT_EQ(moert_leave(other), MOERT_OK);
  EXPECT_TRUE(meet(owner, 2));
}

TEST(PoolTest, ARunWithoutRegionsTakesNobodyAway) {
  Context idle(2), busy(2);
  moert_enter(idle);
  EXPECT_TRUE(meet(busy, 2));
  EXPECT_EQ(moert_leave(idle), MOERT_OK);
}

TEST(PoolTest, DestroyingAContextInARunGivesThePoolBack) {
  {
    Context context(2);
    moert_enter(context);
    EXPECT_TRUE(meet(context, 2));
  }
  EXPECT_TRUE(meet(Context(2), 2));
}

TEST(PoolTest, HostParallelFor) {
  std::vector<int64_t> calls;
  MoertParallelFor host = [](void *user, int64_t n, MoertTask task, void *arg) {
    static_cast<std::vector<int64_t> *>(user)->push_back(n);
    for (int64_t i = n; i-- > 0;) // any order will do
      std::thread(task, arg, i).join();
  };
  Context context(4, host, &calls);
  EXPECT_EQ(moert_threads(context), 4u);
  LookupCall call(6);
  ASSERT_EQ(call.prepareBlob(context), MOERT_OK);
  ASSERT_EQ(call.call(context), MOERT_OK);
  EXPECT_TRUE(call.isRight());
  EXPECT_EQ(calls, (std::vector<int64_t>{6, 6}));
  calls.clear();
  std::atomic<int> count{0};
  parallelFor(context, 3, [&](int64_t) {
    parallelFor(context, 5, [&](int64_t) { ++count; });
  });
  EXPECT_EQ(count, 15);
  EXPECT_EQ(calls, (std::vector<int64_t>{3})); // nested: not the host's
  parallelFor(context, 0, [&](int64_t) { ++count; });
  EXPECT_EQ(calls.size(), 1u);
}

TEST(PoolTest, WorkersBlockSignals) {
  Context context(2);
  std::thread::id self = std::this_thread::get_id();
  std::atomic<int> blocked{0}, open{0};
  std::atomic<int> here{0};
  parallelFor(context, 2, [&](int64_t) {
    ++here;
    for (int i = 0; here < 2 && i < 1000000; ++i)
      std::this_thread::yield();
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    if (std::this_thread::get_id() != self)
      ++(sigismember(&mask, SIGINT) ? blocked : open);
  });
  EXPECT_EQ(blocked, 1);
  EXPECT_EQ(open, 0);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_FALSE(sigismember(&mask, SIGINT));
}

#if defined(__x86_64__)
TEST(PoolTest, RunsKeepDenormalsOnAllThreads) {
  MoertParallelFor host = [](void *, int64_t n, MoertTask task, void *arg) {
    for (int64_t i = 0; i < n; ++i)
      std::thread([=] {
        _mm_setcsr(_mm_getcsr() | 0x8040); // flush to zero, denormals are zero
        task(arg, i);
        EXPECT_EQ(_mm_getcsr() & 0x8040, 0x8040u);
      }).join();
  };
  uint32_t saved = _mm_getcsr();
  for (bool own : {true, false}) {
    Context context(4, own ? nullptr : host);
    _mm_setcsr(saved | 0x8040);
    moert_enter(context);
    std::atomic<int> kept{0};
    volatile float tiny = 1e-38f, half = 0.5f;
    parallelFor(context, 64, [&](int64_t) { kept += tiny * half > 0; });
    EXPECT_EQ(moert_leave(context), MOERT_OK);
    EXPECT_EQ(_mm_getcsr() & 0x8040, 0x8040u);
    _mm_setcsr(saved);
    EXPECT_EQ(kept, 64);
  }
}
#endif

//===----------------------------------------------------------------------===//
// Processes
//===----------------------------------------------------------------------===//

// The thread sanitizer does not allow threads after a fork of many threads.
#if !__has_feature(thread_sanitizer)

namespace {
/// Forks; returns the exit status of a child that returns work() from main.
int inChild(std::function<int()> work) {
  fflush(nullptr);
  pid_t child = fork();
  if (!child)
    _exit(work());
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}
} // namespace

TEST(ProcessTest, ForkAfterUse) {
  Context context(3);
  ASSERT_TRUE(meet(context, 3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(inChild([&] {
                // Once more: the grandchild of a process that used its pool.
                return !meet(context, 3) ||
                       inChild([&] { return !meet(context, 3); });
              }),
              0);
    ASSERT_TRUE(meet(context, 3));
  }
}

TEST(ProcessTest, ForkInARun) {
  Context context(2);
  moert_enter(context);
  ASSERT_TRUE(meet(context, 2));
  EXPECT_EQ(inChild([&] {
              bool met = meet(context, 2);
              return !met || moert_leave(context);
            }),
            0);
  EXPECT_TRUE(meet(context, 2));
  EXPECT_EQ(moert_leave(context), MOERT_OK);
}

TEST(ProcessTest, ForkWhileAnotherThreadOwnsThePool) {
  std::atomic<bool> inside{false}, go{false};
  std::thread other([&] {
    Context context(2);
    moert_enter(context);
    parallelFor(context, 2, [&](int64_t) {
      inside = true;
      while (!go)
        std::this_thread::yield();
    });
    moert_leave(context);
  });
  while (!inside)
    std::this_thread::yield();
  EXPECT_EQ(inChild([] { return !meet(Context(3), 3); }), 0);
  go = true;
  other.join();
}

#endif

TEST(ProcessDeathTest, ExitDoesNotHang) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // With sleeping workers, in a run, and from within a task.
  EXPECT_EXIT(
      {
        meet(Context(4), 4);
        exit(3);
      },
      ::testing::ExitedWithCode(3), "");
  EXPECT_EXIT(
      {
        auto *context = new Context(4);
        moert_enter(*context);
        meet(*context, 4);
        exit(4);
      },
      ::testing::ExitedWithCode(4), "");
  EXPECT_EXIT(
      {
        std::thread::id self = std::this_thread::get_id();
        Context context(2);
        moert_enter(context);
        for (;;)
          parallelFor(context, 2, [&](int64_t) {
            if (std::this_thread::get_id() != self)
              exit(5);
          });
      },
      ::testing::ExitedWithCode(5), "");
}
