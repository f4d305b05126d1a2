//===- Files.h - tensors from files, and back into them ---------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TOOLS_MOE_RUN_FILES_H
#define MOE_TOOLS_MOE_RUN_FILES_H

#include "Options.h"

#include "moe/TensorFile/TensorFile.h"

namespace moe::run {

/// The tensor of an --input.
llvm::Expected<TensorView> readTensor(const TensorPlace &place);

/// Where the first results go: a safetensors file may take several of them.
class OutputFiles {
public:
  /// `names` and `dtypes` are those of all results. An error if there are fewer
  /// results than places, a place is taken twice, its format cannot hold the
  /// dtype, or the folder cannot be written to.
  static llvm::Expected<OutputFiles> plan(llvm::ArrayRef<TensorPlace> places,
                                          llvm::ArrayRef<llvm::StringRef> names,
                                          llvm::ArrayRef<MoertDType> dtypes);

  /// Writes all files, each of them whole or not at all.
  llvm::Error write(llvm::ArrayRef<TensorView> results) const;

private:
  struct File {
    std::string path;
    /// Names in the file, and the results they stand for.
    std::vector<std::pair<std::string, size_t>> tensors;
  };
  std::vector<File> files;
};

} // namespace moe::run

#endif // MOE_TOOLS_MOE_RUN_FILES_H
