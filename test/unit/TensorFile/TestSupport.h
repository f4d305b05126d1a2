//===- TestSupport.h - for the tests of tensor files ---------- -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_UNITTEST_TENSORFILE_TESTSUPPORT_H
#define MOE_UNITTEST_TENSORFILE_TESTSUPPORT_H

#include "moe/TensorFile/TensorFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cstring>

namespace moe::test {

/// The value, which must be there: an error ends the test program.
template <typename T> T must(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  llvm::report_fatal_error(value.takeError());
}

/// The message of an error; "" if there is none.
inline std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}
template <typename T> std::string messageOf(llvm::Expected<T> value) {
  return value ? "" : llvm::toString(value.takeError());
}

/// Checks that `message` is one line, starts with `file` and has `part` in it.
inline void expectMessage(llvm::StringRef message, llvm::StringRef file,
                          llvm::StringRef part) {
  EXPECT_TRUE(message.starts_with((file + ": ").str())) << message.str();
  EXPECT_TRUE(message.contains(part))
      << message.str() << "\n  lacks: " << part.str();
  EXPECT_FALSE(message.contains('\n')) << message.str();
  EXPECT_LT(message.size(), 500u) << message.str();
}

/// A tensor of these elements.
inline TensorView makeTensor(MoertDType dtype, llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<double> values) {
  TensorView tensor = must(allocateTensor(dtype, shape));
  EXPECT_EQ(tensor.elements(), int64_t(values.size()));
  for (size_t i = 0; i < values.size(); ++i)
    writeElement(dtype, const_cast<char *>(tensor.data), i, values[i]);
  return tensor;
}

/// Checks dtype, shape and bytes.
inline void expectSame(const TensorView &a, const TensorView &b) {
  EXPECT_EQ(a.describe(), b.describe());
  ASSERT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(llvm::StringRef(a.data, a.bytes()),
            llvm::StringRef(b.data, b.bytes()));
}

/// A test with a folder of its own, which must be empty of temporary files.
class FolderTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("moe-tensorfile", folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  /// The path of `name` in the folder.
  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(folder);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }

  /// Gives the file `name` these contents; its path.
  std::string put(llvm::StringRef name, llvm::StringRef contents) const {
    std::error_code error;
    llvm::raw_fd_ostream stream(path(name), error);
    EXPECT_FALSE(error) << error.message();
    stream << contents;
    return path(name);
  }

  /// The contents of the file `name`.
  std::string contents(llvm::StringRef name) const {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "(missing)";
  }

  /// How many files the folder has.
  int countFiles() const {
    std::error_code error;
    int count = 0;
    for (llvm::sys::fs::directory_iterator it(folder, error), end;
         !error && it != end; it.increment(error))
      ++count;
    return count;
  }

  llvm::SmallString<128> folder;
};

/// A safetensors file with this header (length included) and data.
inline std::string safetensors(llvm::StringRef header, llvm::StringRef data) {
  char length[8];
  llvm::support::endian::write64le(length, header.size());
  return (llvm::StringRef(length, 8) + header + data).str();
}

} // namespace moe::test

#endif // MOE_UNITTEST_TENSORFILE_TESTSUPPORT_H
