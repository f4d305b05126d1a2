//===- ThreadsTest.cpp - the C API from many threads and processes --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

extern "C" {
#include "Support.h"
}

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// Runs work(i) for i in [0, 64) on as many threads; returns how often it was
/// not MOE_OK.
int on64Threads(const std::function<MoeStatus(int)> &work) {
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i)
    threads.emplace_back([&, i] { failed += work(i) != MOE_OK; });
  for (std::thread &thread : threads)
    thread.join();
  return failed;
}

/// A context whose threads are the host's.
MoeContext *contextOf(MoertParallelFor loop, void *user) {
  MoertContextOptions options = {sizeof options, 4, loop, user, nullptr};
  MoeContext *context = nullptr;
  EXPECT_EQ(moe_context_create(&options, &context), MOE_OK);
  return context;
}

class CapiThreadsTest : public testing::Test {
protected:
  CapiThreadsTest() { EXPECT_NE(bound, nullptr); }
  ~CapiThreadsTest() override {
    moe_bound_destroy(bound);
    EXPECT_EQ(moe_live_handles(), before);
  }

  uint64_t before = moe_live_handles();
  MoeBound *bound = bindScale();
};

TEST_F(CapiThreadsTest, ManyCallOneFunction) {
  EXPECT_EQ(on64Threads([&](int) -> MoeStatus {
              for (int i = 0; i < 50; ++i)
                if (MoeStatus status = callScale(bound, nullptr, nullptr, 0))
                  return status;
              return MOE_OK;
            }),
            0);
}

TEST_F(CapiThreadsTest, ManyCompileAtOnce) {
  MoeCompiler *compiler;
  ASSERT_EQ(moe_compiler_create(nullptr, &compiler), MOE_OK);
  EXPECT_EQ(on64Threads([&](int i) -> MoeStatus {
              MoeModule *module = nullptr;
              MoeStatus status =
                  i % 8 ? moe_compile(compiler, "oops", 4, "f.mlir", &module)
                        : moe_compile(compiler, source, sourceSize, nullptr,
                                      &module);
              moe_module_destroy(module);
              // Messages are each thread's own.
              if (i % 8 && std::string(moe_error_message()).find("f.mlir:1:1"))
                return MOERT_INTERNAL;
              return i % 8 && status == MOE_COMPILE_ERROR ? MOE_OK : status;
            }),
            0);
  MoeStatistics statistics = {sizeof statistics, 0, 0, 0, 0};
  EXPECT_EQ(moe_compiler_statistics(compiler, &statistics), MOE_OK);
  EXPECT_EQ(statistics.compilations, 8u);
  moe_compiler_destroy(compiler);
}

// Each thread calls until the handle is gone; it lives as long as a call.
TEST_F(CapiThreadsTest, DestroyedWhileOthersCall) {
  MoeBound *shared = bindScale();
  std::atomic<int> destroyed{0};
  EXPECT_EQ(on64Threads([&](int i) -> MoeStatus {
              if (i >= 60) {
                destroyed += moe_bound_destroy(shared) == MOE_OK;
                return MOE_OK;
              }
              for (;;) {
                MoeStatus status = callScale(shared, nullptr, nullptr, 0);
                if (status != MOE_OK)
                  return status == MOE_INVALID_HANDLE ? MOE_OK : status;
              }
            }),
            0);
  EXPECT_EQ(destroyed, 1);
}

// From within a call: the same context is busy, another one is not, and all of
// them may be destroyed.
TEST_F(CapiThreadsTest, CallsWithinACall) {
  struct Host {
    MoeBound *bound;
    MoeContext *context;
    MoeStatus same, other, ended, again;
  } host = {bindScale(), nullptr, -1, -1, -1, -1};
  host.context = contextOf(
      [](void *user, int64_t n, MoertTask task, void *arg) {
        Host &host = *static_cast<Host *>(user);
        if (host.same == -1) {
          host.same = callScale(host.bound, host.context, nullptr, 0);
          host.other = callScale(host.bound, nullptr, nullptr, 0);
          host.ended = moe_bound_destroy(host.bound);
          moe_context_destroy(host.context);
          host.again = callScale(host.bound, host.context, nullptr, 0);
        }
        for (int64_t i = n; i-- > 0;)
          task(arg, i);
      },
      &host);
  EXPECT_EQ(callLarge(host.bound, host.context), MOE_OK);
  EXPECT_EQ(host.same, MOE_BUSY);
  EXPECT_EQ(host.other, MOE_OK);
  EXPECT_EQ(host.ended, MOE_OK);
  EXPECT_EQ(host.again, MOE_INVALID_HANDLE);
}

