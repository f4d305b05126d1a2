//===- SafetensorsTest.cpp - single safetensors files ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

/// One tensor's member of a header.
std::string tensor(StringRef name, StringRef dtype, StringRef shape,
                   uint64_t begin, uint64_t end) {
  return ("\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
          ",\"data_offsets\":[" + Twine(begin) + "," + Twine(end) + "]}")
      .str();
}

std::string parseMessage(StringRef bytes) {
  return messageOf(Safetensors::parse(bytes, "a.safetensors"));
}

class SafetensorsFile : public FolderTest {};

TEST_F(SafetensorsFile, RoundTripsEveryDtype) {
  std::vector<Safetensors::Entry> entries;
  for (int dtype = MOERT_F64; dtype <= MOERT_F8E8M0; ++dtype)
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{}, {3, 5}, {0, 2}}) {
      TensorView view = must(allocateTensor(MoertDType(dtype), shape));
      for (int64_t i = 0; i < view.elements(); ++i)
        writeElement(view.dtype, const_cast<char *>(view.data), i, i);
      entries.push_back({"tensor \"" + view.describe() + "\"\n\xc3\xa9", view});
    }
  std::string file = path("a.safetensors");
  ASSERT_EQ(messageOf(writeSafetensors(file, entries)), "");
  Safetensors read = must(Safetensors::open(file));
  ASSERT_EQ(read.entries().size(), entries.size());
  for (const Safetensors::Entry &entry : entries) {
    ASSERT_NE(read.find(entry.name), nullptr);
    expectSame(*read.find(entry.name), entry.view);
    expectSame(must(read.get(entry.name)), entry.view);
  }
  EXPECT_TRUE(llvm::is_sorted(read.entries(), [](const auto &a, const auto &b) {
    return a.name < b.name;
  }));
  EXPECT_EQ(countFiles(), 1);
  // The order of the entries does not show in the file.
  std::string first = contents("a.safetensors");
  std::reverse(entries.begin(), entries.end());
  ASSERT_EQ(messageOf(writeSafetensors(file, entries)), "");
  EXPECT_EQ(contents("a.safetensors"), first);
}

TEST_F(SafetensorsFile, WritesTheDocumentedBytes) {
  std::string file = path("a.safetensors");
  ASSERT_EQ(messageOf(writeSafetensors(
                file, {{"b", makeTensor(MOERT_U8, {2}, {1, 2})},
                       {"a", makeTensor(MOERT_I16, {1, 1}, {3})}})),
            "");
  std::string header = "{" + tensor("a", "I16", "[1,1]", 0, 2) + "," +
                       tensor("b", "U8", "[2]", 2, 4) + "}";
  header.resize(alignTo(header.size(), 8), ' ');
  EXPECT_EQ(contents("a.safetensors"),
            safetensors(header, StringRef("\3\0\1\2", 4)));
}

TEST_F(SafetensorsFile, NoTensorAtAll) {
  ASSERT_EQ(messageOf(writeSafetensors(path("a.safetensors"), {})), "");
  EXPECT_TRUE(must(Safetensors::open(path("a.safetensors"))).entries().empty());
}

