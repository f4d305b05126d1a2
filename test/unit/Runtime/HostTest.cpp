//===- HostTest.cpp - parallel loops of a host ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A host's parallel loop is not ours: it may be wrong, and then the call fails
// and memory stays in order.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <atomic>
#include <thread>

using namespace moe::test;

namespace {

/// A parallel loop that runs what `plan` says.
struct Host {
  using Run = std::function<void(int64_t)>;
  std::function<void(int64_t n, Run run)> plan;

  static void loop(void *user, int64_t n, MoertTask task, void *arg) {
    static_cast<Host *>(user)->plan(n, [=](int64_t i) { task(arg, i); });
  }
};

class HostTest : public testing::Test {
protected:
  /// The message of a call on six rows, "" if it succeeds with right results.
  std::string messageOf(std::function<void(int64_t, Host::Run)> plan) {
    host.plan = std::move(plan);
    MoertStatus status = call.call(context);
    if (status == MOERT_OK)
      return call.isRight() ? "" : "wrong results";
    EXPECT_EQ(status, MOERT_INVALID_ARGUMENT);
    return context.message();
  }

  void SetUp() override { ASSERT_EQ(call.prepareBlob(Context(1)), MOERT_OK); }

  Host host;
  Context context{4, Host::loop, &host};
  LookupCall call{6};
};

TEST_F(HostTest, AnyOrderAnyThread) {
  EXPECT_EQ(messageOf([](int64_t n, Host::Run run) {
              for (int64_t i = n; i-- > 0;)
                run(i);
            }),
            "");
  EXPECT_EQ(messageOf([](int64_t n, Host::Run run) {
              std::vector<std::thread> threads;
              for (int64_t i = 0; i < n; ++i)
                threads.emplace_back(run, i);
              for (std::thread &thread : threads)
                thread.join();
            }),
            "");
}

TEST_F(HostTest, TooFewOrTooMany) {
  EXPECT_EQ(messageOf([](int64_t, Host::Run) {}),
            "lookup: the host's parallel_for has run 0 tasks, expected 6");
  EXPECT_EQ(messageOf([](int64_t n, Host::Run run) {
              for (int64_t i = 1; i < n; ++i)
                run(i);
            }),
            "lookup: the host's parallel_for has run 5 tasks, expected 6");
  EXPECT_EQ(messageOf([](int64_t n, Host::Run run) {
              for (int64_t i = 0; i < n + 2; ++i)
                run(i % n);
            }),
            "lookup: the host's parallel_for has run 8 tasks, expected 6");
}

TEST_F(HostTest, TasksThatThereAreNot) {
  for (int64_t stray : {int64_t(-1), int64_t(6), INT64_MAX, INT64_MIN})
    EXPECT_EQ(messageOf([=](int64_t n, Host::Run run) {
                for (int64_t i = 1; i < n; ++i)
                  run(i);
                run(stray);
              }),
              "lookup: the host's parallel_for has run a task that is not in "
              "[0, 6)");
}

TEST_F(HostTest, TasksAfterTheEndDoNothing) {
  std::vector<std::function<void()>> late;
  EXPECT_EQ(messageOf([&](int64_t n, Host::Run run) {
              for (int64_t i = 0; i < n; ++i)
                late.push_back([=] { run(i); });
            }),
            "lookup: the host's parallel_for has run 0 tasks, expected 6");
  std::vector<float> before = call.y;
  for (const std::function<void()> &task : late)
    task();
  EXPECT_EQ(call.y, before);
}

// A task that begins when the next region is open belongs to none.
TEST_F(HostTest, TasksOfAnEarlierRegionDoNothing) {
  std::function<void()> late;
  std::vector<float> before;
  std::string message = messageOf([&](int64_t n, Host::Run run) {
    if (late) { // in the second region
      late();
      before = call.y;
      return;
    }
    late = [=] { run(0); };
    for (int64_t i = 0; i < n; ++i)
      run(i);
  });
  EXPECT_EQ(message,
            "lookup: the host's parallel_for has run 0 tasks, expected 6");
  EXPECT_EQ(before, std::vector<float>(call.y.size(), -1));
}

// It returns while a task still runs.
TEST_F(HostTest, TasksAreAwaited) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    messageOf([&](int64_t n, Host::Run run) {
      std::atomic<bool> started{false};
      threads.emplace_back([&started, run] {
        started = true;
        run(0);
      });
      while (!started)
        std::this_thread::yield();
      for (int64_t i = 1; i < n; ++i)
        run(i);
    });
    for (std::thread &thread : threads)
      thread.join();
  }
  // The next call is as good as any.
  EXPECT_EQ(messageOf([](int64_t n, Host::Run run) {
              for (int64_t i = 0; i < n; ++i)
                run(i);
            }),
            "");
}

} // namespace
