//===- CompilerTest.cpp - compiling and loading ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Compiler.h"

#include "TestSupport.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

/// A compiler of modules in the llvm dialect.
Compiler llvmCompiler(StringRef cpu = "native") {
  CompilerOptions options;
  options.from = Stage::Llvm;
  options.cpu = cpu.str();
  return must(Compiler::create(std::move(options)));
}

/// The text of a file.
std::string textOf(StringRef path) {
  return (*MemoryBuffer::getFile(path))->getBuffer().str();
}

constexpr const char *doubled = R"(
  func.func @twice(%x: tensor<?xf32> {moe.name = "x", moe.dims = ["N"]})
      -> (tensor<?xf32> {moe.name = "y", moe.dims = ["N"]}) {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?xf32>
    %empty = tensor.empty(%n) : tensor<?xf32>
    %y = linalg.add ins(%x, %x : tensor<?xf32>, tensor<?xf32>)
                    outs(%empty : tensor<?xf32>) -> tensor<?xf32>
    return %y : tensor<?xf32>
  }
)";

TEST(CompilerTest, UnknownCpu) {
  CompilerOptions options;
  options.cpu = "i8087";
  EXPECT_NE(
      message(Compiler::create(std::move(options))).find("unknown CPU 'i8087'"),
      std::string::npos);
}

TEST(CompilerTest, TargetOfAnotherBuild) {
  for (Target target : {Target::Cpu, Target::Gpu, Target::GpuEmulator}) {
    CompilerOptions options;
    options.target = target;
    std::string text = message(Compiler::create(std::move(options)));
    EXPECT_EQ(
        text,
        isAvailable(target)
            ? ""
            : ("this build has no target '" + stringify(target) + "'").str());
  }
}

TEST(CompilerTest, NamesTheCpu) {
  EXPECT_NE(must(Compiler::create({})).cpu(), "native");
  EXPECT_FALSE(must(Compiler::create({})).cpu().empty());
}

TEST(CompilerTest, ErrorsHaveAPlace) {
  std::vector<Diagnostic> seen;
  CompilerOptions options;
  options.diagnostics = [&](const Diagnostic &diagnostic) {
    seen.push_back(diagnostic);
  };
  Compiler compiler = must(Compiler::create(std::move(options)));
  EXPECT_EQ(message(compiler.compile("func.func @f() {\n  oops\n}", "f.mlir")),
            "f.mlir:2:3: custom op 'oops' is unknown (tried 'func.oops' as "
            "well)");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].severity, Diagnostic::Severity::Error);
  EXPECT_EQ(seen[0].location, "f.mlir:2:3");
  EXPECT_EQ(toString(seen[0]), "f.mlir:2:3: error: custom op 'oops' is unknown "
                               "(tried 'func.oops' as well)");
}

TEST(CompilerTest, NotesComeWithTheirError) {
  std::vector<Diagnostic> seen;
  CompilerOptions options;
  options.diagnostics = [&](const Diagnostic &diagnostic) {
    seen.push_back(diagnostic);
  };
  Compiler compiler = must(Compiler::create(std::move(options)));
  std::string text = message(compiler.compile(
      "func.func @f() {\n  return\n}\nfunc.func @f() {\n  return\n}",
      "f.mlir"));
  EXPECT_EQ(text, "f.mlir:4:1: redefinition of symbol named 'f'");
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].notes.size(), 1u);
  EXPECT_EQ(seen[0].notes[0].location, "f.mlir:1:1");
}

TEST(CompilerTest, NothingToCompile) {
  Compiler compiler = must(Compiler::create({}));
  EXPECT_EQ(message(compiler.compile("", "f.mlir")),
            "f.mlir: no public function to compile");
  EXPECT_EQ(message(compiler.compileFile("/nowhere/f.mlir")),
            "/nowhere/f.mlir: cannot open: No such file or directory");
}

TEST(CompilerTest, UnknownFunction) {
  Module module = must(llvmCompiler().compileFile(kEntries));
  EXPECT_EQ(message(module.lookup("scal")),
            "no function 'scal'; there is: scale, pick");
  ASSERT_EQ(module.functions().size(), 2u);
  EXPECT_EQ(module.functions()[1].name(), "pick");
}

TEST(CompilerTest, Signature) {
  Module module = must(llvmCompiler().compileFile(kEntries));
  EXPECT_EQ(must(module.lookup("scale")).signature(),
            "scale(x: f32[T, 4], w: weight f32[4]) -> (y: f32[T, 4])");
  EXPECT_EQ(must(module.lookup("scale")).args(MOERT_WEIGHT).size(), 1u);
}

