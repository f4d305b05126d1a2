//===- Options.td - the command line of moe-run ------------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class Switch<string name, string help> : Flag<["--"], name>, HelpText<help>;

class Value<string name, string meta, string help>
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;

def grp_compile : OptionGroup<"compile">, HelpText<"COMPILING">;
let Group = grp_compile in {
  def entry : Value<"entry", "NAME",
    "Function to run (default: the only one, or 'main')">;
  def target : Value<"target", "NAME",
    "reference, cpu, gpu or gpu-emulator\n"
    "(default: cpu where this build has it, else reference)">;
  def cpu : Value<"cpu", "NAME",
    "CPU to compile for, as LLVM names it (default: native)">;
  def compile_from : Value<"compile-from", "STAGE",
    "Stage that FILE is in, as moe-opt --compile-to writes it\n"
    "(default: input)">;
  def without : Value<"without", "NAMES",
    "Optimisations of target cpu to leave out, with commas:\n"
    "raise, ffn, scale, gather, transpose, slice, epilogue,\n"
    "merge, combine, residual (see moek-fuse), pack, select,\n"
    "group, rows, vectors, tasks, share">;
  def no_optimize : Switch<"no-optimize",
    "Leave LLVM's optimiser out: compiles in half of the time,\n"
    "runs several times as long">;
  def list_entries : Switch<"list", "Print the functions of FILE and stop">;
}

def grp_data : OptionGroup<"data">, HelpText<"ARGUMENTS AND RESULTS">;
let Group = grp_data in {
  def weights : Value<"weights", "FILE",
    "Give every argument the tensor of its moe.name, where FILE\n"
    "(.safetensors, or a checkpoint's .index.json) has it;\n"
    "may be repeated">;
  def input : Value<"input", "FILE[:TENSOR]",
    "Give the first argument that has no tensor yet this one;\n"
    "FILE.npy or FILE.safetensors:TENSOR; may be repeated">;
  def random : Value<"random", "SEED",
    "Fill all other arguments: normal numbers, weights of\n"
    "[.., in, out] with variance 1/in, integers of --random-integers">;
  def random_integers : Value<"random-integers", "N",
    "Random integers lie in [0, N) (default: 2)">;
  def dim : Value<"dim", "NAME=SIZE",
    "Size of a named dimension, for --random; may be repeated">;
  def output : Value<"output", "FILE[:TENSOR]",
    "Write the first result that is not written yet: FILE.npy or\n"
    "FILE.safetensors, which may take several; may be repeated">;
}

def grp_check : OptionGroup<"check">, HelpText<"CHECKING">;
let Group = grp_check in {
  def check : Switch<"check", "Compare with the target 'reference'">;
  def check_rows : Joined<["--"], "check=">, MetaVarName<"rows:N">,
    HelpText<"The same on N rows of the inputs, taken evenly: for large\n"
    "shapes, of layers whose tokens do not depend on each other">;
  def expect : Value<"expect", "FILE",
    "Compare with the tensors of FILE.safetensors that have the\n"
    "results' names">;
  def exact_rows : Switch<"exact-rows",
    "Let no row disagree (else: max(1, 0.2 %) of a result's rows\n"
    "may, for a router can flip between nearly equal experts)">;
  def rtol : Value<"rtol", "X",
    "Tolerance relative to a row's root mean square (default:\n"
    "bf16 2e-2, f16 3e-3, f32 2e-5, f64 1e-12, whichever of\n"
    "these types among arguments and results comes first)">;
  def atol : Value<"atol", "X", "Absolute tolerance (default: 0)">;
}

def grp_measure : OptionGroup<"measure">, HelpText<"MEASURING AND REPORTING">;
let Group = grp_measure in {
  def bench : Value<"bench", "N", "Time N calls, after some to warm up; of a FILE in stage input\n"
    "also print GFLOP/s, GB/s (inputs, results, used weights once),\n"
    "and which share that is of what the machine allows, measured\n"
    "at the same time">;
  def threads : Value<"threads", "N",
    "Threads of a call (default: what the affinity mask and the\n"
    "cgroup allow)">;
  def stats : Switch<"stats",
    "Print times of the compilation, bytes of weights and\n"
    "workspace, the phases of a call, what was fused into them,\n"
    "and what was not and why">;
  def json : Switch<"json", "Print one JSON object instead of tables">;
  def help : Switch<"help", "Print this text">;
  def version : Switch<"version", "Print versions and targets">;
}
