//===- moe-lsp-server.cpp - editors' support for the moe dialect ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static constexpr const char *kHelp =
    R"(moe-lsp-server: errors, completion and definitions in .mlir files, for editors.

Speaks the Language Server Protocol on its standard input and output: an editor
starts it, for files of the language "mlir". It knows the dialects of moe and all of
upstream's, so it takes the place of mlir-lsp-server.

  VS Code, extension MLIR:   "mlir.server_path": "/path/to/build/bin/moe-lsp-server"
  Neovim 0.11:               vim.lsp.config('moe', {cmd = {'moe-lsp-server'},
                               filetypes = {'mlir'}}); vim.lsp.enable('moe')

OPTIONS:
  --log=error|info|verbose   What it writes to the standard error (default: info)
  --pretty                   Print its messages on several lines
  --lit-test                 Take messages as the tests write them
  --help-list, --help-hidden Every option of mlir-lsp-server; all of them work
  --version                  Versions
)";

int main(int argc, char **argv) {
  for (StringRef argument : ArrayRef(argv, argc).drop_front())
    if (argument == "--help" || argument == "-help" || argument == "-h") {
      outs() << kHelp;
      return 0;
    }
  cl::SetVersionPrinter([](raw_ostream &os) {
    os << "moe-lsp-server " MOE_VERSION "\n  LLVM " LLVM_VERSION_STRING "\n";
  });
  mlir::DialectRegistry registry;
  moe::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
