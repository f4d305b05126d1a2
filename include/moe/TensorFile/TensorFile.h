//===- TensorFile.h - tensors in npy and safetensors files ------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Readers map files into memory and hand out views; nothing in a file is
// trusted. Writers are atomic: a file appears whole under its name or not at
// all. Errors are one line, "FILE: what: got X, expected Y".
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TENSORFILE_TENSORFILE_H
#define MOE_TENSORFILE_TENSORFILE_H

#include "moert/moert.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moe {

/// A dense row-major tensor that lies in memory owned by `owner`. `data` is
/// aligned to its element at least; it may point into a read-only mapping of a
/// file, which must not be changed in place meanwhile. Sizes are not negative
/// and `tensorBytes(dtype, shape)` has a value.
struct TensorView {
  MoertDType dtype = MOERT_F32;
  llvm::SmallVector<int64_t, 4> shape;
  const char *data = nullptr; ///< may be null when there is no element
  std::shared_ptr<const void> owner;

  /// Product of the sizes; 1 for rank 0.
  int64_t elements() const;
  /// Bytes that `data` spans.
  int64_t bytes() const;
  /// "f32[37, 64]".
  std::string describe() const;
};

/// Bytes of a tensor; none if a size is negative or a product of sizes does not
/// fit (sizes 0 count as 1 for that, so that no partial product overflows).
std::optional<int64_t> tensorBytes(MoertDType dtype,
                                   llvm::ArrayRef<int64_t> shape);

/// Allocates a zero-filled tensor, its data 64-byte aligned; the data may be
/// written (through a const_cast) until the view is handed on. An error if the
/// shape is invalid or memory is short.
llvm::Expected<TensorView> allocateTensor(MoertDType dtype,
                                          llvm::ArrayRef<int64_t> shape);

/// Element `i` (flat index) as a double; integers exactly up to 2^53.
double readElement(const TensorView &tensor, int64_t i);

/// Stores `value` into element `i` of `data`. Floats are rounded once, to
/// nearest even; beyond the largest one they become infinity; a NaN stays one.
/// f8E8M0 has neither sign, zero nor infinity: what is below 2^-127 becomes
/// 2^-127, what is negative or too large becomes NaN. Integers are rounded to
/// nearest even and saturate, a NaN becomes 0; i1 is `value != 0`.
void writeElement(MoertDType dtype, char *data, int64_t i, double value);

/// A copy with another dtype, each element as by writeElement(readElement). An
/// error if memory is short.
llvm::Expected<TensorView> convertTensor(const TensorView &tensor,
                                         MoertDType dtype);

/// Reads FILE.npy (format versions 1 to 3, little-endian, C order; f2, f4, f8,
/// i1, i2, i4, i8, u1, b1; rank up to MOERT_MAX_RANK).
llvm::Expected<TensorView> readNpy(llvm::StringRef path);

/// The same on bytes in memory, which `owner` keeps alive (the caller, if it is
/// null). `label` stands for the file name.
llvm::Expected<TensorView> parseNpy(llvm::StringRef bytes,
                                    llvm::StringRef label,
                                    std::shared_ptr<const void> owner = {});

/// Writes FILE.npy; bf16 and f8E8M0 are an error, npy has no such dtype.
llvm::Error writeNpy(llvm::StringRef path, const TensorView &tensor);

/// An open safetensors file, or a sharded checkpoint by its .index.json.
///
/// A file may hold tensors that this library cannot represent (an F8_E4M3 one,
/// or one of rank 9). They do not keep the others from being used: they are
/// absent from entries(), find() does not see them, and get() says why.
class Safetensors {
public:
  struct Entry {
    std::string name;
    TensorView view;
  };
  using ShardReader =
      llvm::function_ref<llvm::Expected<Safetensors>(llvm::StringRef name)>;

  /// Opens `path`: an index if its name ends in ".json", else one file.
  static llvm::Expected<Safetensors> open(llvm::StringRef path);

  /// One file's bytes in memory, which `owner` keeps alive (the caller, if it
  /// is null). `label` stands for the file name.
  static llvm::Expected<Safetensors>
  parse(llvm::StringRef bytes, llvm::StringRef label,
        std::shared_ptr<const void> owner = {});

  /// An index's text. `readShard` gets each shard's name once: a plain file
  /// name, never a path.
  static llvm::Expected<Safetensors> parseIndex(llvm::StringRef text,
                                                llvm::StringRef label,
                                                ShardReader readShard);

  /// All usable tensors, sorted by name.
  llvm::ArrayRef<Entry> entries() const { return tensors; }
  /// The tensor, valid as long as this object; null if absent or unusable.
  const TensorView *find(llvm::StringRef name) const;
  /// The tensor, or an error that says what is wrong with it.
  llvm::Expected<TensorView> get(llvm::StringRef name) const;

private:
  struct Unusable {
    std::string name, reason;
  };
  std::string label;
  std::vector<Entry> tensors;     // sorted by name
  std::vector<Unusable> unusable; // sorted by name
};

/// Writes all tensors, their names distinct, to one safetensors file.
llvm::Error writeSafetensors(llvm::StringRef path,
                             llvm::ArrayRef<Safetensors::Entry> tensors);

} // namespace moe

#endif // MOE_TENSORFILE_TENSORFILE_H
