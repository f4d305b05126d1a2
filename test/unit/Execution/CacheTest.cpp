//===- CacheTest.cpp - compiled code in a folder --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

constexpr StringLiteral kSource = R"(
  func.func @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = arith.addf %x, %x : tensor<4xf32>
    return %y : tensor<4xf32>
  }
)";

class CacheTest : public testing::Test {
protected:
  CacheTest() {
    EXPECT_FALSE(sys::fs::createUniqueDirectory("moe-cache", root));
    folder = (root + "/a/b").str();
  }
  ~CacheTest() override { sys::fs::remove_directories(root); }

  /// A compiler with that cache, which keeps its warnings in `warnings`.
  Compiler compiler(StringRef cache, StringRef cpu = "native",
                    Target target = Target::Reference) {
    CompilerOptions options;
    options.target = target;
    options.cpu = cpu.str();
    options.cacheDir = cache.str();
    options.diagnostics = [this](const Diagnostic &diagnostic) {
      if (diagnostic.severity == Diagnostic::Severity::Warning)
        warnings.push_back(diagnostic.message);
    };
    return must(Compiler::create(std::move(options)));
  }
  /// Compiles, and returns "compiled", "hit" or "rejected".
  std::string use(const Compiler &compiler, StringRef source = kSource) {
    CompilerStatistics before = compiler.statistics();
    Module module = must(compiler.compile(source));
    BoundFunction twice = must(must(module.lookup("twice")).bind());
    TensorView x = tensorOf(MOERT_F32, {4}, {1, 2, 3, 4});
    TensorView y = must(allocateTensor(MOERT_F32, {4}));
    EXPECT_EQ(message(twice.call(asTensor(x), asTensor(y))), "");
    EXPECT_EQ(valuesOf(y), (std::vector<double>{2, 4, 6, 8}));
    CompilerStatistics after = compiler.statistics();
    EXPECT_EQ(module.times().fromCache, after.cacheHits > before.cacheHits);
    EXPECT_EQ(after.cacheHits + after.compilations,
              before.cacheHits + before.compilations + 1);
    return after.cacheHits > before.cacheHits           ? "hit"
           : after.cacheRejected > before.cacheRejected ? "rejected"
                                                        : "compiled";
  }
  std::string use() { return use(compiler(folder)); }

  /// The names of the files in the folder.
  std::vector<std::string> files() {
    std::vector<std::string> names;
    std::error_code error;
    for (sys::fs::directory_iterator i(folder, error), end; i != end && !error;
         i.increment(error))
      names.push_back(i->path());
    return names;
  }
  /// Changes the bytes of the only file.
  void damage(function_ref<void(std::string &)> change) {
    ASSERT_EQ(files().size(), 1u);
    std::string path = files().front();
    std::string bytes = (*MemoryBuffer::getFile(path))->getBuffer().str();
    change(bytes);
    std::error_code error;
    raw_fd_ostream(path, error) << bytes;
    ASSERT_FALSE(error);
  }

  SmallString<128> root;
  std::string folder;
  std::vector<std::string> warnings;
};

TEST_F(CacheTest, TheNextCompilerFindsIt) {
  Compiler first = compiler(folder);
  EXPECT_EQ(use(first), "compiled");
  EXPECT_EQ(use(first), "hit");
  EXPECT_EQ(use(), "hit");
  EXPECT_EQ(files().size(), 1u);
  struct stat status;
  ASSERT_EQ(stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_EQ(warnings, std::vector<std::string>());
}

TEST_F(CacheTest, NoneUnlessAskedFor) {
  EXPECT_EQ(use(compiler("")), "compiled");
  EXPECT_EQ(use(compiler("")), "compiled");
  // By the environment, unless the option says otherwise.
  setenv("MOE_CACHE_DIR", folder.c_str(), 1);
  Compiler byEnvironment = must(Compiler::create({}));
  Compiler none = compiler("");
  unsetenv("MOE_CACHE_DIR");
  EXPECT_EQ(use(byEnvironment), "compiled");
  EXPECT_EQ(use(byEnvironment), "hit");
  EXPECT_EQ(use(none), "compiled");
}

TEST_F(CacheTest, EverythingThatMattersIsInTheKey) {
  EXPECT_EQ(use(), "compiled");
  EXPECT_EQ(use(compiler(folder), (kSource + " ").str()), "compiled");
  EXPECT_EQ(use(compiler(folder, "native", Target::Cpu)), "compiled");
#if defined(__x86_64__)
  EXPECT_EQ(use(compiler(folder, "x86-64")), "compiled");
  EXPECT_EQ(use(compiler(folder, "x86-64-v2")), "compiled");
  EXPECT_EQ(files().size(), 5u);
#endif
  EXPECT_EQ(use(), "hit");
}

TEST_F(CacheTest, FailuresAreNotKept) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(message(compiler(folder).compile("oops", "f.mlir")),
              "f.mlir:1:1: custom op 'oops' is unknown (tried 'builtin.oops' "
              "as well)");
  EXPECT_TRUE(files().empty());
}

