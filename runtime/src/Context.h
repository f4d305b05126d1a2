//===- Context.h - the state of one host thread's calls ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_CONTEXT_H
#define MOERT_SRC_CONTEXT_H

#include "moert/moert.h"

#include <atomic>

namespace moe::runtime {

/// Memory that grows and never shrinks, aligned to MOERT_ALIGNMENT.
class Buffer {
public:
  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer();

  /// Returns at least `bytes` bytes with unspecified contents, null if there is
  /// no memory. Earlier results become invalid.
  void *reserve(uint64_t bytes);

private:
  void *data = nullptr;
  uint64_t capacity = 0;
};

/// A region on a host's threads. A host may be wrong about them: what it runs
/// is counted, and what comes too late finds the region closed.
struct HostRegion {
  static constexpr int64_t kClosed = INT64_MIN; // in `begun`

  MoertTask body = nullptr;
  void *args = nullptr;
  int64_t tasks = 0;
  std::atomic<int64_t> begun{kClosed}, done{0};
  std::atomic<bool> strays{false}; // a task that there is not was run
};

/// Its address tells copies of this library in one process apart.
extern const char kThisRuntime;

} // namespace moe::runtime

struct MoertContext {
  // First, in all versions: the copy of this library that made the context.
  const void *runtime = &moe::runtime::kThisRuntime;
  uint32_t threads = 1;
  MoertParallelFor parallelFor = nullptr;
  void *user = nullptr;
  void *stream = nullptr;

  // The current run. `inRun` and `inRegion` are written by the calling thread
  // between regions; tasks only read them.
  const char *entryName = nullptr; // valid in a call only
  bool inCall = false;             // compiled code has control
  bool inRun = false, inRegion = false;
  // In turn, so that a task which a host begins too late is not taken for one
  // of the region that is open by then.
  moe::runtime::HostRegion hostRegions[8];
  unsigned numHostRegions = 0; // so far
  uint32_t callerFloatControl = 0;
  // MOERT_OK, or the first failure: who sets it writes the message.
  std::atomic<int32_t> status{MOERT_OK};
  char message[1024] = {};

  moe::runtime::Buffer workspace, scratch;

  /// Forgets the last call's failure; messages from here on name `entry`, if
  /// not null.
  void begin(const char *entry);

  /// Records a failure unless there is one, from any thread, and returns the
  /// status that counts. The message starts with the entry's name.
  __attribute__((format(printf, 3, 4))) MoertStatus fail(MoertStatus failure,
                                                         const char *format,
                                                         ...);

  /// Ends a run, if one is going on: gives the pool and the caller's
  /// floating-point state back.
  void endRun();
};

namespace moe::runtime {

/// What generated code got as its context; null if another copy of this library
/// made it (in a program that links the static one and loads a library that
/// wants the shared one), for that has its own threads and layouts.
inline MoertContext *ours(MoertContext *context) {
  return context && context->runtime == &kThisRuntime ? context : nullptr;
}

} // namespace moe::runtime

#endif // MOERT_SRC_CONTEXT_H
