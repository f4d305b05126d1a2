//===- Library.cpp - libraries of compiled entries ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dynamic linker trusts what it maps: of a file that was cut off, the first
// access behind its end kills the process. So the file's tables are read first,
// and tell which entries there are, too.
//
//===----------------------------------------------------------------------===//

#include "Entry.h"
#include "Text.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace moe::runtime;

struct MoertLibrary {
  void *handle = nullptr;
  size_t size = 0;
  const MoertEntry **entries = nullptr;

  ~MoertLibrary() {
    free(entries);
    if (handle)
      dlclose(handle);
  }
};

namespace {

constexpr char kPrefix[] = "moert_entry_";

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_NONE;
#endif

/// Memory that is freed at the end.
struct Bytes {
  char *data = nullptr;
  uint64_t size = 0;
  ~Bytes() { free(data); }
};

/// The tables of a library's file.
class File {
public:
  File(MoertContext &context, const char *path)
      : context(context), path(path) {}
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File() {
    if (descriptor >= 0)
      close(descriptor);
  }

  /// Reads the tables and checks that the file is as long as they say.
  MoertStatus read() {
    if (MoertStatus status = open())
      return status;
    if (MoertStatus status = readHeader())
      return status;
    if (MoertStatus status = checkSegments())
      return status;
    return readSymbols();
  }

  /// Calls visit(symbol) for the symbol of each entry until one fails.
  template <typename Visit> MoertStatus forEachEntry(Visit visit) const {
    for (uint64_t i = 0; i < symbols.size / sizeof(Elf64_Sym); ++i) {
      Elf64_Sym symbol;
      memcpy(&symbol, symbols.data + i * sizeof symbol, sizeof symbol);
      // The names end in a zero byte: readSymbols has put one there.
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size)
        continue;
      const char *name = names.data + symbol.st_name;
      if (strncmp(name, kPrefix, sizeof kPrefix - 1))
        continue;
      if (MoertStatus status = visit(name))
        return status;
    }
    return MOERT_OK;
  }

private:
  MoertStatus fail(const char *what) {
    return context.fail(MOERT_INVALID_ARGUMENT, "%s: %s", path, what);
  }
  MoertStatus failCut() {
    return fail("is cut off: its tables point behind its end");
  }

  MoertStatus open() {
    // Not to wait for a pipe that nobody writes to.
    descriptor = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status))
      return context.fail(MOERT_INVALID_ARGUMENT, "%s: cannot open: %s", path,
                          strerror(errno));
    if (!S_ISREG(status.st_mode))
      return fail("is not a regular file");
    size = uint64_t(status.st_size);
    return MOERT_OK;
  }

  /// Reads `bytes` bytes at `offset`, followed by a zero byte.
  MoertStatus readAt(uint64_t offset, uint64_t bytes, Bytes &result) {
    if (offset > size || bytes > size - offset)
      return failCut();
    result.data = static_cast<char *>(malloc(bytes + 1));
    if (!result.data)
      return context.fail(MOERT_OUT_OF_MEMORY, "%s: no memory for its symbols",
                          path);
    result.size = bytes;
    result.data[bytes] = 0;
    for (uint64_t done = 0; done < bytes;) {
      ssize_t count = pread(descriptor, result.data + done, bytes - done,
                            off_t(offset + done));
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return context.fail(MOERT_INVALID_ARGUMENT, "%s: cannot read: %s", path,
                            count ? strerror(errno) : "it became shorter");
      done += uint64_t(count);
    }
    return MOERT_OK;
  }

  MoertStatus readHeader() {
    Bytes bytes;
    if (size < sizeof header)
      return fail("is not a library (ELF): it is too short");
    if (MoertStatus status = readAt(0, sizeof header, bytes))
      return status;
    memcpy(&header, bytes.data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG))
      return fail("is not a library (ELF)");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kMachine)
      return context.fail(MOERT_WRONG_CPU, "%s: is for another kind of machine",
                          path);
    if (header.e_type != ET_DYN)
      return fail(header.e_type == ET_REL
                      ? "is an object file; link it, or compile to a .so"
                      : "is not a shared library");
    return MOERT_OK;
  }

  MoertStatus checkSegments() {
    if (header.e_phentsize != sizeof(Elf64_Phdr))
      return fail("is not a library (ELF): its program header is malformed");
    Bytes segments;
    if (MoertStatus status =
            readAt(header.e_phoff,
                   uint64_t(header.e_phnum) * sizeof(Elf64_Phdr), segments))
      return status;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      memcpy(&segment, segments.data + i * sizeof segment, sizeof segment);
      if (segment.p_type == PT_LOAD &&
          (segment.p_offset > size ||
           segment.p_filesz > size - segment.p_offset))
        return failCut();
    }
    return MOERT_OK;
  }

  MoertStatus readSymbols() {
    if (header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr))
      return fail("is not a library (ELF): its section header is malformed");
    Bytes sections;
    if (MoertStatus status =
            readAt(header.e_shoff,
                   uint64_t(header.e_shnum) * sizeof(Elf64_Shdr), sections))
      return status;
    auto section = [&](unsigned i) {
      Elf64_Shdr result;
      memcpy(&result, sections.data + i * sizeof result, sizeof result);
      return result;
    };
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      Elf64_Shdr table = section(i);
      if (table.sh_type != SHT_DYNSYM || table.sh_link >= header.e_shnum)
        continue;
      Elf64_Shdr strings = section(table.sh_link);
      if (MoertStatus status = readAt(table.sh_offset, table.sh_size, symbols))
        return status;
      return readAt(strings.sh_offset, strings.sh_size, names);
    }
    return MOERT_OK; // no symbols, no entries
  }

  MoertContext &context;
  const char *path;
  int descriptor = -1;
  uint64_t size = 0;
  Elf64_Ehdr header = {};
  Bytes symbols, names;
};

