//===- NpyTest.cpp - reading and writing .npy files -----------------------===//
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

/// An npy file of this version with this header, as is, and these bytes.
std::string npy(int version, StringRef header, StringRef data) {
  char length[4];
  support::endian::write32le(length, header.size());
  return (Twine(StringLiteral("\x93NUMPY")) + Twine(char(version)) +
          StringRef("\0", 1) + StringRef(length, version == 1 ? 2 : 4) +
          header + data)
      .str();
}

/// The header of a C-order array.
std::string dict(StringRef descr, StringRef shape) {
  return ("{'descr': '" + descr +
          "', 'fortran_order': False, 'shape': " + shape + ", }")
      .str();
}

class Npy : public FolderTest {};

TEST_F(Npy, RoundTripsEveryDtypeAndRank) {
  for (MoertDType dtype : {MOERT_F64, MOERT_F32, MOERT_F16, MOERT_I64,
                           MOERT_I32, MOERT_I16, MOERT_I8, MOERT_U8, MOERT_I1})
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
             {}, {3}, {2, 3}, {4, 0}, {1, 2, 1, 2, 1, 2, 1, 2}}) {
      TensorView tensor = must(allocateTensor(dtype, shape));
      for (int64_t i = 0; i < tensor.elements(); ++i)
        writeElement(dtype, const_cast<char *>(tensor.data), i, i % 100);
      ASSERT_EQ(messageOf(writeNpy(path("a.npy"), tensor)), "");
      expectSame(must(readNpy(path("a.npy"))), tensor);
    }
  EXPECT_EQ(countFiles(), 1);
}

TEST_F(Npy, WritesTheDocumentedBytes) {
  TensorView tensor = makeTensor(MOERT_I16, {3}, {1, 2, -1});
  ASSERT_EQ(messageOf(writeNpy(path("a.npy"), tensor)), "");
  std::string header = "{'descr': '<i2', 'fortran_order': False, 'shape': "
                       "(3,), }";
  header.resize(128 - 10 - 1, ' ');
  EXPECT_EQ(contents("a.npy"),
            npy(1, header + "\n", StringRef("\1\0\2\0\xff\xff", 6)));
}

TEST_F(Npy, MapsLargeFilesAndOutlivesThem) {
  TensorView tensor = must(allocateTensor(MOERT_F32, {300, 1000}));
  writeElement(MOERT_F32, const_cast<char *>(tensor.data), 299999, 7);
  ASSERT_EQ(messageOf(writeNpy(path("a.npy"), tensor)), "");
  TensorView read = must(readNpy(path("a.npy")));
  // A new file under the same name does not change the old one's view.
  ASSERT_EQ(messageOf(writeNpy(path("a.npy"), makeTensor(MOERT_F32, {1}, {5}))),
            "");
  expectSame(read, tensor);
}

TEST_F(Npy, ReadsOtherWritersHeaders) {
  StringRef two("\1\0\0\0\2\0\0\0", 8);
  TensorView expected = makeTensor(MOERT_I32, {2}, {1, 2});
  for (std::string header :
       {dict("<i4", "(2,)"), dict("<i4", "(2L,)"), dict("<i4", "( 2 , )"),
        std::string("{\"shape\":(2,),\"descr\":\"<i4\",\"fortran_order\":"
                    "True}\n")})
    for (int version : {1, 2, 3})
      // Headers of any length: the elements may lie unaligned.
      for (int pad : {0, 1, 2, 3}) {
        std::string bytes = npy(version, header + std::string(pad, ' '), two);
        TensorView view = must(parseNpy(bytes, "a.npy"));
        expectSame(view, expected);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(view.data) % 4, 0u);
      }
}

