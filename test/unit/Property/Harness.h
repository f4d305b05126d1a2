//===- Harness.h - compiled programs against what they mean -----*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_HARNESS_H
#define MOE_TEST_UNIT_PROPERTY_HARNESS_H

#include "../Execution/GuardPages.h"
#include "Program.h"

#include "moe/Execution/Compiler.h"
#include "moe/Reference/Tensor.h"

#include "gtest/gtest.h"

#include <optional>

namespace moe::test {

/// The programs that a test draws: `count`, half of them in check-moe, times
/// what the environment variable MOE_PROPERTY_SEEDS says.
int64_t numPrograms(int64_t count);

/// Runs `body(seed)` for each seed below numPrograms(count), until one fails.
void forEachSeed(int64_t count, llvm::function_ref<void(uint64_t)> body);

/// A tensor of the reference as one of the runtime, its elements rounded.
TensorView asView(const reference::Tensor &tensor, MoertDType dtype);
TensorView asView(const reference::IndexTensor &tensor);
/// A scalar, which at the call is a tensor of rank 0.
TensorView asScalar(double value, MoertDType dtype = MOERT_I64);
/// A tensor of the runtime as one of the reference.
reference::Tensor asTensor64(const TensorView &view);

/// What a result has to be.
struct Wanted {
  TensorView value;
  double rtol = 0; ///< As in Tolerance.
  double atol = 0;
  int64_t rows = -1; ///< Only as many rows have specified contents; -1: all.
};

Wanted exactly(const reference::IndexTensor &value);

/// How a call is made; no result may depend on it.
struct Manner {
  Edge edge = Edge::Back;
  unsigned threads = 1;
  char residue = 0; ///< What lies in workspace and results before the call.
  Target target = Target::Reference;
};

struct Outcome {
  MoertStatus status = MOERT_OK;
  std::string message;
  std::vector<TensorView> results;
};

/// @main of a program, compiled for each target that this build has.
class Executable {
public:
  /// Compiles `text`; records a failure of the running test if that fails.
  static std::optional<Executable> compile(const std::string &text);

  /// Calls on guarded copies of all arguments, weights included. The results
  /// are there whatever the status; what goes wrong in another way, like a
  /// buffer overrun, is a failure of the running test.
  Outcome call(llvm::ArrayRef<TensorView> arguments, Manner manner) const;

  /// For each target calls twice, in two manners; expects the status, the same
  /// bits both times, and the wanted values. Returns the results of the
  /// reference.
  std::vector<TensorView> expect(llvm::ArrayRef<TensorView> arguments,
                                 llvm::ArrayRef<Wanted> wanted,
                                 MoertStatus status = MOERT_OK) const;

  const MoertEntry &entry() const { return reference.entry(); }

private:
  Executable(Function reference, Function cpu)
      : reference(std::move(reference)), cpu(std::move(cpu)) {}
  std::vector<TensorView> expectOn(Target target,
                                   llvm::ArrayRef<TensorView> arguments,
                                   llvm::ArrayRef<Wanted> wanted,
                                   MoertStatus status) const;
  Function reference, cpu;
};

/// Expects the first `rows` rows of `got` (-1: all) to agree with `wanted`.
void expectAgreement(llvm::StringRef name, const TensorView &got,
                     const Wanted &wanted);

/// True if both hold the same bits.
bool isSame(const TensorView &a, const TensorView &b);

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_HARNESS_H
