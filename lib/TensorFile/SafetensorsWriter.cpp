//===- SafetensorsWriter.cpp - writing safetensors files ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FileSupport.h"
#include "Json.h"
#include "SafetensorsFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace moe::tensorfile;

namespace moe {

namespace {

struct Name {
  MoertDType dtype;
  StringLiteral name;
};

constexpr Name names[] = {
    {MOERT_F64, "F64"},   {MOERT_F32, "F32"},       {MOERT_F16, "F16"},
    {MOERT_BF16, "BF16"}, {MOERT_I64, "I64"},       {MOERT_I32, "I32"},
    {MOERT_I16, "I16"},   {MOERT_I8, "I8"},         {MOERT_U8, "U8"},
    {MOERT_I1, "BOOL"},   {MOERT_F8E8M0, "F8_E8M0"}};

/// Success if all tensors can stand together in one file.
Error checkEntries(StringRef path, ArrayRef<Safetensors::Entry> tensors) {
  StringSet<> seen;
  for (const Safetensors::Entry &entry : tensors) {
    std::string where = (path + ": tensor " + quoted(entry.name)).str();
    if (Error error = checkUTF8(where, entry.name))
      return error;
    if (entry.name == "__metadata__")
      return fileError(where, "the format reserves this name");
    if (!seen.insert(entry.name).second)
      return fileError(where, "name", "it twice", "it once");
    if (Error error = checkWritable(where, entry.view))
      return error;
  }
  return Error::success();
}

/// The header's JSON for tensors that lie in this order.
std::string makeHeader(ArrayRef<const Safetensors::Entry *> order) {
  std::string text;
  raw_string_ostream stream(text);
  json::OStream json(stream);
  uint64_t offset = 0;
  json.object([&] {
    for (const Safetensors::Entry *entry : order) {
      const TensorView &view = entry->view;
      uint64_t end = offset + view.bytes();
      json.attributeObject(entry->name, [&] {
        json.attribute("dtype", llvm::find_if(names, [&](const Name &name) {
                                  return name.dtype == view.dtype;
                                })->name);
        json.attribute("shape", json::Array(view.shape));
        json.attribute("data_offsets", json::Array{offset, end});
      });
      offset = end;
    }
  });
  return text;
}

} // namespace

std::optional<MoertDType> tensorfile::safetensorsDType(StringRef name) {
  for (const Name &known : names)
    if (known.name == name)
      return known.dtype;
  return std::nullopt;
}

Error writeSafetensors(StringRef path, ArrayRef<Safetensors::Entry> tensors) {
  if (Error error = checkEntries(path, tensors))
    return error;
  // Wide elements first, so that all are aligned; then by name, so that the
  // file does not depend on the order of `tensors`.
  SmallVector<const Safetensors::Entry *> order;
  for (const Safetensors::Entry &entry : tensors)
    order.push_back(&entry);
  llvm::sort(order,
             [](const Safetensors::Entry *a, const Safetensors::Entry *b) {
               size_t aBytes = moert_dtype_bytes(a->view.dtype);
               size_t bBytes = moert_dtype_bytes(b->view.dtype);
               return std::tie(bBytes, a->name) < std::tie(aBytes, b->name);
             });
  std::string header = makeHeader(order);
  header.resize(alignTo(header.size(), sizeof(uint64_t)), ' ');
  if (header.size() > maxSafetensorsHeader)
    return fileError(path, "header length", Twine(header.size()),
                     "at most " + Twine(maxSafetensorsHeader));
  return writeAtomically(path, [&](raw_ostream &file) {
    char length[sizeof(uint64_t)];
    support::endian::write64le(length, header.size());
    file << StringRef(length, sizeof(length)) << header;
    for (const Safetensors::Entry *entry : order)
      file << StringRef(entry->view.data, entry->view.bytes());
  });
}

} // namespace moe
