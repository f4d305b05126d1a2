//===- FileSupport.h - shared by the readers and writers ------ -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mapping files, writing them atomically, and one-line error messages in which
// text from a file cannot pass for anything else.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_TENSORFILE_FILESUPPORT_H
#define MOE_LIB_TENSORFILE_FILESUPPORT_H

#include "moe/TensorFile/TensorFile.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace moe::tensorfile {

/// The error "WHERE: what".
llvm::Error fileError(llvm::StringRef where, const llvm::Twine &what);

/// The error "WHERE: what: got GOT, expected EXPECTED".
llvm::Error fileError(llvm::StringRef where, const llvm::Twine &what,
                      const llvm::Twine &got, const llvm::Twine &expected);

/// `text` in single quotes, control characters escaped, shortened if long.
std::string quoted(llvm::StringRef text);

/// The contents of a regular file, memory-mapped unless it is small.
llvm::Expected<std::shared_ptr<llvm::MemoryBuffer>>
mapFile(llvm::StringRef path);

/// Gives `path` the contents that `write` prints. On failure, and if the
/// program ends midway, the old file (or its absence) stays as it was.
llvm::Error
writeAtomically(llvm::StringRef path,
                llvm::function_ref<void(llvm::raw_ostream &)> write);

/// A view of `bytes`, or of an aligned copy if they lie badly for their dtype.
/// An error if they do not fit the shape, or an i1 is neither 0 nor 1.
llvm::Expected<TensorView> viewBytes(llvm::StringRef where, MoertDType dtype,
                                     llvm::ArrayRef<int64_t> shape,
                                     llvm::StringRef bytes,
                                     std::shared_ptr<const void> owner);

/// Success if `tensor` is one that the readers could give back.
llvm::Error checkWritable(llvm::StringRef where, const TensorView &tensor);

} // namespace moe::tensorfile

#endif // MOE_LIB_TENSORFILE_FILESUPPORT_H
