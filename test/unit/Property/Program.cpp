//===- Program.cpp - random programs, as text -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include <cstdio>

namespace moe::test {

std::string elementName(MoertDType dtype) {
  return dtype == MOERT_F8E8M0 ? "f8E8M0FNU" : moert_dtype_name(dtype);
}

std::string literal(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.17e", value);
  return text;
}

std::string Type::str() const {
  std::string text = "tensor<";
  for (const Dim &dim : dims)
    text += (dim.name.empty() ? std::to_string(dim.size) : "?") + "x";
  return text + elementName(dtype) + ">";
}

std::string Type::dimNames() const {
  std::string text;
  bool isDynamic = false;
  for (const Dim &dim : dims) {
    text += (text.empty() ? "\"" : ", \"") + dim.name + "\"";
    isDynamic |= !dim.name.empty();
  }
  return isDynamic ? "[" + text + "]" : "";
}

/// Appends `item` to a list with commas.
static void append(std::string &list, const std::string &item) {
  list += (list.empty() ? "" : ", ") + item;
}

/// " {moe.name = ..., moe.dims = ...}" with what else `attributes` has.
static std::string attributesOf(const std::string &name, const Type &type,
                                const std::string &attributes) {
  std::string text = " {" + attributes + "moe.name = \"" + name + "\"";
  if (std::string names = type.dimNames(); !names.empty())
    text += ", moe.dims = " + names;
  return text + "}";
}

void Program::argument(const std::string &name, const Type &type,
                       const std::string &attributes) {
  append(arguments, typed(name, type) + attributesOf(name, type, attributes));
}

void Program::input(const std::string &name, const Type &type) {
  argument(name, type, "");
}

void Program::weight(const std::string &name, const Type &type) {
  argument(name, type, "moe.weight, ");
}

void Program::scalar(const std::string &name, const std::string &type) {
  append(arguments, "%" + name + ": " + type);
}

void Program::result(const std::string &name, const Type &type) {
  append(returned, "%" + name);
  append(returnedTypes, type.str());
  append(results, type.str() + attributesOf(name, type, ""));
}

void Program::scalarResult(const std::string &name, const std::string &type) {
  append(returned, "%" + name);
  append(returnedTypes, type);
  append(results, type);
}

std::string Program::text() const {
  return "func.func @main(" + arguments + ")\n    -> (" + results + ") {\n" +
         body + "  return " + returned + " : " + returnedTypes + "\n}\n";
}

std::string typed(const std::string &name, const Type &type) {
  return "%" + name + " : " + type.str();
}

} // namespace moe::test
