//===- Errors.h - statuses as Python exceptions -----------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PYTHON_ERRORS_H
#define MOE_PYTHON_ERRORS_H

#include "moe-c/moe.h"

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace moe::python {

/// What the compiler said of a source, copied out of the callback.
struct Diagnostic {
  int32_t severity;
  std::string location, message;
  std::vector<Diagnostic> notes;
};

/// Collects the diagnostics of compilations on this thread while it lives.
class DiagnosticScope {
public:
  DiagnosticScope();
  ~DiagnosticScope();
  /// The callback of every compiler of this package; `user` is not used.
  static void receive(void *user, const MoeDiagnostic *diagnostic);
  /// [(severity, location, message, notes)], as moe/_errors.py takes them.
  nanobind::list toPython() const;

private:
  std::vector<Diagnostic> diagnostics;
  DiagnosticScope *outer;
};

/// Raises moe.InvalidType, a TypeError.
[[noreturn]] void raiseType(const std::string &message);
/// Raises moe.InvalidArgument, a ValueError.
[[noreturn]] void raiseValue(const std::string &message);
/// Raises what stands for `status`, with the message of this thread's last
/// failure; `diagnostics` go into a CompileError.
[[noreturn]] void raiseStatus(MoeStatus status,
                              nanobind::handle diagnostics = {});

/// Raises unless `status` is success.
inline void check(MoeStatus status) {
  if (status != MOE_OK)
    raiseStatus(status);
}

} // namespace moe::python

#endif // MOE_PYTHON_ERRORS_H
