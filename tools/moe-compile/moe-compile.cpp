//===- moe-compile.cpp - compiles a layer ahead of time -------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Header.h"
#include "Link.h"
#include "Options.h"

#include "moe/Execution/Compiler.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moe::compile {

/// A file that appears under its name with commit(), whole, or not at all.
class OutputFile {
public:
  OutputFile() = default;
  OutputFile(OutputFile &&other) { *this = std::move(other); }
  OutputFile &operator=(OutputFile &&other) {
    path = std::move(other.path);
    file = std::move(other.file);
    other.file.reset();
    return *this;
  }
  ~OutputFile() {
    if (file)
      consumeError(file->discard());
  }

  /// A file that will be called `path`.
  static Expected<OutputFile> create(StringRef path) {
    Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(
        path + ".tmp%%%%%%%%", sys::fs::all_read | sys::fs::all_write);
    if (!file)
      return makeError(path + ": cannot write: " + toString(file.takeError()));
    OutputFile result;
    result.path = path.str();
    result.file = std::move(*file);
    return result;
  }

  StringRef temporaryPath() const { return file->TmpName; }

  Error write(StringRef bytes) {
    raw_fd_ostream stream(file->FD, /*shouldClose=*/false);
    stream << bytes;
    stream.flush();
    std::error_code code = stream.error();
    stream.clear_error(); // else its destructor aborts
    return code ? makeError(path + ": cannot write: " + code.message())
                : Error::success();
  }

  Error commit() {
    Error error = file->keep(path);
    file.reset();
    if (error)
      return makeError(path + ": cannot write: " + toString(std::move(error)));
    return Error::success();
  }

private:
  std::string path;
  std::optional<sys::fs::TempFile> file;
};

/// Compiles the source.
static Expected<ObjectCode> compileSource(const Options &options,
                                          const Compiler &compiler) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> source =
      MemoryBuffer::getFileOrSTDIN(options.file);
  if (!source)
    return makeError(options.file +
                     ": cannot open: " + source.getError().message());
  return compiler.compileToObject(
      (*source)->getBuffer(), options.file == "-" ? "<stdin>" : options.file);
}

/// Says what was written.
static void report(const Options &options, const Compiler &compiler,
                   const Module &module) {
  outs() << options.output << ": target " << stringify(options.target)
         << ", CPU " << compiler.cpu();
  if (options.cpu == "native")
    outs() << " (this machine's; --cpu=NAME for others)";
  if (options.isLibrary())
    outs() << (options.runtimeOfHost ? ", runtime of the host"
                                     : ", runtime libmoert.so.1");
  outs() << '\n';
  for (const Function &function : module.functions())
    outs() << "  " << function.signature() << '\n';
  if (!options.header.empty())
    outs() << options.header << '\n';
}

/// Does all of it.
static Error runTool(const Options &options) {
  std::string linker;
  if (options.isLibrary())
    if (Error error = findLinker(options).moveInto(linker))
      return error;

  CompilerOptions compilerOptions;
  compilerOptions.target = options.target;
  compilerOptions.cpu = options.cpu;
  compilerOptions.from = options.from;
  compilerOptions.cacheDir = "";      // what is written is what keeps
  compilerOptions.instrument = false; // it runs in programs of others
  compilerOptions.diagnostics = [](const Diagnostic &diagnostic) {
    if (diagnostic.severity == Diagnostic::Severity::Warning)
      errs() << toString(diagnostic) << '\n';
  };
  Expected<Compiler> compiler = Compiler::create(std::move(compilerOptions));
  if (!compiler)
    return compiler.takeError();
  Expected<ObjectCode> code = compileSource(options, *compiler);
  if (!code)
    return code.takeError();
  std::string object = code->object->getBuffer().str();
  Expected<Module> module = compiler->inspect(std::move(*code));
  if (!module)
    return module.takeError();

  OutputFile header;
  if (!options.header.empty()) {
    Expected<std::string> text =
        headerText(options, compiler->cpu(), module->functions());
    if (!text)
      return text.takeError();
    if (Error error = OutputFile::create(options.header).moveInto(header))
      return error;
    if (Error error = header.write(*text))
      return error;
  }
  OutputFile output;
  if (Error error = OutputFile::create(options.output).moveInto(output))
    return error;
  if (options.isLibrary()) {
    Expected<OutputFile> unlinked = OutputFile::create(options.output);
    if (!unlinked)
      return unlinked.takeError();
    if (Error error = unlinked->write(object))
      return error;
    if (Error error = linkLibrary(linker, options, unlinked->temporaryPath(),
                                  output.temporaryPath(),
                                  sys::path::filename(options.output)))
      return error;
  } else if (Error error = output.write(object)) {
    return error;
  }
  if (Error error = output.commit())
    return error;
  if (!options.header.empty())
    if (Error error = header.commit())
      return error;
  if (!options.quiet)
    report(options, *compiler, *module);
  return Error::success();
}

} // namespace moe::compile

int main(int argc, char **argv) {
  setBugReportMsg("moe-compile has crashed; please report it with its command "
                  "line and the file that is named there.\n");
  InitLLVM init(argc, argv);
  auto options = moe::compile::parseOptions(argc, argv);
  Error error = options.takeError();
  if (!error && *options)
    error = moe::compile::runTool(**options);
  return moe::tools::finish("moe-compile", std::move(error));
}