TEST_F(SafetensorsFile, ReadsUnalignedData) {
  for (size_t pad = 0; pad < 8; ++pad) {
    std::string bytes = safetensors(
        "{" + tensor("flag", "BOOL", "[1]", 0, 1) + "," +
            tensor("x", "F64", "[2]", 1, 17) + "}" + std::string(pad, ' '),
        StringRef("\1\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 17));
    Safetensors file = must(Safetensors::parse(bytes, "a.safetensors"));
    expectSame(*file.find("x"), makeTensor(MOERT_F64, {2}, {1, 2}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(file.find("x")->data) % 8, 0u);
  }
}

TEST_F(SafetensorsFile, ReadsOtherWritersHeaders) {
  std::string bytes =
      safetensors("{\n \"__metadata__\" : {\"format\":\"pt\"} ,\n"
                  " \"a\\u00e9\\\"\" : {\"shape\" : [ 2 ] , \"note\":[{}],"
                  "\"data_offsets\" : [0, 2], \"dtype\" : \"U8\"} } \n",
                  "\7\11");
  Safetensors file = must(Safetensors::parse(bytes, "a.safetensors"));
  ASSERT_EQ(file.entries().size(), 1u);
  EXPECT_EQ(file.entries()[0].name, "a\xc3\xa9\"");
  EXPECT_EQ(readElement(*file.find("a\xc3\xa9\""), 1), 9);
}

TEST_F(SafetensorsFile, KeepsUsableTensorsBesideUnusableOnes) {
  std::string bytes =
      safetensors("{" + tensor("scale", "F32", "[1]", 0, 4) + "," +
                      tensor("w", "F8_E4M3", "[3]", 4, 7) + "," +
                      tensor("deep", "U8", "[1,1,1,1,1,1,1,1,1]", 7, 8) + "}",
                  StringRef("\0\0\0\0abcd", 8));
  Safetensors file = must(Safetensors::parse(bytes, "a.safetensors"));
  EXPECT_EQ(file.entries().size(), 1u);
  EXPECT_EQ(file.find("w"), nullptr);
  expectMessage(messageOf(file.get("w")), "a.safetensors",
                "tensor 'w': cannot use it: got dtype 'F8_E4M3', expected F64");
  expectMessage(messageOf(file.get("deep")), "a.safetensors",
                "tensor 'deep': cannot use it: got rank 9");
  expectMessage(messageOf(file.get("v\n")), "a.safetensors",
                "tensor 'v\\x0A': no such tensor in the file");
  EXPECT_EQ(messageOf(file.get("scale")), "");
}

TEST_F(SafetensorsFile, RejectsBadFrames) {
  std::string good =
      safetensors("{" + tensor("a", "F32", "[1]", 0, 4) + "}", "abcd");
  ASSERT_EQ(parseMessage(good), "");
  for (size_t n = 0; n < good.size(); ++n)
    expectMessage(parseMessage(StringRef(good).take_front(n)), "a.safetensors",
                  "got ");
  expectMessage(parseMessage(""), "a.safetensors",
                "size: got 0 bytes, expected at least 8");
  expectMessage(parseMessage(good + "x"), "a.safetensors",
                "data: got 5 bytes, expected 4 as in the header");
  expectMessage(parseMessage(std::string(8, '\xff') + "{}"), "a.safetensors",
                "header length: got 18446744073709551615, expected at most 2");
  expectMessage(parseMessage(safetensors(std::string(100000001, ' '), "")),
                "a.safetensors",
                "header length: got 100000001, expected at most 100000000");
}

TEST_F(SafetensorsFile, RejectsBadHeaders) {
  // Four bytes of data follow each of these headers.
  std::string a = tensor("a", "U8", "[4]", 0, 4);
  auto object = [](const std::string &inside) { return "{" + inside + "}"; };
  auto entry = [&](const std::string &inside) {
    return object("\"a\":{" + inside + "}");
  };
  const std::string shape = "\"shape\":[4]", dtype = "\"dtype\":\"U8\"",
                    offsets = "\"data_offsets\":[0,4]";
  const std::pair<std::string, const char *> cases[] = {
      {"", "header: first byte: got '', expected '{'"},
      {" {}", "header: first byte: got ' '"},
      {"[]", "header: first byte: got '['"},
      {"{", "expected a name in double quotes after 0 members"},
      {"{\"a", "expected a name in double quotes"},
      {"{\"a\"", "for 'a'"},
      {"{\"a\":", "for 'a'"},
      {object(a + ","), "expected a name in double quotes after 1 members"},
      {object(a) + "x", "expected one object only"},
      {object(a + " \"b\":{}"), "expected one object only"},
      {object("\"\\q\":{}"), "Invalid escape"},
      {object(a + "," + a), "name 'a': got it twice, expected it once"},
      {object(a + "," + tensor("\\u0061", "U8", "[0]", 4, 4)),
       "name 'a': got it twice"},
      {object("\"__metadata__\":{\"x\":1}," + a), "got '1', expected a string"},
      {object("\"__metadata__\":7," + a), "__metadata__: JSON: got '7'"},
      {object("\"\xff\":{}"), "header: byte 2: got no UTF-8"},
      {object("\"a\":3"), "tensor 'a': JSON: got '3', expected an object"},
      {object("\"a\":[1}"), "tensor 'a'"},
      {object("\"a\n\":{}"), "Control character"},
      {entry(dtype + "," + shape), "tensor 'a': keys: got 2 of 3"},
      {entry(dtype + "," + dtype), "name 'dtype': got it twice"},
      {entry("\"dtype\":4," + shape + "," + offsets),
       "dtype: JSON: got '4', expected a string"},
      {entry("\"shape\":4"), "expected an array of integers from 0 to 2^63-1"},
      {entry("\"shape\":[-1]"), "shape: JSON: got '[-1]', expected an array"},
      {entry("\"shape\":[0.5]"), "got '[0.5]'"},
      {entry("\"shape\":[\"4\"]"), "expected an array of integers"},
      {entry("\"shape\":[18446744073709551616]"), "expected an array of int"},
      // Found by fuzzing: undefined behaviour in a conversion from double.
      {entry("\"shape\":[9223372036854775808.0]"), "expected an array of int"},
      {entry("\"shape\":[04]"), "got '[04]'"},
      {entry("\"shape\":[1,]"), "got '[1,]'"},
      {entry("\"shape\":[,]"), "got '[,]'"},
      {entry("\"shape\":[1 2]"), "got '[1 2]'"},
      {entry("\"shape\":[1e2]"), "got '[1e2]'"},
      {entry("\"x\":nul"), "tensor 'a': JSON 'nul'"},
      {entry("\"data_offsets\":[0]"), "expected [begin, end]"},
      {entry("\"data_offsets\":[0,1,2]"), "expected [begin, end]"},
      {entry("\"data_offsets\":[3,1]"), "got '[3,1]', expected [begin, end]"},
      {entry("\"data_offsets\":[-4,0]"), "expected an array of integers"},
      {object(tensor("a", "U8", "[5]", 0, 5)),
       "tensor 'a': end of the data: got 5, expected at most 4"},
      {object(tensor("a", "U8", "[4]", INT64_MAX - 4, INT64_MAX)),
       "tensor 'a': begin of the data: got 9223372036854775803, expected 0"},
      {object(tensor("a", "U8", "[0]", 0, INT64_MAX)),
       "tensor 'a': end of the data: got 9223372036854775807"},
      {object(tensor("a", "U8", "[3]", 0, 3)),
       "data: got 4 bytes, expected 3 as in the header"},
      {object(tensor("a", "U8", "[3]", 1, 4)),
       "tensor 'a': begin of the data: got 1, expected 0"},
      {object(tensor("a", "U8", "[3]", 0, 3) + "," +
              tensor("b", "U8", "[2]", 2, 4)),
       "tensor 'b': begin of the data: got 2, expected 3, where the tensor "
       "before ends"},
      {object(tensor("a", "U8", "[4]", 0, 4) + "," +
              tensor("b", "U8", "[4]", 0, 4)),
       "tensor 'b': begin of the data: got 0, expected 4"},
      {object(tensor("a", "F32", "[2]", 0, 4)),
       "tensor 'a': data: got 4 bytes, expected 8 bytes for f32[2]"},
      {object(tensor("a", "F32", "[4611686018427387904,4]", 0, 4)),
       "tensor 'a': shape: got f32[4611686018427387904, 4], expected a tensor"},
      {object(tensor("a", "BOOL", "[4]", 0, 4)),
       "tensor 'a': element 0: got 97, expected 0 or 1"},
      {object("\"a\":" + std::string(1000, '[') + std::string(1000, ']')),
       "brackets matched and at most 64 deep, for 'a'"},
      {entry("\"x\":" + std::string(1000, '[') + std::string(1000, ']')),
       "at most 64 deep"},
      {object("\"a\":" + std::string(1000000, '[')), "at most 64 deep"},
      {entry("\"x\":[" + std::string(17 << 20, ' ') + "]"),
       "JSON value: got 17825794 bytes, expected at most 16777216"},
  };
  for (const auto &[header, part] : cases)
    expectMessage(parseMessage(safetensors(header, "abcd")), "a.safetensors",
                  part);
}

TEST_F(SafetensorsFile, LongAndOddNamesStayOneShortLine) {
  std::string name = std::string(100000, 'x') + "\\n";
  expectMessage(parseMessage(safetensors("{\"" + name + "\":[]}", "")),
                "a.safetensors", "expected an object");
}

TEST_F(SafetensorsFile, RejectsWhatItCannotWrite) {
  std::string file = path("a.safetensors");
  TensorView one = makeTensor(MOERT_F32, {1}, {1});
  expectMessage(messageOf(writeSafetensors(file, {{"a", one}, {"a", one}})),
                file, "tensor 'a': name: got it twice, expected it once");
  expectMessage(messageOf(writeSafetensors(file, {{"__metadata__", one}})),
                file, "reserves this name");
  expectMessage(messageOf(writeSafetensors(file, {{"\xff", one}})), file,
                "got no UTF-8");
  TensorView deep =
      must(allocateTensor(MOERT_F32, {1, 1, 1, 1, 1, 1, 1, 1, 1}));
  expectMessage(messageOf(writeSafetensors(file, {{"a", deep}})), file,
                "tensor 'a': rank: got 9");
  EXPECT_EQ(countFiles(), 0);
}

TEST_F(SafetensorsFile, RejectsWhatIsNoFile) {
  expectMessage(messageOf(Safetensors::open(path("none"))), path("none"),
                "cannot open: No such file");
  expectMessage(messageOf(Safetensors::open(std::string(folder))), folder,
                "got a folder, expected a file");
  expectMessage(messageOf(Safetensors::open(put("empty", ""))), path("empty"),
                "size: got 0 bytes");
}

} // namespace