TEST(CompilerTest, NothingIsLookedUpInTheProcess) {
  for (StringRef symbol : {"malloc", "abort", "getpid"}) {
    std::string text =
        ("llvm.func @" + symbol +
         "()\n"
         "llvm.mlir.global constant @moert_entry_f() : !llvm.ptr"
         " {\n  %0 = llvm.mlir.addressof @" +
         symbol + " : !llvm.ptr\n  llvm.return %0 : !llvm.ptr\n}")
            .str();
    EXPECT_EQ(
        message(llvmCompiler().compile(text)),
        ("cannot load the compiled code: Symbols not found: [ " + symbol + " ]")
            .str());
  }
}

TEST(CompilerTest, ADescriptorIsChecked) {
  EXPECT_NE(message(llvmCompiler().compile(
                "llvm.mlir.global constant @moert_entry_f(dense<99> : "
                "tensor<26xi32>) : !llvm.array<26 x i32>")),
            "");
}

TEST(CompilerTest, ObjectsAreLoadedLater) {
  Compiler compiler = llvmCompiler();
  ObjectCode code = must(compiler.compileToObject(textOf(kEntries)));
  EXPECT_EQ(identify_magic(code.object->getBuffer()),
            file_magic::elf_relocatable);
  EXPECT_EQ(code.entries, (std::vector<std::string>{"scale", "pick"}));
  EXPECT_GT(code.times.codegen, 0);
  Module module = must(llvmCompiler().load(std::move(code)));
  EXPECT_EQ(module.functions().size(), 2u);
}

TEST(CompilerTest, ObjectsAreRepeatable) {
  std::string text = textOf(kEntries);
  EXPECT_EQ(must(llvmCompiler().compileToObject(text)).object->getBuffer(),
            must(llvmCompiler().compileToObject(text)).object->getBuffer());
}

TEST(CompilerTest, BareObjectsAreLoaded) {
  Compiler compiler = llvmCompiler();
  Module module = must(
      compiler.load(must(compiler.emit(CodeKind::Object, textOf(kEntries)))));
  ASSERT_EQ(module.functions().size(), 2u);
  EXPECT_EQ(module.functions()[0].name(), "scale");
  EXPECT_NE(message(compiler.load(MemoryBuffer::getMemBuffer("oops"))), "");
  EXPECT_NE(message(compiler.load(MemoryBuffer::getMemBuffer(""))), "");
}

TEST(CompilerTest, StagesAndCodeAsText) {
  Compiler compiler = must(Compiler::create({}));
  EXPECT_NE(must(compiler.print(Stage::Input, doubled)).find("linalg.add"),
            std::string::npos);
  EXPECT_NE(must(compiler.print(Stage::Llvm, doubled)).find("llvm.func"),
            std::string::npos);
  EXPECT_EQ(message(llvmCompiler().print(Stage::Loops, doubled)),
            "stage 'loops' comes before 'llvm', which the source is in");
  EXPECT_EQ(message(compiler.print(Stage::Loops, "oops", "f.mlir")),
            "f.mlir:1:1: custom op 'oops' is unknown (tried 'builtin.oops' as "
            "well)");
  auto text = [&](CodeKind kind) {
    return must(compiler.emit(kind, doubled))->getBuffer().str();
  };
  EXPECT_NE(text(CodeKind::LlvmIr).find("@moert_entry_twice = "),
            std::string::npos);
  EXPECT_NE(text(CodeKind::Assembly).find("moert_entry_twice:"),
            std::string::npos);
  EXPECT_EQ(compiler.statistics().compilations, 0u);
}

TEST(CompilerTest, CodeIsOptimizedUnlessToldNotTo) {
  auto numOnStack = [&](bool optimize) {
    CompilerOptions options;
    options.optimize = optimize;
    Compiler compiler = must(Compiler::create(std::move(options)));
    return StringRef(
               must(compiler.emit(CodeKind::Assembly, doubled))->getBuffer())
        .count("(%rsp)");
  };
  EXPECT_GT(numOnStack(false), numOnStack(true));
}

