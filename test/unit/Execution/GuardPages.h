//===- GuardPages.h - buffers that nobody may leave -------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_EXECUTION_GUARDPAGES_H
#define MOE_TEST_UNIT_EXECUTION_GUARDPAGES_H

#include "moe/Execution/Module.h"
#include "moe/TensorFile/TensorFile.h"

#include <vector>

namespace moe::test {

/// Which end of a buffer lies at a page that must not be touched. The other end
/// is watched by a pattern.
enum class Edge { Front, Back };

/// Memory between two inaccessible pages.
class GuardedBuffer {
public:
  /// `bytes` bytes, aligned to `alignment` (a power of two, at most a page).
  GuardedBuffer(size_t bytes, size_t alignment, Edge edge);
  ~GuardedBuffer();
  GuardedBuffer(GuardedBuffer &&other);
  GuardedBuffer(const GuardedBuffer &) = delete;

  char *data() const { return begin; }
  size_t size() const { return bytes; }

  /// From now on reading is all that may be done, or not even that.
  void makeReadOnly();
  void makeInaccessible();

  /// True if nobody wrote beside the buffer, on its own pages.
  bool isIntact() const;

private:
  char *mapping = nullptr; // guard page, pages, guard page
  size_t mapped = 0;
  char *begin = nullptr;
  size_t bytes = 0;
};

/// Runs `entry` by its C interface on `arguments` (all of them, in order),
/// every buffer guarded: weights cannot be accessed once they are packed;
/// inputs and blob cannot be written during the run. Returns the results; an
/// error is the runtime's, or names a buffer that was overrun by a few bytes.
llvm::Expected<std::vector<TensorView>>
callGuarded(const MoertEntry &entry, llvm::ArrayRef<TensorView> arguments,
            Edge edge);

} // namespace moe::test

#endif // MOE_TEST_UNIT_EXECUTION_GUARDPAGES_H
