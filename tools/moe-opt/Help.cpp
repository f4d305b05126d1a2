//===- Help.cpp - what moe-opt says about itself --------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Help.h"
#include "moe/Pipelines/Pipelines.h"

#include "llvm/Config/llvm-config.h"

using namespace moe;

static constexpr const char *text =
    R"(moe-opt FILE [options]: lowers a mixture-of-experts layer, as far as you like.

FILE is MLIR, text or bytecode (default: the standard input). moe-opt checks it,
runs the passes you name, in order, or a whole pipeline, and prints the result.

EXAMPLES:
  moe-opt layer.mlir
        is it well-formed? prints it back
  moe-opt layer.mlir --moe-pipeline=reference --compile-to=kernels
        the layer as plain linalg and loops
  moe-opt layer.mlir --moe-pipeline=cpu --dump-stages=stages -o /dev/null
        every stage on the way to LLVM, as stages/1-kernels.mlir and so on
  moe-opt stages/3-buffers.mlir --moe-pipeline=cpu --compile-from=buffers
        from there to the end; the file may have been edited
  moe-opt layer.mlir --moe-decompose --canonicalize
        two passes by name
  moe-opt layer.mlir --pass-pipeline='builtin.module(moe-stages{to=kernels},cse)'
        a part of a pipeline between other passes; also: target=, from=, cpu=,
        without=
  moe-run stages/5-llvm.mlir --compile-from=llvm --random=1
        run what moe-opt wrote

COMPILING:
  --moe-pipeline=NAME   reference: plain loops, every op and type
                        cpu, gpu, gpu-emulator: compiled kernels
  --compile-from=STAGE  Stage that FILE is in (default: input)
  --compile-to=STAGE    Stage to stop at (default: llvm)
  --cpu=NAME            CPU to compile for, as LLVM names it (default: native)
  --without=NAMES       Optimisations of pipeline cpu to leave out, with commas
                        (moe-run --help lists them)
  --dump-stages=DIR     Write the module after each stage to DIR/N-STAGE.mlir
  Passes named beside --moe-pipeline run after it.

STAGES:
  input     as you wrote it: moe, linalg, tensor, arith, math, scf
  kernels   no moe op left
  prepared  what depends on weights alone stands in its own function, NAME.prepare
  buffers   memrefs for tensors; one workspace, given by the caller
  loops     no linalg and no kernel op left
  llvm      the llvm dialect, with a descriptor moert_entry_NAME an entry

OF MLIR'S OPTIONS, TO START WITH:
  -o FILE                      Write there; --emit-bytecode: as bytecode
  --split-input-file           FILE holds several modules, between '// -----'
  --verify-diagnostics         Hold errors against 'expected-error' comments
  --verify-roundtrip           Does printing and parsing give the same module?
  --mlir-print-ir-after-all    Print after each pass (-change: if it changed)
  --mlir-timing                Time of each pass
  --remarks-filter=REGEX       What passes of that name did, and did not and why
  --mlir-pass-pipeline-crash-reproducer=FILE
                               Module and passes that failed, for --run-reproducer
  --list-passes                All passes, ours (convert-moe-..., moe-...,
                               moek-...) among them
  --show-dialects              All dialects
  --help-list, --help-hidden   Every option of mlir-opt; all of them work
  --version                    Versions and targets

Exit status 0 means that everything went well. An error says where, in FILE.
)";

void moe::printHelp(llvm::raw_ostream &os) { os << text; }

void moe::printVersion(llvm::raw_ostream &os) {
  os << "moe-opt " MOE_VERSION "\n  LLVM " LLVM_VERSION_STRING "\n  targets:";
  for (Target target :
       {Target::Reference, Target::Cpu, Target::Gpu, Target::GpuEmulator})
    if (isAvailable(target))
      os << ' ' << stringify(target);
  os << '\n';
}