/// Loads `path` and fills in `library`.
MoertStatus openLibrary(MoertContext &context, const char *path,
                        MoertLibrary &library) {
  File file(context, path);
  if (MoertStatus status = file.read())
    return status;
  size_t count = 0;
  (void)file.forEachEntry([&](const char *) {
    ++count;
    return MOERT_OK;
  });
  if (!count)
    return context.fail(MOERT_INVALID_ARGUMENT,
                        "%s: has no entries (symbols %sNAME)", path, kPrefix);
  library.entries =
      static_cast<const MoertEntry **>(malloc(count * sizeof(MoertEntry *)));
  // Without a slash it would be looked for elsewhere.
  char *place = nullptr;
  if (asprintf(&place, "%s%s", strchr(path, '/') ? "" : "./", path) < 0)
    place = nullptr;
  if (!library.entries || !place) {
    free(place);
    return context.fail(MOERT_OUT_OF_MEMORY, "%s: no memory for its entries",
                        path);
  }
  library.handle = dlopen(place, RTLD_NOW | RTLD_LOCAL);
  free(place);
  if (!library.handle)
    return context.fail(MOERT_INVALID_ARGUMENT, "cannot load %s", dlerror());

  MoertStatus status =
      file.forEachEntry([&](const char *symbol) -> MoertStatus {
        auto *entry =
            static_cast<const MoertEntry *>(dlsym(library.handle, symbol));
        if (!entry || library.size == count)
          return context.fail(MOERT_INVALID_ARGUMENT, "%s: cannot find %s",
                              path, symbol);
        if (MoertStatus status = beginEntry(context, entry)) {
          char message[sizeof context.message];
          memcpy(message, context.message, sizeof message);
          context.begin(nullptr);
          return context.fail(status, "%s: %s", path, message);
        }
        library.entries[library.size++] = entry;
        return MOERT_OK;
      });
  // The linker has hashed them.
  std::sort(library.entries, library.entries + library.size,
            [](const MoertEntry *a, const MoertEntry *b) {
              return strcmp(a->name, b->name) < 0;
            });
  return status;
}

} // namespace

MoertStatus moert_library_open(MoertContext *context, const char *path,
                               MoertLibrary **library) {
  if (library)
    *library = nullptr;
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  context->begin(nullptr);
  if (!path || !library)
    return context->fail(MOERT_INVALID_ARGUMENT, "the %s is null",
                         path ? "result pointer" : "path");
  void *memory = malloc(sizeof(MoertLibrary));
  if (!memory)
    return context->fail(MOERT_OUT_OF_MEMORY, "%s: no memory for a library",
                         path);
  auto *created = new (memory) MoertLibrary;
  if (MoertStatus status = openLibrary(*context, path, *created)) {
    moert_library_close(created);
    return status;
  }
  context->begin(nullptr); // the name of the last entry does not stay
  *library = created;
  return MOERT_OK;
}

void moert_library_close(MoertLibrary *library) {
  if (!library)
    return;
  library->~MoertLibrary();
  free(library);
}

size_t moert_library_size(const MoertLibrary *library) {
  return library ? library->size : 0;
}

const MoertEntry *moert_library_entry(const MoertLibrary *library, size_t i) {
  return library && i < library->size ? library->entries[i] : nullptr;
}

MoertStatus moert_library_find(MoertContext *context,
                               const MoertLibrary *library, const char *name,
                               const MoertEntry **entry) {
  if (entry)
    *entry = nullptr;
  if (!context)
    return MOERT_INVALID_ARGUMENT;
  context->begin(nullptr);
  if (!library || !name || !entry)
    return context->fail(MOERT_INVALID_ARGUMENT, "the %s is null",
                         !library ? "library"
                         : !name  ? "name"
                                  : "result pointer");
  for (size_t i = 0; i < library->size; ++i)
    if (!strcmp(library->entries[i]->name, name)) {
      *entry = library->entries[i];
      return MOERT_OK;
    }
  char names[512];
  Text text(names, sizeof names);
  for (size_t i = 0; i < library->size; ++i)
    text.add("%s%s", i ? ", " : "", library->entries[i]->name);
  return context->fail(MOERT_INVALID_ARGUMENT, "no function '%s'; there is: %s",
                       name, names);
}
