//===- Twins.h - one program through two pipelines --------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_CPU_TWINS_H
#define MOE_TEST_UNIT_CPU_TWINS_H

#include "../Reference/TestSupport.h"

#include "moe/Execution/Compiler.h"
#include "moe/TensorFile/TensorFile.h"

#include "gtest/gtest.h"

#include <optional>

namespace moe::test {

/// A tensor with elements `next()`, rounded to `dtype`.
TensorView makeTensor(MoertDType dtype, llvm::ArrayRef<int64_t> shape,
                      llvm::function_ref<double()> next);

/// "bf16", as MLIR writes it.
std::string elementName(MoertDType dtype);

/// @main of a program, compiled by pipeline `cpu` and by pipeline `reference`.
/// Weights are inputs of a call as all others.
class Twins {
public:
  /// Records a failure of the running test if one does not compile. `cpu` is
  /// the one to compile for.
  static std::optional<Twins> compile(const std::string &text,
                                      llvm::StringRef cpu = "native");

  /// Expects all results of the two to agree: integers exactly, floats within
  /// the tolerance of their types, and those of pipeline `cpu` to be the same
  /// bits for 1, 2, 3 and 7 threads.
  void expectAgreement(llvm::ArrayRef<TensorView> inputs) const;

  /// The same, and that pipeline `cpu` reads and writes no byte outside of its
  /// tensors.
  void expectGuardedAgreement(llvm::ArrayRef<TensorView> inputs) const;

private:
  Twins(Function cpu, Function reference)
      : cpu(std::move(cpu)), reference(std::move(reference)) {}
  std::vector<TensorView>
  callAndCompare(llvm::ArrayRef<TensorView> inputs) const;
  Function cpu, reference;
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_CPU_TWINS_H
