//===- Npy.cpp - reading and writing .npy files ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is "\x93NUMPY", two bytes of version, the header's length (two bytes,
// from version 2 on four), the header (a Python dict literal with exactly the
// keys descr, fortran_order and shape), and the elements.
//
//===----------------------------------------------------------------------===//

#include "FileSupport.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace moe::tensorfile;

namespace moe {

namespace {

constexpr StringLiteral magic("\x93NUMPY");
constexpr size_t maxHeader = 65535; // a plain array needs some 100 bytes

/// The dtype that npy calls `descr`, little-endian; none if there is none.
std::optional<MoertDType> dtypeOf(StringRef descr) {
  return StringSwitch<std::optional<MoertDType>>(descr)
      .Case("<f8", MOERT_F64)
      .Case("<f4", MOERT_F32)
      .Case("<f2", MOERT_F16)
      .Case("<i8", MOERT_I64)
      .Case("<i4", MOERT_I32)
      .Case("<i2", MOERT_I16)
      .Cases({"|i1", "<i1"}, MOERT_I8)
      .Cases({"|u1", "<u1"}, MOERT_U8)
      .Cases({"|b1", "<b1"}, MOERT_I1)
      .Default(std::nullopt);
}

/// npy's name for `dtype`; empty if it has none.
StringRef descrOf(MoertDType dtype) {
  for (StringRef descr :
       {"<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "|u1", "|b1"})
    if (dtypeOf(descr) == dtype)
      return descr;
  return {};
}

/// The dict literal, read strictly from left to right.
class HeaderParser {
public:
  HeaderParser(StringRef text, StringRef where) : rest(text), where(where) {}

  /// Reads the whole header into the members below.
  Error parse() {
    if (!consume('{'))
      return malformed("'{'");
    while (!consume('}')) {
      if (Error error = parseMember())
        return error;
      if (!consume(',') && !rest.starts_with('}'))
        return malformed("',' or '}'");
    }
    if (!skipSpace().empty())
      return malformed("the end of the header");
    if (!descr || !fortranOrder || !shape)
      return fileError(where, "keys",
                       Twine(bool(descr) + bool(fortranOrder) + bool(shape)) +
                           " of 3",
                       "'descr', 'fortran_order' and 'shape'");
    return Error::success();
  }

  std::optional<StringRef> descr;
  std::optional<bool> fortranOrder;
  std::optional<SmallVector<int64_t, 4>> shape;

private:
  /// What is left after leading space.
  StringRef &skipSpace() { return rest = rest.ltrim(" \t\n\r"); }

  /// Whether the next character is `c`, which is then cut off.
  bool consume(char c) { return skipSpace().consume_front(StringRef(&c, 1)); }

  /// An error at the place that was reached.
  Error malformed(const Twine &expected) {
    return fileError(where, "syntax", quoted(rest.take_front(24)), expected);
  }

  /// A string without escapes, in either quotes.
  Expected<StringRef> parseString() {
    for (char quote : {'\'', '"'}) {
      if (!consume(quote))
        continue;
      auto [string, tail] = rest.split(quote);
      if (string.size() == rest.size() || string.contains('\\'))
        break;
      rest = tail;
      return string;
    }
    return malformed("a string");
  }

  /// One "key: value" into its member, which must be unset.
  Error parseMember() {
    Expected<StringRef> key = parseString();
    if (!key)
      return key.takeError();
    if (!consume(':'))
      return malformed("':'");
    bool twice = (*key == "descr" && descr) || (*key == "shape" && shape) ||
                 (*key == "fortran_order" && fortranOrder);
    if (twice)
      return fileError(where, "key " + quoted(*key), "it twice", "it once");
    if (*key == "descr") {
      if (skipSpace().starts_with('['))
        return fileError(where, "dtype", "a structured one", "a plain number");
      return parseString().moveInto(descr);
    }
    if (*key == "fortran_order") {
      if (!skipSpace().starts_with("True") && !rest.starts_with("False"))
        return malformed("True or False");
      fortranOrder = rest.consume_front("True");
      rest.consume_front("False");
      return Error::success();
    }
    if (*key == "shape")
      return parseShape();
    return fileError(where, "key", quoted(*key),
                     "'descr', 'fortran_order' or 'shape'");
  }

  /// A tuple of integers, each perhaps with Python 2's suffix L.
  Error parseShape() {
    if (!consume('('))
      return malformed("'('");
    shape.emplace();
    bool comma = true;
    while (!consume(')')) {
      int64_t size;
      if (!comma)
        return malformed("',' or ')'");
      if (skipSpace().starts_with('-') || rest.consumeInteger(10, size))
        return malformed("a size from 0 to 2^63-1");
      rest.consume_front("L");
      comma = consume(',');
      shape->push_back(size);
      if (shape->size() > MOERT_MAX_RANK)
        return fileError(where, "rank", "more than " + Twine(MOERT_MAX_RANK),
                         "at most that");
    }
    // "(3)" is a number in parentheses, not a tuple.
    if (shape->size() == 1 && !comma)
      return fileError(where, "shape", "a number", "a tuple");
    return Error::success();
  }

  StringRef rest, where;
};

} // namespace

Expected<TensorView> parseNpy(StringRef bytes, StringRef label,
                              std::shared_ptr<const void> owner) {
  if (!bytes.starts_with(magic))
    return fileError(label, "magic", quoted(bytes.take_front(magic.size())),
                     "an npy file");
  StringRef rest = bytes.drop_front(magic.size());
  if (rest.size() < 2)
    return fileError(label, "version", "the end of the file", "two bytes");
  unsigned version = rest.bytes_begin()[0];
  if (version < 1 || version > 3 || rest[1] != 0)
    return fileError(label, "version",
                     Twine(version) + "." +
                         Twine(unsigned(rest.bytes_begin()[1])),
                     "1.0, 2.0 or 3.0");
  rest = rest.drop_front(2);

  size_t lengthBytes = version == 1 ? 2 : 4;
  if (rest.size() < lengthBytes)
    return fileError(label, "header length", "the end of the file",
                     Twine(lengthBytes) + " bytes");
  size_t length = version == 1 ? support::endian::read16le(rest.data())
                               : support::endian::read32le(rest.data());
  rest = rest.drop_front(lengthBytes);
  if (length > maxHeader || length > rest.size())
    return fileError(label, "header length", Twine(length),
                     "at most " + Twine(std::min(maxHeader, rest.size())));

  std::string where = (label + ": header").str();
  HeaderParser header(rest.take_front(length), where);
  if (Error error = header.parse())
    return error;
  if (header.descr->starts_with('>'))
    return fileError(label, "dtype", quoted(*header.descr) + " (big-endian)",
                     "little-endian");
  std::optional<MoertDType> dtype = dtypeOf(*header.descr);
  if (!dtype)
    return fileError(label, "dtype", quoted(*header.descr),
                     "f2, f4, f8, i1, i2, i4, i8, u1 or b1");
  if (*header.fortranOrder && header.shape->size() > 1)
    return fileError(label, "order", "Fortran order",
                     "C order (numpy.ascontiguousarray)");
  return viewBytes(label, *dtype, *header.shape, rest.drop_front(length),
                   std::move(owner));
}

Expected<TensorView> readNpy(StringRef path) {
  Expected<std::shared_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  return parseNpy((*buffer)->getBuffer(), path, *buffer);
}

Error writeNpy(StringRef path, const TensorView &tensor) {
  if (Error error = checkWritable(path, tensor))
    return error;
  StringRef descr = descrOf(tensor.dtype);
  if (descr.empty())
    return fileError(path, "dtype", moert_dtype_name(tensor.dtype),
                     "one that npy has (a safetensors file can hold it)");
  std::string header;
  raw_string_ostream stream(header);
  stream << "{'descr': '" << descr << "', 'fortran_order': False, 'shape': (";
  for (int64_t size : tensor.shape)
    stream << size << ",";
  stream << "), }";
  // The elements start at a multiple of 64 bytes, behind a newline.
  size_t prefix = magic.size() + 4;
  header.resize(alignTo(prefix + header.size() + 1, 64) - prefix - 1, ' ');
  header += '\n';
  return writeAtomically(path, [&](raw_ostream &file) {
    char length[2];
    support::endian::write16le(length, header.size());
    file << magic << '\1' << '\0' << StringRef(length, 2) << header
         << StringRef(tensor.data, tensor.bytes());
  });
}

} // namespace moe