// It runs nothing, runs a task that there is not, or throws: the call fails,
// and the next one is as good as any.
TEST_F(CapiThreadsTest, HostsThatFail) {
  std::function<void(int64_t, std::function<void(int64_t)>)> plan;
  MoeContext *context = contextOf(
      [](void *user, int64_t n, MoertTask task, void *arg) {
        (*static_cast<decltype(plan) *>(user))(
            n, [=](int64_t i) { task(arg, i); });
      },
      &plan);
  auto all = [](int64_t n, const std::function<void(int64_t)> &run) {
    for (int64_t i = 0; i < n; ++i)
      run(i);
  };
  const std::pair<decltype(plan), const char *> cases[] = {
      {[](int64_t, auto) {}, "scale: the host's parallel_for has run 0 tasks"},
      {[&](int64_t n, auto run) { all(n, run), run(n); },
       "scale: the host's parallel_for has run a task that is not in [0, "},
      {[](int64_t, auto) { throw std::runtime_error("no threads\nleft"); },
       "the host's parallel_for has thrown: no threads"},
      {[&](int64_t n, auto run) { all(n, run), throw 1; },
       "the host's parallel_for has thrown: an exception"}};
  for (const auto &[failing, message] : cases) {
    plan = failing;
    EXPECT_EQ(callLarge(bound, context), MOERT_INVALID_ARGUMENT);
    EXPECT_EQ(std::string(moe_error_message()).find(message), 0u)
        << moe_error_message();
    plan = all;
    EXPECT_EQ(callLarge(bound, context), MOE_OK);
  }
  moe_context_destroy(context);
}

TEST_F(CapiThreadsTest, DiagnosticCallbacksThatThrow) {
  MoeCompilerOptions options = {};
  options.size = sizeof options;
  options.diagnostics = [](void *, const MoeDiagnostic *diagnostic) {
    throw std::runtime_error(diagnostic->message);
  };
  MoeCompiler *compiler;
  MoeModule *module;
  ASSERT_EQ(moe_compiler_create(&options, &compiler), MOE_OK);
  EXPECT_EQ(moe_compile(compiler, "oops", 4, "f.mlir", &module),
            MOE_COMPILE_ERROR);
  EXPECT_EQ(std::string(moe_error_message())
                .find("the handler of diagnostics has thrown: custom op"),
            0u)
      << moe_error_message();
  EXPECT_EQ(moe_compile(compiler, source, sourceSize, nullptr, &module),
            MOE_OK);
  moe_module_destroy(module);
  moe_compiler_destroy(compiler);
}

#if !__has_feature(thread_sanitizer) // no threads after a fork of many, there
TEST_F(CapiThreadsTest, ForkAfterUse) {
  ASSERT_EQ(callScale(bound, nullptr, nullptr, 0), MOE_OK);
  pid_t child = fork();
  if (!child) { // calls, binds and compiles
    MoeBound *own = bindScale();
    _exit(callScale(bound, nullptr, nullptr, 0) != MOE_OK || !own ||
          callScale(own, nullptr, nullptr, 0) != MOE_OK ||
          moe_bound_destroy(own) != MOE_OK);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(callScale(bound, nullptr, nullptr, 0), MOE_OK);
}
#endif

/// Bytes of memory that this process holds.
int64_t residentBytes() {
  long pages = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
    resident = 0;
  if (file)
    fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

// Loaded, bound, called, destroyed; some are compiled first.
TEST_F(CapiThreadsTest, AThousandModules) {
  MoeCompiler *compiler;
  MoeBuffer *object;
  const char *code;
  size_t size;
  ASSERT_EQ(moe_compiler_create(nullptr, &compiler), MOE_OK);
  ASSERT_EQ(moe_emit(compiler, source, sourceSize, nullptr, "object", &object),
            MOE_OK);
  ASSERT_EQ(moe_buffer_get(object, &code, &size), MOE_OK);
  MoertTensor weight = tensorOf(weights, weightShape, 1);
  auto live = [&](bool compile) -> MoeStatus {
    MoeModule *module = nullptr;
    MoeFunction *function = nullptr;
    MoeBound *layer = nullptr;
    MoeStatus status =
        compile ? moe_compile(compiler, source, sourceSize, nullptr, &module)
                : moe_load_object(compiler, code, size, &module);
    if (status == MOE_OK)
      status = moe_module_lookup(module, "scale", &function);
    if (status == MOE_OK)
      status = moe_bind(function, nullptr, &weight, 1, &layer);
    if (status == MOE_OK)
      status = callScale(layer, nullptr, nullptr, 0);
    moe_module_destroy(module);
    moe_bound_destroy(layer);
    moe_function_destroy(function);
    return status;
  };
  int64_t warm = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(live(i % 100 == 99), MOE_OK) << moe_error_message();
    if (i == 299)
      warm = residentBytes();
  }
  // 700 more; each holds more than a page while it lives.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  EXPECT_LT(residentBytes() - warm, 700 * 4096);
#endif
  moe_buffer_destroy(object);
  moe_compiler_destroy(compiler);
}

} // namespace
