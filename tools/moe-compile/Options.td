//===- Options.td - the command line of moe-compile --------*- tablegen -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class Switch<string name, string help> : Flag<["--"], name>, HelpText<help>;

class Value<string name, string meta, string help>
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;

def grp_outputs : OptionGroup<"outputs">, HelpText<"OUTPUTS">;
let Group = grp_outputs in {
  def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"FILE">,
    HelpText<"LIB.so: a shared library, to load or to link;\n"
    "OBJ.o: an object file, to link into a program">;
  def header : Value<"header", "FILE.h",
    "Declarations of the functions, with typed wrappers, for C99 and\n"
    "C++">;
}

def grp_compile : OptionGroup<"compile">, HelpText<"COMPILING">;
let Group = grp_compile in {
  def target : Value<"target", "NAME",
    "cpu: compiled kernels (default); reference: plain loops">;
  def cpu : Value<"cpu", "NAME",
    "CPU to compile for, as LLVM names it: znver4, sapphirerapids,\n"
    "x86-64-v3 (most since 2015), x86-64-v4 (with AVX-512);\n"
    "default: native, this machine's">;
  def compile_from : Value<"compile-from", "STAGE",
    "Stage that FILE is in, as moe-opt --compile-to writes it\n"
    "(default: input)">;
}

def grp_link : OptionGroup<"link">, HelpText<"LINKING A LIBRARY">;
let Group = grp_link in {
  def runtime : Value<"runtime", "shared|host",
    "shared: the library needs libmoert.so.1 (default); host: it uses\n"
    "the runtime of the program that loads it, which links\n"
    "libmoert.a and exports its symbols (-rdynamic)">;
  def linker : Value<"linker", "PROGRAM",
    "Linker, or C compiler that calls one (default: the first of\n"
    "ld.lld-22, ld.lld, ld and cc that is there)">;
}

def grp_other : OptionGroup<"other">, HelpText<"OTHER">;
let Group = grp_other in {
  def quiet : Switch<"quiet", "Do not say what was written">;
  def help : Switch<"help", "Print this text">;
  def version : Switch<"version", "Print versions and targets">;
}