// Code generation whose time grows with the square of a block does not see the
// calls of hundreds of phases; that is a matter of the function with the calls,
// not of the phases.
TEST(CompilerTest, LongStraightLinesAreGeneratedQuickly) {
  // x + transposed x, again and again: each a phase of its own.
  auto program = [](int count) {
    std::string text = R"(
#plain = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
func.func @main(%x0: tensor<?x?xf32> {moe.dims = ["N", "N"]})
    -> (tensor<?x?xf32> {moe.dims = ["N", "N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x0, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
)";
    for (int i = 0; i < count; ++i) {
      std::string x = "%x" + std::to_string(i),
                  next = "%x" + std::to_string(i + 1);
      text += next + R"( = linalg.generic {
      indexing_maps = [#plain, #turned, #plain], iterator_types = ["parallel", "parallel"]}
      ins()" + x +
              ", " + x + R"( : tensor<?x?xf32>, tensor<?x?xf32>)
      outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>
)";
    }
    return text + "  return %x" + std::to_string(count) +
           " : tensor<?x?xf32>\n}\n";
  };
  CompilerOptions options;
  options.target = Target::Cpu;
  options.instrument = false;
  Compiler compiler = must(Compiler::create(std::move(options)));
  auto numQuick = [&](int count) {
    auto code = must(compiler.emit(CodeKind::LlvmIr, program(count)));
    return code->getBuffer().count(" optnone ");
  };
  EXPECT_EQ(numQuick(4), 0u);
  EXPECT_EQ(numQuick(340), 1u);
}

TEST(CompilerTest, CompilationsAreCounted) {
  Compiler compiler = must(Compiler::create({}));
  EXPECT_EQ(message(compiler.compile(doubled)), "");
  EXPECT_EQ(message(compiler.compileToObject(doubled)), "");
  EXPECT_NE(message(compiler.compile("oops")), "");
  EXPECT_EQ(compiler.statistics().compilations, 2u);
  EXPECT_EQ(compiler.statistics().cacheHits, 0u);
}

TEST(CompilerTest, DamagedObject) {
  ObjectCode code = must(llvmCompiler().compileToObject(textOf(kEntries)));
  StringRef bytes = code.object->getBuffer();
  code.object = MemoryBuffer::getMemBufferCopy(bytes.take_front(100));
  EXPECT_NE(message(llvmCompiler().load(std::move(code))), "");
}

#if defined(__x86_64__)
TEST(CompilerTest, CodeForAnotherCpuIsNotLoaded) {
  if (moert_cpu_features() & MOERT_CPU_AVX512FP16)
    GTEST_SKIP() << "this machine has every instruction that code may use";
  Compiler compiler = llvmCompiler("sapphirerapids");
  EXPECT_EQ(compiler.cpu(), "sapphirerapids");
  std::string text = textOf(kEntries);
  ObjectCode code = must(compiler.compileToObject(text));
  EXPECT_EQ(code.entries.size(), 2u);
  EXPECT_NE(message(compiler.compile(text))
                .find("cannot run code for 'sapphirerapids'"),
            std::string::npos);
  // To look at, but not to call.
  Module module = must(compiler.inspect(std::move(code)));
  EXPECT_EQ(must(module.lookup("pick")).signature(),
            "pick(x: f32[N, 2], rows: i32[M]) -> (result0: f32[M, 2])");
}

// XOP and FMA4 exist on a few processors of 2011 to 2015 only, and no bit of
// moert.h stands for them: code does not use them.
TEST(CompilerTest, CodeUsesWhatADescriptorCanSay) {
  constexpr uint64_t kBdver4 = MOERT_CPU_AVX2 | MOERT_CPU_FMA | MOERT_CPU_F16C |
                               MOERT_CPU_BMI2 | MOERT_CPU_MOVBE;
  if ((moert_cpu_features() & kBdver4) != kBdver4)
    GTEST_SKIP() << "this machine has no AVX2";
  Compiler compiler = llvmCompiler("bdver4");
  EXPECT_EQ(must(compiler.compileFile(kEntries)).functions().size(), 2u);
}

TEST(CompilerTest, CodeForALesserCpuIsLoaded) {
  Compiler compiler = llvmCompiler("x86-64");
  EXPECT_EQ(must(compiler.compileFile(kEntries)).functions().size(), 2u);
}
#endif

TEST(CompilerTest, ModuleOfAHost) {
  mlir::MLIRContext context;
  mlir::DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  auto source = mlir::parseSourceString<mlir::ModuleOp>(doubled, &context);
  ASSERT_TRUE(source);
  Compiler compiler = must(Compiler::create({}));
  Function twice = must(must(compiler.compile(*source)).lookup("twice"));
  EXPECT_EQ(twice.signature(), "twice(x: f32[N]) -> (y: f32[N])");
  // The host's module is as it was.
  EXPECT_TRUE(source->lookupSymbol("twice"));

  SmallString<128> folder;
  ASSERT_FALSE(sys::fs::createUniqueDirectory("moe-cache", folder));
  CompilerOptions options;
  options.cacheDir = folder.str().str();
  Compiler caching = must(Compiler::create(std::move(options)));
  EXPECT_EQ(message(caching.compile(*source)), "");
  EXPECT_EQ(message(caching.compile(*source)), "");
  EXPECT_EQ(caching.statistics().compilations, 1u);
  EXPECT_EQ(caching.statistics().cacheHits, 1u);
  sys::fs::remove_directories(folder);
}

} // namespace
