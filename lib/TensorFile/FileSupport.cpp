//===- FileSupport.cpp - shared by the readers and writers ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FileSupport.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <cstring>

using namespace llvm;

namespace moe::tensorfile {

Error fileError(StringRef where, const Twine &what) {
  return createStringError(inconvertibleErrorCode(), where + ": " + what);
}

Error fileError(StringRef where, const Twine &what, const Twine &got,
                const Twine &expected) {
  return fileError(where, what + ": got " + got + ", expected " + expected);
}

std::string quoted(StringRef text) {
  constexpr size_t limit = 80;
  std::string result = "'";
  for (unsigned char c : text.take_front(limit)) {
    if (c >= 0x20 && c != 0x7f)
      result += static_cast<char>(c);
    else
      result += {'\\', 'x', hexdigit(c >> 4), hexdigit(c & 15)};
  }
  return result + (text.size() > limit ? "...'" : "'");
}

Expected<std::shared_ptr<MemoryBuffer>> mapFile(StringRef path) {
  // Reading from a pipe or a device might never end.
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return fileError(path, "cannot open: " + error.message());
  if (status.type() == sys::fs::file_type::directory_file)
    return fileError(path, "cannot read", "a folder", "a file");
  if (status.type() != sys::fs::file_type::regular_file)
    return fileError(path, "cannot read", "a special file", "a regular file");
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path, "cannot read: " + buffer.getError().message());
  return std::shared_ptr<MemoryBuffer>(std::move(*buffer));
}

Error writeAtomically(StringRef path, function_ref<void(raw_ostream &)> write) {
  // A rename would replace a device such as /dev/null by a file.
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) &&
      status.type() != sys::fs::file_type::regular_file)
    return fileError(path, "cannot write",
                     status.type() == sys::fs::file_type::directory_file
                         ? "a folder"
                         : "a special file",
                     "a regular file or a new name");
  Expected<sys::fs::TempFile> temporary =
      sys::fs::TempFile::create(path + ".tmp%%%%%%%%");
  if (!temporary)
    return fileError(path, "cannot write: " + toString(temporary.takeError()));
  std::error_code failure;
  {
    raw_fd_ostream stream(temporary->FD, /*shouldClose=*/false);
    write(stream);
    stream.flush();
    failure = stream.error();
    stream.clear_error(); // else its destructor aborts
  }
  if (failure) {
    consumeError(temporary->discard());
    return fileError(path, "cannot write: " + failure.message());
  }
  if (Error error = temporary->keep(path))
    return fileError(path, "cannot write: " + toString(std::move(error)));
  return Error::success();
}

Expected<TensorView> viewBytes(StringRef where, MoertDType dtype,
                               ArrayRef<int64_t> shape, StringRef bytes,
                               std::shared_ptr<const void> owner) {
  TensorView view;
  view.dtype = dtype;
  view.shape.assign(shape.begin(), shape.end());
  std::optional<int64_t> size = tensorBytes(dtype, shape);
  if (!size)
    return fileError(where, "shape", view.describe(),
                     "a tensor of less than 2^63 bytes");
  if (bytes.size() != static_cast<uint64_t>(*size))
    return fileError(where, "data", Twine(bytes.size()) + " bytes",
                     Twine(*size) + " bytes for " + view.describe());
  if (dtype == MOERT_I1)
    for (auto [i, byte] : enumerate(bytes.bytes()))
      if (byte > 1)
        return fileError(where, "element " + Twine(i), Twine(unsigned(byte)),
                         "0 or 1");
  if (reinterpret_cast<uintptr_t>(bytes.data()) % moert_dtype_bytes(dtype)) {
    Expected<TensorView> copy = allocateTensor(dtype, shape);
    if (!copy)
      return fileError(where, toString(copy.takeError()));
    std::memcpy(const_cast<char *>(copy->data), bytes.data(), bytes.size());
    return copy;
  }
  view.data = bytes.data();
  view.owner = std::move(owner);
  return view;
}

Error checkWritable(StringRef where, const TensorView &tensor) {
  if (tensor.shape.size() > MOERT_MAX_RANK)
    return fileError(where, "rank", Twine(tensor.shape.size()),
                     "at most " + Twine(MOERT_MAX_RANK));
  if (!tensorBytes(tensor.dtype, tensor.shape))
    return fileError(where, "shape", tensor.describe(),
                     "a tensor of less than 2^63 bytes");
  return Error::success();
}

} // namespace moe::tensorfile
