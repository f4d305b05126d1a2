//===- Cache.cpp - compiled code in a folder ------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"

#include "Diagnostics.h"
#include "Sanitize.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/TargetParser/Host.h"

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace moe {

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// Tells builds of a library apart that call themselves by the same version:
/// the size and the time of the file that `address` was loaded from.
static std::string describeBuild(const void *address) {
  Dl_info info;
  struct stat status;
  if (!dladdr(address, &info) || !info.dli_fname ||
      stat(info.dli_fname, &status))
    return "?";
  return (Twine(status.st_size) + "@" + Twine(status.st_mtim.tv_sec) + "." +
          Twine(status.st_mtim.tv_nsec))
      .str();
}

CacheKey makeCacheKey(ArrayRef<StringRef> parts) {
  static const std::string builds =
      describeBuild(reinterpret_cast<const void *>(&makeCacheKey)) + " " +
      describeBuild(reinterpret_cast<const void *>(&sys::getProcessTriple));
  BLAKE3 hash;
  auto add = [&](StringRef part) {
    uint64_t size = part.size(); // so that no two lists of parts look the same
    hash.update(StringRef(reinterpret_cast<const char *>(&size), sizeof size));
    hash.update(part);
  };
  add(MOE_VERSION);
  add(LLVM_VERSION_STRING);
  add(builds);
  add(Twine(MOERT_ABI_VERSION).str());
  add(kAddressSanitizer ? "asan" : kThreadSanitizer ? "tsan" : "");
  for (StringRef part : parts)
    add(part);
  return hash.final();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {
/// Stands before the names of the entries, each of which ends in a 0, and the
/// object; the hash of all that follows at the end.
struct FileHeader {
  char magic[8];
  uint64_t nameBytes;
  uint64_t objectBytes;
  CacheKey key;
};

/// A file that is closed.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
};
} // namespace

static constexpr char kMagic[8] = {'M', 'O', 'E', 'C', 'O', 'D', 'E', '1'};
static constexpr uint64_t kHashBytes = std::tuple_size_v<CacheKey>;

/// The name of the key's file.
static std::string nameOf(const CacheKey &key) {
  return toHex(key, /*LowerCase=*/true) + ".moecode";
}

/// Why others could have written what `status` is of; "" if they cannot.
static std::string whyForeign(const struct stat &status) {
  if (status.st_uid != geteuid())
    return ("it belongs to user " + Twine(status.st_uid) +
            ", and this process runs as user " + Twine(geteuid()))
        .str();
  if (status.st_mode & (S_IWGRP | S_IWOTH))
    return "other users can write to it, and what it holds is executed (chmod "
           "go-w)";
  return "";
}

Expected<CacheFolder> CacheFolder::open(StringRef path) {
  auto refuse = [&](const Twine &why) {
    return makeError("the cache folder '" + path + "' is not used: " + why);
  };
  if (std::error_code error = sys::fs::create_directories(
          path, /*IgnoreExisting=*/true, sys::fs::owner_all))
    return refuse(error.message());
  Descriptor folder{
      ::open(path.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct stat status;
  if (folder.number < 0 || fstat(folder.number, &status))
    return refuse(sys::StrError());
  if (std::string why = whyForeign(status); !why.empty())
    return refuse(why);
  return CacheFolder(std::exchange(folder.number, -1));
}

CacheFolder::~CacheFolder() {
  if (descriptor >= 0)
    close(descriptor);
}

/// The contents of a file that is what it says; null if it is not.
static std::unique_ptr<MemoryBuffer> readChecked(int file) {
  struct stat status;
  if (fstat(file, &status) || !S_ISREG(status.st_mode) ||
      !whyForeign(status).empty() ||
      status.st_size < off_t(sizeof(FileHeader) + kHashBytes))
    return nullptr;
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getOpenFile(
      sys::fs::convertFDToNativeFile(file), "cache", status.st_size,
      /*RequiresNullTerminator=*/false, /*IsVolatile=*/true); // no mapping
  if (!buffer || (*buffer)->getBufferSize() != uint64_t(status.st_size))
    return nullptr;
  StringRef bytes = (*buffer)->getBuffer();
  CacheKey hash =
      BLAKE3::hash(arrayRefFromStringRef(bytes.drop_back(kHashBytes)));
  if (toStringRef(hash) != bytes.take_back(kHashBytes))
    return nullptr;
  return std::move(*buffer);
}

std::optional<ObjectCode> CacheFolder::find(const CacheKey &key,
                                            bool &damaged) const {
  Descriptor file{openat(descriptor, nameOf(key).c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (file.number < 0) {
    damaged = errno != ENOENT;
    return std::nullopt;
  }
  damaged = true;
  std::unique_ptr<MemoryBuffer> buffer = readChecked(file.number);
  if (!buffer)
    return std::nullopt;
  StringRef bytes = buffer->getBuffer().drop_back(kHashBytes);
  FileHeader header;
  memcpy(&header, bytes.data(), sizeof header);
  bytes = bytes.drop_front(sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic) || header.key != key ||
      header.nameBytes > bytes.size() ||
      header.objectBytes != bytes.size() - header.nameBytes)
    return std::nullopt;
  damaged = false;
  ObjectCode code;
  StringRef names = bytes.take_front(header.nameBytes);
  while (!names.empty()) {
    auto [name, rest] = names.split('\0');
    code.entries.push_back(name.str());
    names = rest;
  }
  code.object = MemoryBuffer::getMemBufferCopy(
      bytes.drop_front(header.nameBytes), "cache");
  code.times.fromCache = true;
  return code;
}

/// Writes all of `bytes`; false if that fails.
static bool writeAll(int file, StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t count =
        sys::RetryAfterSignal(-1, write, file, bytes.data(), bytes.size());
    if (count <= 0)
      return false;
    bytes = bytes.drop_front(count);
  }
  return true;
}

Error CacheFolder::store(const CacheKey &key, const ObjectCode &code) const {
  std::string names;
  for (const std::string &entry : code.entries)
    names += entry + '\0';
  StringRef object = code.object->getBuffer();
  FileHeader header = {};
  memcpy(header.magic, kMagic, sizeof kMagic);
  header.nameBytes = names.size();
  header.objectBytes = object.size();
  header.key = key;
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
  bytes += names;
  bytes += object;
  CacheKey hash = BLAKE3::hash(arrayRefFromStringRef(bytes));
  bytes += toStringRef(hash);

  // A name of its own for each attempt of each process; one that died may have
  // left its file.
  static std::atomic<unsigned> attempts{0};
  std::string name = nameOf(key);
  std::string temporary = (name + "." + Twine(getpid()) + "." +
                           Twine(attempts.fetch_add(1)) + ".tmp")
                              .str();
  Descriptor file{openat(descriptor, temporary.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                         S_IRUSR | S_IWUSR)};
  if (file.number >= 0 && writeAll(file.number, bytes) &&
      !renameat(descriptor, temporary.c_str(), descriptor, name.c_str()))
    return Error::success();
  std::string why = sys::StrError();
  if (file.number >= 0)
    unlinkat(descriptor, temporary.c_str(), 0);
  return makeError("the compiled code cannot be kept in the cache: " + why);
}

} // namespace moe
