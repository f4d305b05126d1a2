//===- Json.cpp - JSON that nobody vouches for ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "FileSupport.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace moe::tensorfile {

namespace {

/// Brackets in brackets; llvm::json parses recursively.
constexpr int maxDepth = 64;
/// Bytes of a text that becomes a tree, which takes some 20 times as much.
constexpr size_t maxTreeText = 16 << 20;

constexpr StringLiteral space(" \t\n\r");

/// Cuts tokens off the front of a JSON text, without checking their inside.
class Cutter {
public:
  explicit Cutter(StringRef text) : rest(text) {}

  /// Whether nothing but space is left.
  bool atEnd() { return skipSpace().empty(); }

  /// Whether the next character is `c`, which is then cut off.
  bool consume(char c) { return skipSpace().consume_front(StringRef(&c, 1)); }

  /// The next string with its quotes; empty if there is no whole one.
  StringRef string() {
    return skipSpace().starts_with('"') ? take(stringEnd(0)) : StringRef();
  }

  /// All up to the comma or bracket that ends the next value; empty if there is
  /// none, or brackets do not match, or nest too deeply.
  StringRef value() {
    skipSpace();
    int depth = 0;
    size_t i = 0;
    while (i < rest.size()) {
      char c = rest[i];
      bool closes = c == '}' || c == ']';
      if (depth == 0 && (closes || c == ','))
        break;
      if ((c == '{' || c == '[') && ++depth > maxDepth)
        return {};
      depth -= closes;
      i = c == '"' ? stringEnd(i) : i + 1;
    }
    return depth ? StringRef() : take(i).rtrim(space);
  }

private:
  /// What is left after leading space.
  StringRef &skipSpace() { return rest = rest.ltrim(space); }

  /// The index behind the string that begins at `i`; npos without an end.
  size_t stringEnd(size_t i) const {
    for (++i; i < rest.size(); ++i) {
      if (rest[i] == '"')
        return i + 1;
      i += rest[i] == '\\';
    }
    return StringRef::npos;
  }

  /// The next `n` characters, cut off; empty if `n` is npos.
  StringRef take(size_t n) {
    if (n == StringRef::npos)
      return {};
    StringRef token = rest.take_front(n);
    rest = rest.drop_front(n);
    return token;
  }

  StringRef rest;
};

} // namespace

Error checkUTF8(StringRef where, StringRef text) {
  size_t offset = 0;
  if (!json::isUTF8(text, &offset))
    return fileError(where, "byte " + Twine(offset), "no UTF-8", "UTF-8");
  return Error::success();
}

Error forEachMember(StringRef where, StringRef text, MemberVisitor visit) {
  auto malformed = [&](const Twine &expected) {
    return fileError(where, "JSON", quoted(text), expected);
  };
  Cutter cutter(text);
  if (!cutter.consume('{'))
    return malformed("an object");
  StringSet<> seen;
  bool closed = cutter.consume('}');
  while (!closed) {
    StringRef quotedName = cutter.string();
    if (quotedName.empty())
      return malformed("a name in double quotes after " + Twine(seen.size()) +
                       " members");
    Expected<std::string> name = parseString(where, quotedName);
    if (!name)
      return name.takeError();
    if (!seen.insert(*name).second)
      return fileError(where, "name " + quoted(*name), "it twice", "it once");
    StringRef value;
    if (cutter.consume(':'))
      value = cutter.value();
    if (value.empty())
      return malformed("a value, brackets matched and at most " +
                       Twine(maxDepth) + " deep, for " + quoted(*name));
    if (Error error = visit(*name, value))
      return error;
    closed = cutter.consume('}');
    if (!closed && !cutter.consume(','))
      return malformed("',' or '}' after the value of " + quoted(*name));
  }
  return cutter.atEnd() ? Error::success() : malformed("one object only");
}

Expected<json::Value> parseValue(StringRef where, StringRef text) {
  if (text.size() > maxTreeText)
    return fileError(where, "JSON value", Twine(text.size()) + " bytes",
                     "at most " + Twine(maxTreeText));
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return fileError(where, "JSON " + quoted(text) + ": " +
                                toString(value.takeError()));
  return value;
}

Expected<std::string> parseString(StringRef where, StringRef text) {
  Expected<json::Value> value = parseValue(where, text);
  if (!value)
    return value.takeError();
  if (std::optional<StringRef> string = value->getAsString())
    return string->str();
  return fileError(where, "JSON", quoted(text), "a string");
}

Expected<SmallVector<int64_t, 4>> parseSizes(StringRef where, StringRef text) {
  // Not by way of llvm::json: its numbers may be doubles, and to ask one near
  // 2^63 for its integer is undefined.
  auto malformed = [&] {
    return fileError(where, "JSON", quoted(text),
                     "an array of integers from 0 to 2^63-1");
  };
  StringRef rest = text;
  if (!rest.consume_front("[") || !rest.consume_back("]"))
    return malformed();
  SmallVector<int64_t, 4> sizes;
  rest = rest.trim(space);
  for (bool more = !rest.empty(); more;) {
    size_t comma = rest.find(',');
    more = comma != StringRef::npos;
    StringRef digits = rest.take_front(comma).trim(space);
    rest = rest.drop_front(more ? comma + 1 : rest.size());
    int64_t size;
    bool leadingZero = digits.size() > 1 && digits.front() == '0';
    if (leadingZero || digits.starts_with('-') || digits.getAsInteger(10, size))
      return malformed();
    sizes.push_back(size);
  }
  return sizes;
}

} // namespace moe::tensorfile
