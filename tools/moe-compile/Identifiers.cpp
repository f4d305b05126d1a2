//===- Identifiers.cpp - names of MLIR as names in C ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Identifiers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moe::compile {

/// Keywords of C and C++, macros that their headers or compilers define, and
/// names that our own code uses.
static const StringSet<> &reserved() {
  static const StringSet<> names{
      "EOF",
      "I",
      "INFINITY",
      "NAN",
      "NULL",
      "alignas",
      "alignof",
      "and",
      "and_eq",
      "asm",
      "assert",
      "auto",
      "bitand",
      "bitor",
      "bool",
      "break",
      "case",
      "catch",
      "char",
      "char16_t",
      "char32_t",
      "char8_t",
      "class",
      "co_await",
      "co_return",
      "co_yield",
      "compl",
      "complex",
      "concept",
      "const",
      "const_cast",
      "consteval",
      "constexpr",
      "constinit",
      "continue",
      "decltype",
      "default",
      "delete",
      "do",
      "double",
      "dynamic_cast",
      "else",
      "enum",
      "errno",
      "explicit",
      "export",
      "extern",
      "false",
      "float",
      "for",
      "friend",
      "goto",
      "i386",
      "if",
      "imaginary",
      "inline",
      "int",
      "linux",
      "long",
      "mutable",
      "namespace",
      "new",
      "noexcept",
      "noreturn",
      "not",
      "not_eq",
      "nullptr",
      "operator",
      "or",
      "or_eq",
      "private",
      "protected",
      "public",
      "register",
      "reinterpret_cast",
      "requires",
      "restrict",
      "return",
      "short",
      "signed",
      "sizeof",
      "static",
      "static_assert",
      "static_cast",
      "stderr",
      "stdin",
      "stdout",
      "struct",
      "switch",
      "template",
      "this",
      "thread_local",
      "throw",
      "true",
      "try",
      "typedef",
      "typeid",
      "typename",
      "typeof",
      "union",
      "unix",
      "unsigned",
      "using",
      "virtual",
      "void",
      "volatile",
      "wchar_t",
      "while",
      "xor",
      "xor_eq",
      "context",
      "packed",
      "shapes",
      "tensors",
  };
  return names;
}

std::string toIdentifier(StringRef name) {
  std::string result = name.str();
  for (char &c : result)
    if (!isAlnum(c) && c != '_')
      c = '_';
  return result;
}

bool isSymbol(StringRef name) {
  return !name.empty() && all_of(name, [](char c) {
    return isAlnum(c) || c == '_' || c == '.' || c == '$';
  });
}

std::string toComment(StringRef text) {
  std::string result;
  for (unsigned char c : text) {
    if (c >= 0x20 && c != 0x7f && c != '*' && c != '\\' && c != '?')
      result += static_cast<char>(c);
    else
      result += {'\\', 'x', hexdigit(c >> 4, true), hexdigit(c & 15, true)};
  }
  return result;
}

std::string Scope::add(StringRef name) {
  std::string base = toIdentifier(name);
  // Names that start with '_' belong to the compiler, or may.
  if (base.empty() || isDigit(base.front()) || base.front() == '_')
    base.insert(0, "v");
  std::string result = base;
  for (unsigned i = 2; reserved().contains(result) || taken.contains(result);
       ++i)
    result = base + "_" + std::to_string(i);
  taken.insert(result);
  return result;
}

} // namespace moe::compile
