//===- DumpStage.cpp - write a module to a file between passes ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stages.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

#include <mutex>
#include <set>

using namespace mlir;
using namespace moe;

/// `stem`.mlir, or `stem`.2.mlir if this process has written that already: an
/// input may consist of several modules.
static std::string getUnusedName(StringRef stem) {
  static std::mutex mutex;
  static std::set<std::string> used;
  std::lock_guard<std::mutex> lock(mutex);
  std::string name = (stem + ".mlir").str();
  for (unsigned i = 2; !used.insert(name).second; ++i)
    name = (stem + "." + Twine(i) + ".mlir").str();
  return name;
}

namespace {
// A pass, so that pipelines that dump can be printed and parsed as text.
struct DumpStagePass : PassWrapper<DumpStagePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DumpStagePass)

  DumpStagePass() = default;
  DumpStagePass(const DumpStagePass &other) : PassWrapper(other) {}
  DumpStagePass(StringRef folder, StringRef stage) {
    this->folder = folder.str();
    this->stage = stage.str();
  }

  StringRef getArgument() const final { return "moe-dump-stage"; }
  StringRef getDescription() const final {
    return "write the module to a file";
  }

  void runOnOperation() final {
    SmallString<128> stem(folder);
    llvm::sys::path::append(stem, stage.getValue());
    std::string path = getUnusedName(stem), problem;
    if (std::error_code error = llvm::sys::fs::create_directories(folder)) {
      emitError(UnknownLoc::get(&getContext()))
          << "cannot create '" << folder << "': " << error.message();
      return signalPassFailure();
    }
    std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(path, &problem);
    if (!file) {
      emitError(UnknownLoc::get(&getContext())) << problem;
      return signalPassFailure();
    }
    getOperation().print(file->os());
    file->os() << '\n';
    file->os().flush();
    if (std::error_code error = file->os().error()) {
      file->os().clear_error();
      emitError(UnknownLoc::get(&getContext()))
          << "cannot write '" << path << "': " << error.message();
      return signalPassFailure();
    }
    file->keep();
    markAllAnalysesPreserved();
  }

  Option<std::string> folder{*this, "folder", llvm::cl::desc("where to write"),
                             llvm::cl::init(".")};
  Option<std::string> stage{*this, "stage", llvm::cl::desc("name of the file"),
                            llvm::cl::init("module")};
};
} // namespace

std::unique_ptr<Pass> moe::createDumpStage(StringRef folder, StringRef stage) {
  return std::make_unique<DumpStagePass>(folder, stage);
}

void moe::registerDumpStage() { PassRegistration<DumpStagePass>(); }