// Cut off, changed, longer, of another key, empty: compiled anew, and replaced.
TEST_F(CacheTest, DamagedFilesAreReplaced) {
  EXPECT_EQ(use(), "compiled");
  const std::function<void(std::string &)> changes[] = {
      [](std::string &bytes) { bytes.clear(); },
      [](std::string &bytes) { bytes.resize(bytes.size() / 2); },
      [](std::string &bytes) { bytes.pop_back(); },
      [](std::string &bytes) { bytes += '\0'; },
      [](std::string &bytes) { bytes[0] ^= 1; },
      [](std::string &bytes) { bytes[bytes.size() / 2] ^= 1; },
      [](std::string &bytes) { bytes.back() ^= 1; },
      [](std::string &bytes) { bytes.assign(bytes.size(), 'x'); },
      // Right by its hash, which is no secret, but of another key, or with
      // sizes that are not those of the file.
      [](std::string &bytes) {
        bytes[24] ^= 1;
        bytes.resize(bytes.size() - 32);
        std::array<uint8_t, 32> hash =
            BLAKE3::hash(arrayRefFromStringRef(bytes));
        bytes += toStringRef(hash);
      },
      [](std::string &bytes) {
        bytes[15] = '\x7f';
        bytes.resize(bytes.size() - 32);
        std::array<uint8_t, 32> hash =
            BLAKE3::hash(arrayRefFromStringRef(bytes));
        bytes += toStringRef(hash);
      }};
  for (const auto &change : changes) {
    damage(change);
    EXPECT_EQ(use(), "rejected");
    EXPECT_EQ(use(), "hit");
  }
  EXPECT_EQ(warnings, std::vector<std::string>());
}

TEST_F(CacheTest, FilesThatAreNone) {
  EXPECT_EQ(use(), "compiled");
  std::string path = files().front(), elsewhere = (root + "/elsewhere").str();
  // A link, even to the right bytes; a file that others may write.
  ASSERT_FALSE(sys::fs::rename(path, elsewhere));
  ASSERT_FALSE(sys::fs::create_link(elsewhere, path));
  EXPECT_EQ(use(), "rejected");
  EXPECT_EQ(use(), "hit");
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  EXPECT_EQ(use(), "rejected");
  EXPECT_EQ(use(), "hit");
  ASSERT_FALSE(sys::fs::remove(path));
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); // must not wait for a writer
  EXPECT_EQ(use(), "rejected");
}

/// A folder that cannot be used costs a warning, never the compilation.
TEST_F(CacheTest, FoldersThatAreNotUsed) {
  ASSERT_FALSE(sys::fs::create_directories(folder));
  ASSERT_EQ(chmod(folder.c_str(), 0777), 0);
  EXPECT_EQ(use(), "compiled");
  EXPECT_TRUE(files().empty());
  std::string file = (root + "/file").str();
  std::error_code error;
  raw_fd_ostream(file, error) << "not a folder";
  EXPECT_EQ(use(compiler(file)), "compiled");
  EXPECT_EQ(use(compiler("/proc/nowhere")), "compiled");
  EXPECT_EQ(warnings,
            (std::vector<std::string>{
                "the cache folder '" + folder +
                    "' is not used: other users can write to it, and what it "
                    "holds is executed (chmod go-w)",
                "the cache folder '" + file + "' is not used: Not a directory",
                "the cache folder '/proc/nowhere' is not used: No such file or "
                "directory"}));
  if (geteuid())
    return;
  warnings.clear();
  ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  ASSERT_EQ(chown(folder.c_str(), 12345, 12345), 0);
  EXPECT_EQ(use(), "compiled");
  EXPECT_EQ(warnings, std::vector<std::string>{
                          "the cache folder '" + folder +
                          "' is not used: it belongs to user 12345, and this "
                          "process runs as user 0"});
}

TEST_F(CacheTest, ThreadsAndProcessesShareAFolder) {
#if !__has_feature(thread_sanitizer) // no threads after a fork, there
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (!children.back()) {
      for (int j = 0; j < 3; ++j)
        use();
      _exit(HasFailure());
    }
  }
  for (pid_t child : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
#endif
  std::vector<std::thread> threads;
  Compiler shared = compiler(folder);
  std::atomic<int> failed{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      Expected<Module> module = shared.compile(kSource);
      failed += !module;
      consumeError(module.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(files().size(), 1u); // and nothing temporary
  EXPECT_EQ(use(), "hit");
}

} // namespace
