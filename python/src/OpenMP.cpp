//===- OpenMP.cpp - phases on the threads of a host's OpenMP --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PyTorch runs its own loops on the threads of an OpenMP library that comes
// with it. Two pools that spin on the same cores ruin each other, so our phases
// go to those threads too, by the entry point that compilers emit calls of;
// the package finds its address in the library that PyTorch has loaded. There
// is nothing of OpenMP in this file, and no dependency on PyTorch.
//
//===----------------------------------------------------------------------===//

#include "Objects.h"

#include <nanobind/stl/pair.h>

#include <algorithm>
#include <atomic>

namespace nb = nanobind;
using namespace moe::python;

namespace {

/// GOMP_parallel: runs body(data) on `threads` threads, the calling one being
/// one of them, and waits for all.
using GompParallel = void (*)(void (*body)(void *), void *data,
                              unsigned threads, unsigned flags);

/// What a context hands to `parallelFor`; lives as long as the process.
struct Team {
  GompParallel parallel;
  unsigned threads;
};

struct Loop {
  std::atomic<int64_t> next{0};
  int64_t n;
  MoertTask task;
  void *arg;
};

void runShare(void *data) {
  auto *loop = static_cast<Loop *>(data);
  for (int64_t i;
       (i = loop->next.fetch_add(1, std::memory_order_relaxed)) < loop->n;)
    loop->task(loop->arg, i);
}

/// A MoertParallelFor. A team may turn out smaller than asked for: the tasks
/// are taken, not dealt.
void parallelFor(void *user, int64_t n, MoertTask task, void *arg) {
  auto *team = static_cast<Team *>(user);
  Loop loop;
  loop.n = n;
  loop.task = task;
  loop.arg = arg;
  team->parallel(runShare, &loop, unsigned(std::min<int64_t>(team->threads, n)),
                 0);
}

} // namespace

void moe::python::bindOpenMP(nb::module_ &module) {
  module.def(
      "openmp_loop",
      [](uintptr_t parallel, unsigned threads) {
        auto *team =
            new Team{reinterpret_cast<GompParallel>(parallel), threads};
        return std::pair(reinterpret_cast<uintptr_t>(parallelFor),
                         reinterpret_cast<uintptr_t>(team));
      },
      nb::arg("parallel"), nb::arg("threads"),
      "parallel_for and user of a Context whose loops run by `parallel`, the "
      "address of GOMP_parallel.");
}
