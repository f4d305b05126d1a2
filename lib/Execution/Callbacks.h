//===- Callbacks.h - functions of the host that may throw -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An exception that flew through LLVM, MLIR or compiled code would leave locks
// taken and memory lost, or end the process. So it is caught where it comes
// from; this is the only file that is compiled with exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_EXECUTION_CALLBACKS_H
#define MOE_LIB_EXECUTION_CALLBACKS_H

#include "moe/Execution/Compiler.h"

#include <string>

namespace moe {

/// Calls the handler. Returns "", or what the exception that it threw says.
std::string callHandler(const DiagnosticHandler &handler,
                        const Diagnostic &diagnostic);

std::string callHandler(const RemarkHandler &handler, const Remark &remark);

/// A parallel loop of a host, behind one that does not throw.
struct HostLoop {
  MoertParallelFor parallelFor = nullptr;
  void *user = nullptr;
  /// What the exception of the last run says. Written by the thread that runs
  /// the loop, which is the one of the call.
  std::string thrown;

  /// A MoertParallelFor, whose `user` is a HostLoop.
  static void run(void *loop, int64_t n, MoertTask task, void *arg);
};

} // namespace moe

#endif // MOE_LIB_EXECUTION_CALLBACKS_H
