//===- TestSupport.h - what these tests share -------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_EXECUTION_TESTSUPPORT_H
#define MOE_TEST_UNIT_EXECUTION_TESTSUPPORT_H

#include "Thorough.h"

#include "moe/Execution/Compiler.h"
#include "moe/TensorFile/TensorFile.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace moe::test {

/// Two functions in the llvm dialect, `scale` and `pick`.
inline constexpr const char *kEntries =
    MOE_TEST_DATA_DIR "/Execution/Inputs/entries.mlir";

/// The value; ends the tests if it is an error, whose text is printed.
template <typename T> T must(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  llvm::errs() << llvm::toString(value.takeError()) << '\n';
  std::abort();
}

/// The text of an error, "" for success.
inline std::string message(llvm::Error error) {
  return llvm::toString(std::move(error));
}
template <typename T> std::string message(llvm::Expected<T> value) {
  return message(value.takeError());
}

/// A function of a file in that stage, compiled; optimised as isThorough()
/// says.
inline Function compileOne(llvm::StringRef path, llvm::StringRef name,
                           Stage from = Stage::Input,
                           Target target = Target::Reference) {
  CompilerOptions options;
  options.target = target;
  options.from = from;
  options.optimize = isThorough();
  Compiler compiler = must(Compiler::create(std::move(options)));
  return must(must(compiler.compileFile(path)).lookup(name));
}

/// A tensor whose elements are `values`.
inline TensorView tensorOf(MoertDType dtype, llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<double> values) {
  TensorView tensor = must(allocateTensor(dtype, shape));
  EXPECT_EQ(tensor.elements(), static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i)
    writeElement(dtype, const_cast<char *>(tensor.data), i, values[i]);
  return tensor;
}

/// All elements.
inline std::vector<double> valuesOf(const TensorView &tensor) {
  std::vector<double> values;
  for (int64_t i = 0, n = tensor.elements(); i < n; ++i)
    values.push_back(readElement(tensor, i));
  return values;
}

} // namespace moe::test

#endif // MOE_TEST_UNIT_EXECUTION_TESTSUPPORT_H
