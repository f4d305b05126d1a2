//===- Program.h - random programs, as text ---------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_PROGRAM_H
#define MOE_TEST_UNIT_PROPERTY_PROGRAM_H

#include "moert/moert.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moe::test {

/// A size that is known, or the name of one that the call gives.
struct Dim {
  Dim(int64_t size) : size(size) {}
  Dim(int size) : size(size) {}
  Dim(const char *name) : name(name) {}

  int64_t size = 0;
  std::string name; ///< "" if the size is known.
};

/// A tensor type.
struct Type {
  Type(MoertDType dtype, std::vector<Dim> dims)
      : dtype(dtype), dims(std::move(dims)) {}

  /// "tensor<?x4xf32>".
  std::string str() const;
  /// `["T", ""]`, or "" if all sizes are known.
  std::string dimNames() const;

  MoertDType dtype;
  std::vector<Dim> dims;
};

/// "bf16", as MLIR writes it.
std::string elementName(MoertDType dtype);

/// A number as a f64 literal of MLIR that reads back as the same number.
std::string literal(double value);

/// The function @main, put together line by line.
class Program {
public:
  /// Adds an argument %name. A weight is packed before the call.
  void input(const std::string &name, const Type &type);
  void weight(const std::string &name, const Type &type);
  /// The same with a type that is no tensor, "index" or "f32".
  void scalar(const std::string &name, const std::string &type);
  /// Adds a line to the body.
  void line(const std::string &text) { body += "  " + text + "\n"; }
  /// Returns the value %name, a tensor or a scalar.
  void result(const std::string &name, const Type &type);
  void scalarResult(const std::string &name, const std::string &type);

  std::string text() const;

private:
  void argument(const std::string &name, const Type &type,
                const std::string &attributes);

  std::string arguments, body, returned, returnedTypes, results;
};

/// "%name : TYPE", the way most ops write an operand.
std::string typed(const std::string &name, const Type &type);

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_PROGRAM_H