TEST_F(Npy, RejectsBadFiles) {
  std::string good =
      npy(1, dict("<f4", "(2,)"), StringRef("\0\0\0\0\0\0\0\0", 8));
  ASSERT_EQ(messageOf(parseNpy(good, "a.npy")), "");
  // Every truncation is an error.
  for (size_t n = 0; n < good.size(); ++n)
    expectMessage(messageOf(parseNpy(StringRef(good).take_front(n), "a.npy")),
                  "a.npy", "got ");
  auto f4 = [](StringRef shape) { return npy(1, dict("<f4", shape), ""); };
  auto raw = [](StringRef header) { return npy(1, header, ""); };
  const std::pair<std::string, const char *> cases[] = {
      {"", "magic: got '', expected an npy file"},
      {"PK\3\4 a zip", "magic: got 'PK\\x03\\x04 a', expected an npy file"},
      {npy(0, "", ""), "version: got 0.0, expected 1.0, 2.0 or 3.0"},
      {npy(4, "", ""), "version: got 4.0, expected 1.0, 2.0 or 3.0"},
      {good + "x", "data: got 9 bytes, expected 8 bytes for f32[2]"},
      {npy(2, "{", "").substr(0, 8) + "\xff\xff\xff\xff{}",
       "header length: got 4294967295, expected at most 2"},
      {npy(2, std::string(70000, ' '), ""),
       "header length: got 70000, expected at most 65535"},
      {raw(""), "header: syntax: got '', expected '{'"},
      {raw("[]"), "expected '{'"},
      {raw("{}"), "header: keys: got 0 of 3"},
      {raw("{} x"), "expected the end of the header"},
      {raw("{'descr': '<f4'}"), "header: keys: got 1 of 3"},
      {raw("{'descr': '<f4', 'descr': '<f4'}"), "'descr': got it twice"},
      {raw("{'shape': (), 'shape': ()}"), "'shape': got it twice"},
      {raw("{'order': 3}"), "key: got 'order', expected 'descr'"},
      {raw("{'descr': '<f4' 'shape': ()}"), "expected ',' or '}'"},
      {raw("{'descr': '<f4}"), "expected a string"},
      {raw("{'descr': '<f\\x34'}"), "expected a string"},
      {raw("{'descr' '<f4'}"), "expected ':'"},
      {raw("{'fortran_order': 1}"), "expected True or False"},
      {raw("{'descr': [('a', '<f4')]}"), "dtype: got a structured one"},
      {npy(1, dict(">f4", "(1,)"), "abcd"),
       "dtype: got '>f4' (big-endian), expected little-endian"},
      {npy(1, dict("<c8", "(1,)"), "abcdefgh"),
       "dtype: got '<c8', expected f2"},
      {npy(1, dict("|O", "(1,)"), "abcdefgh"), "dtype: got '|O'"},
      {npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}",
           "abcd"),
       "order: got Fortran order, expected C order"},
      {f4("3"), "expected '('"},
      {f4("(3)"), "shape: got a number, expected a tuple"},
      {f4("(3 4)"), "expected ',' or ')'"},
      {f4("(,)"), "expected a size from 0 to 2^63-1"},
      {f4("(-1,)"), "expected a size from 0 to 2^63-1"},
      {f4("(9223372036854775808,)"), "expected a size from 0 to 2^63-1"},
      {f4("(9223372036854775807, 2)"),
       "shape: got f32[9223372036854775807, 2], expected a tensor of less "
       "than 2^63 bytes"},
      {f4("(4611686018427387904, 4611686018427387904, 0)"), "less than 2^63"},
      {f4("(1000000000000,)"),
       "data: got 0 bytes, expected 4000000000000 bytes"},
      {f4("(1,1,1,1,1,1,1,1,1)"), "rank: got more than 8"},
      {npy(1, dict("|b1", "(3,)"), StringRef("\0\1\2", 3)),
       "element 2: got 2, expected 0 or 1"},
  };
  for (const auto &[bytes, part] : cases)
    expectMessage(messageOf(parseNpy(bytes, "a.npy")), "a.npy", part);
}

TEST_F(Npy, RejectsWhatIsNoFile) {
  expectMessage(messageOf(readNpy(path("none.npy"))), path("none.npy"),
                "cannot open: No such file");
  expectMessage(messageOf(readNpy(std::string(folder))), folder,
                "got a folder, expected a file");
  expectMessage(messageOf(readNpy("/dev/zero")), "/dev/zero",
                "got a special file, expected a regular file");
  expectMessage(messageOf(readNpy(put("empty.npy", ""))), path("empty.npy"),
                "magic: got ''");
}

TEST_F(Npy, RejectsWhatItCannotWrite) {
  TensorView half = must(allocateTensor(MOERT_BF16, {1}));
  expectMessage(messageOf(writeNpy(path("a.npy"), half)), path("a.npy"),
                "dtype: got bf16");
  TensorView scale = must(allocateTensor(MOERT_F8E8M0, {1}));
  EXPECT_NE(messageOf(writeNpy(path("a.npy"), scale)), "");
  TensorView deep =
      must(allocateTensor(MOERT_F32, {1, 1, 1, 1, 1, 1, 1, 1, 1}));
  expectMessage(messageOf(writeNpy(path("a.npy"), deep)), path("a.npy"),
                "rank: got 9, expected at most 8");
  EXPECT_EQ(countFiles(), 0);
}

} // namespace
