//===- Callbacks.cpp - functions of the host that may throw ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Callbacks.h"

#include <exception>

namespace moe {

/// Runs `function`; returns "", or what its exception says.
template <typename F> static std::string catchAll(F function) {
  try {
    function();
    return "";
  } catch (const std::exception &exception) {
    const char *text = exception.what();
    return text && *text ? text : "an exception without a text";
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

std::string callHandler(const DiagnosticHandler &handler,
                        const Diagnostic &diagnostic) {
  return catchAll([&] { handler(diagnostic); });
}

std::string callHandler(const RemarkHandler &handler, const Remark &remark) {
  return catchAll([&] { handler(remark); });
}

void HostLoop::run(void *loop, int64_t n, MoertTask task, void *arg) {
  auto *self = static_cast<HostLoop *>(loop);
  std::string thrown =
      catchAll([&] { self->parallelFor(self->user, n, task, arg); });
  if (self->thrown.empty())
    self->thrown = std::move(thrown);
}

} // namespace moe
