//===- Text.h - text in a buffer of fixed size ------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOERT_SRC_TEXT_H
#define MOERT_SRC_TEXT_H

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace moe::runtime {

/// Composes a message without allocating: what does not fit ends in "...".
class Text {
public:
  Text(char *buffer, size_t capacity) : buffer(buffer), capacity(capacity) {
    buffer[0] = 0;
  }

  /// Appends formatted text.
  __attribute__((format(printf, 2, 3))) void add(const char *format, ...) {
    va_list list;
    va_start(list, format);
    addList(format, list);
    va_end(list);
  }

  /// Appends formatted text whose arguments are in `list`.
  void addList(const char *format, va_list list) {
    int count = vsnprintf(buffer + length, capacity - length, format, list);
    if (count < 0)
      return;
    if (size_t(count) < capacity - length) {
      length += size_t(count);
      return;
    }
    length = capacity - 1;
    memcpy(buffer + capacity - 4, "...", 4);
  }

private:
  char *buffer;
  size_t capacity;
  size_t length = 0;
};

} // namespace moe::runtime

#endif // MOERT_SRC_TEXT_H
