//===- Safetensors.cpp - reading safetensors files ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is the header's length (8 bytes, little-endian), the header (a JSON
// object from names to {dtype, shape, data_offsets}), and the tensors' bytes,
// which the offsets must cover without gaps and overlaps.
//
//===----------------------------------------------------------------------===//

#include "FileSupport.h"
#include "Json.h"
#include "SafetensorsFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace moe::tensorfile;

namespace moe {

namespace {

/// What the header says of one tensor.
struct Record {
  std::string name, dtype;
  SmallVector<int64_t, 4> shape;
  uint64_t begin = 0, end = 0; // relative to the data behind the header
};

/// Where messages about one tensor start.
std::string tensorWhere(StringRef label, StringRef name) {
  return (label + ": tensor " + quoted(name)).str();
}

/// One member of the header.
Expected<Record> parseRecord(StringRef label, StringRef name, StringRef text) {
  std::string where = tensorWhere(label, name);
  Record record;
  record.name = name.str();
  bool hasDtype = false, hasShape = false, hasOffsets = false;
  Error error =
      forEachMember(where, text, [&](StringRef key, StringRef value) -> Error {
        if (key == "dtype") {
          hasDtype = true;
          return parseString(where + ": dtype", value).moveInto(record.dtype);
        }
        if (key == "shape") {
          hasShape = true;
          return parseSizes(where + ": shape", value).moveInto(record.shape);
        }
        if (key == "data_offsets") {
          Expected<SmallVector<int64_t, 4>> offsets =
              parseSizes(where + ": data_offsets", value);
          if (!offsets)
            return offsets.takeError();
          if (offsets->size() != 2 || (*offsets)[0] > (*offsets)[1])
            return fileError(where, "data_offsets", quoted(value),
                             "[begin, end] with begin <= end");
          hasOffsets = true;
          record.begin = (*offsets)[0];
          record.end = (*offsets)[1];
          return Error::success();
        }
        return parseValue(where, value).takeError(); // unknown, but JSON
      });
  if (error)
    return error;
  if (!hasDtype || !hasShape || !hasOffsets)
    return fileError(where, "keys",
                     Twine(hasDtype + hasShape + hasOffsets) + " of 3",
                     "'dtype', 'shape' and 'data_offsets'");
  return record;
}

/// All tensors of a header, in the order of their data.
Expected<std::vector<Record>> parseHeader(StringRef label, StringRef text) {
  std::string where = (label + ": header").str();
  if (Error error = checkUTF8(where, text))
    return error;
  if (!text.starts_with('{'))
    return fileError(where, "first byte", quoted(text.take_front(1)), "'{'");
  std::vector<Record> records;
  Error error =
      forEachMember(where, text, [&](StringRef name, StringRef value) -> Error {
        if (name == "__metadata__")
          return forEachMember(
              where + ": __metadata__", value, [&](StringRef, StringRef text) {
                return parseString(where + ": __metadata__", text).takeError();
              });
        Expected<Record> record = parseRecord(label, name, value);
        if (!record)
          return record.takeError();
        records.push_back(std::move(*record));
        return Error::success();
      });
  if (error)
    return error;
  llvm::sort(records, [](const Record &a, const Record &b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  return records;
}

/// Success if the records, in the order of their data, cover `size` bytes.
Error checkCover(StringRef label, ArrayRef<Record> records, uint64_t size) {
  uint64_t covered = 0;
  for (const Record &record : records) {
    std::string where = tensorWhere(label, record.name);
    if (record.begin != covered)
      return fileError(where, "begin of the data", Twine(record.begin),
                       Twine(covered) + ", where the tensor before ends");
    if (record.end > size)
      return fileError(where, "end of the data", Twine(record.end),
                       "at most " + Twine(size) + ", where the file ends");
    covered = record.end;
  }
  if (covered != size)
    return fileError(label, "data", Twine(size) + " bytes",
                     Twine(covered) + " as in the header");
  return Error::success();
}

/// Sorts for findByName.
template <typename T> void sortByName(std::vector<T> &entries) {
  llvm::sort(entries, [](const T &a, const T &b) { return a.name < b.name; });
}

/// The element of `entries`, sorted by name, that is called `name`, or null.
template <typename T> const T *findByName(ArrayRef<T> entries, StringRef name) {
  const T *entry = llvm::lower_bound(
      entries, name, [](const T &a, StringRef b) { return a.name < b; });
  return entry != entries.end() && entry->name == name ? entry : nullptr;
}

} // namespace

//===----------------------------------------------------------------------===//
// One file
//===----------------------------------------------------------------------===//

Expected<Safetensors> Safetensors::parse(StringRef bytes, StringRef label,
                                         std::shared_ptr<const void> owner) {
  if (bytes.size() < sizeof(uint64_t))
    return fileError(label, "size", Twine(bytes.size()) + " bytes",
                     "at least 8 (a safetensors file)");
  uint64_t length = support::endian::read64le(bytes.data());
  StringRef rest = bytes.drop_front(sizeof(uint64_t));
  if (length > maxSafetensorsHeader || length > rest.size())
    return fileError(label, "header length", Twine(length),
                     "at most " + Twine(std::min<uint64_t>(maxSafetensorsHeader,
                                                           rest.size())));
  StringRef data = rest.drop_front(length);
  Expected<std::vector<Record>> records =
      parseHeader(label, rest.take_front(length));
  if (!records)
    return records.takeError();
  if (Error error = checkCover(label, *records, data.size()))
    return error;

  Safetensors file;
  file.label = label.str();
  for (Record &record : *records) {
    std::optional<MoertDType> dtype = safetensorsDType(record.dtype);
    if (!dtype) {
      file.unusable.push_back(
          {std::move(record.name), "dtype " + quoted(record.dtype)});
      continue;
    }
    if (record.shape.size() > MOERT_MAX_RANK) {
      file.unusable.push_back({std::move(record.name),
                               "rank " + std::to_string(record.shape.size())});
      continue;
    }
    Expected<TensorView> view =
        viewBytes(tensorWhere(label, record.name), *dtype, record.shape,
                  data.slice(record.begin, record.end), owner);
    if (!view)
      return view.takeError();
    file.tensors.push_back({std::move(record.name), std::move(*view)});
  }
  sortByName(file.tensors);
  sortByName(file.unusable);
  return file;
}

const TensorView *Safetensors::find(StringRef name) const {
  const Entry *entry = findByName(entries(), name);
  return entry ? &entry->view : nullptr;
}

Expected<TensorView> Safetensors::get(StringRef name) const {
  if (const TensorView *view = find(name))
    return *view;
  std::string where = tensorWhere(label, name);
  if (const auto *entry = findByName(ArrayRef(unusable), name))
    return fileError(where, "cannot use it", entry->reason,
                     "F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL or "
                     "F8_E8M0 of rank at most " +
                         Twine(MOERT_MAX_RANK));
  return fileError(where, "no such tensor in the file");
}

//===----------------------------------------------------------------------===//
// A sharded checkpoint
//===----------------------------------------------------------------------===//

Expected<Safetensors> Safetensors::parseIndex(StringRef text, StringRef label,
                                              ShardReader readShard) {
  if (text.size() > maxSafetensorsHeader)
    return fileError(label, "size", Twine(text.size()) + " bytes",
                     "at most " + Twine(maxSafetensorsHeader));
  if (Error error = checkUTF8(label, text))
    return error;
  std::vector<std::pair<std::string, std::string>> shardAndName;
  bool hasMap = false;
  Error error =
      forEachMember(label, text, [&](StringRef key, StringRef value) -> Error {
        if (key != "weight_map")
          return parseValue(label, value).takeError();
        hasMap = true;
        std::string where = (label + ": weight_map").str();
        return forEachMember(
            where, value, [&](StringRef name, StringRef value) -> Error {
              Expected<std::string> shard = parseString(where, value);
              if (!shard)
                return shard.takeError();
              // A path could reach files that are no part of the checkpoint.
              if (shard->empty() || *shard == "." || *shard == ".." ||
                  StringRef(*shard).find_first_of(StringRef("/\\:\0", 4)) !=
                      StringRef::npos)
                return fileError(where, "shard of " + quoted(name),
                                 quoted(*shard),
                                 "the name of a file beside the index");
              shardAndName.emplace_back(std::move(*shard), name.str());
              return Error::success();
            });
      });
  if (error)
    return error;
  if (!hasMap)
    return fileError(label, "no 'weight_map' (a checkpoint's index has one)");

  llvm::sort(shardAndName);
  Safetensors file;
  file.label = label.str();
  Safetensors shard;
  StringRef open;
  for (const auto &[shardName, name] : shardAndName) {
    if (shardName != open) {
      Expected<Safetensors> next = readShard(shardName);
      if (!next)
        return next.takeError();
      shard = std::move(*next);
      open = shardName;
    }
    if (const TensorView *view = shard.find(name))
      file.tensors.push_back({name, *view});
    else if (const auto *entry = findByName(ArrayRef(shard.unusable), name))
      file.unusable.push_back(*entry);
    else
      return fileError(label, "tensor " + quoted(name) + ": not in its shard " +
                                  quoted(shardName));
  }
  sortByName(file.tensors);
  sortByName(file.unusable);
  return file;
}

Expected<Safetensors> Safetensors::open(StringRef path) {
  Expected<std::shared_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  if (!path.ends_with(".json"))
    return parse(bytes, path, *buffer);
  return parseIndex(bytes, path, [&](StringRef name) -> Expected<Safetensors> {
    SmallString<128> shardPath(sys::path::parent_path(path));
    sys::path::append(shardPath, name);
    Expected<std::shared_ptr<MemoryBuffer>> shard = mapFile(shardPath);
    if (!shard)
      return shard.takeError();
    return parse((*shard)->getBuffer(), shardPath, *shard);
  });
}

} // namespace moe
