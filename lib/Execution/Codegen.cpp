//===- Codegen.cpp - from LLVM IR to an object in memory ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"
#include "Diagnostics.h"
#include "Sanitize.h"

#include "moe/Pipelines/CpuFeatures.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/IPO/DeadArgumentElimination.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/SCCP.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopIdiomRecognize.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

using namespace llvm;

namespace moe {

Expected<CodegenTarget> CodegenTarget::create(StringRef name) {
  static const bool initialized = [] {
    return !InitializeNativeTarget() && !InitializeNativeTargetAsmPrinter() &&
           !InitializeNativeTargetAsmParser();
  }();
  CodegenTarget result;
  result.triple = sys::getProcessTriple();
  std::string problem;
  if (initialized)
    result.target =
        TargetRegistry::lookupTarget(Triple(result.triple), problem);
  if (!result.target)
    return makeError("LLVM cannot generate code for " + Twine(result.triple));

  result.features = getCodegenFeatures(name);
  if (name == "native") {
    result.cpu = sys::getHostCPUName().str();
    return result;
  }
  std::unique_ptr<MCSubtargetInfo> generic(
      result.target->createMCSubtargetInfo(Triple(result.triple), "", ""));
  if (!generic || !generic->isCPUStringValid(name))
    return makeError("unknown CPU '" + name + "' for " +
                     Triple(result.triple).getArchName() +
                     "; 'native' is this machine's, " + sys::getHostCPUName());
  result.cpu = name.str();
  return result;
}

Error CodegenTarget::checkRunsHere() const {
  std::unique_ptr<MCSubtargetInfo> wanted(
      target->createMCSubtargetInfo(Triple(triple), cpu, features));
  StringMap<bool> here = sys::getHostCPUFeatures();
  for (const SubtargetFeatureKV &feature : wanted->getAllProcessorFeatures()) {
    // Tuning flags are features, too, but no machine reports them.
    auto found = here.find(feature.Key);
    if (found != here.end() && !found->getValue() &&
        wanted->getFeatureBits().test(feature.Value))
      return make_error<RuntimeError>(
          MOERT_WRONG_CPU,
          ("this machine (" + sys::getHostCPUName() +
           ") cannot run code for '" + cpu + "': it has no " + feature.Key)
              .str());
  }
  return Error::success();
}

/// Makes everything but the descriptors private, so that the optimiser may drop
/// and inline it.
static void internalize(llvm::Module &module) {
  for (GlobalValue &value : module.global_values())
    if (!value.isDeclaration() && !value.getName().starts_with(kEntryPrefix))
      value.setLinkage(GlobalValue::InternalLinkage);
}

/// What LLVM's optimiser does for code that passes of MLIR have optimised
/// already: it takes memref descriptors apart, moves address computations out
/// of loops and unrolls what is not vectors. Its O2 pipeline takes twice the
/// time; docs/cpu.md compares the code.
static FunctionPassManager buildSimplification(bool unroll) {
  FunctionPassManager functions;
  InstCombineOptions once;
  once.setMaxIterations(1);
  functions.addPass(SROAPass(SROAOptions::ModifyCFG));
  functions.addPass(EarlyCSEPass());
  functions.addPass(InstCombinePass(once));
  functions.addPass(SimplifyCFGPass());
  LoopPassManager loops;
  loops.addPass(LoopRotatePass());
  loops.addPass(LICMPass(LICMOptions()));
  loops.addPass(LoopIdiomRecognizePass());
  functions.addPass(
      createFunctionToLoopPassAdaptor(std::move(loops), /*UseMemorySSA=*/true));
  functions.addPass(GVNPass());
  functions.addPass(InstCombinePass(once));
  if (unroll)
    functions.addPass(LoopUnrollPass());
  functions.addPass(SimplifyCFGPass());
  return functions;
}

/// Runs LLVM's optimiser, or what code cannot do without.
static void optimize(llvm::Module &module, TargetMachine &machine,
                     const CompilerOptions &options) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  ModulePassManager passes;
  passes.addPass(GlobalDCEPass());
  if (options.optimize) {
    // Most of a memref descriptor is the same in all calls of a function.
    passes.addPass(IPSCCPPass());
    passes.addPass(DeadArgumentEliminationPass());
    passes.addPass(createModuleToFunctionPassAdaptor(
        buildSimplification(options.target == Target::Cpu)));
  }
  if (options.instrument)
    addSanitizerPasses(passes);
  passes.run(module, modules);
}

/// Instruction selection and scheduling take a time that grows with the square
/// of a block's length. The calls of many layers one behind the other are such
/// a block, run once a call: they get the code generator that takes linear
/// time.
static void generateLongBlocksQuickly(llvm::Module &module) {
  constexpr size_t kManyOperands = 4000;
  auto isLong = [&](BasicBlock &block) {
    size_t operands = 0;
    for (Instruction &instruction : block)
      operands += instruction.getNumOperands();
    return operands > kManyOperands;
  };
  for (llvm::Function &function : module) {
    if (none_of(function, isLong))
      continue;
    DominatorTree dominators(function);
    if (!LoopInfo(dominators).empty())
      continue;
    function.addFnAttr(Attribute::OptimizeNone);
    function.addFnAttr(Attribute::NoInline);
  }
}

std::string CodegenTarget::description() const {
  return triple + ' ' + cpu + ' ' + features;
}

/// Calls the runtime library where code generation has called a function of a C
/// compiler's library: not every C compiler has it, and none exports it.
static Error renameConversions(SmallVectorImpl<char> &object) {
  static constexpr StringLiteral names[] = {
      "truncsfhf2", "truncdfhf2", "truncsfbf2", "truncdfbf2", "extendhfsf2"};
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(
          MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
  if (!file)
    return file.takeError();
  std::vector<std::string> renamed; // keeps the new names alive
  renamed.reserve(std::size(names));
  objcopy::ConfigManager config;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    StringRef conversion = *name;
    if (!conversion.consume_front("__") ||
        !is_contained(ArrayRef(names), conversion))
      continue;
    renamed.push_back(("moert_" + conversion).str());
    config.Common.SymbolsToRename[*name] = renamed.back();
  }
  if (renamed.empty())
    return Error::success();
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **file, stream))
    return error;
  object = std::move(bytes);
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>>
CodegenTarget::emit(llvm::Module &module, CodeKind kind,
                    const CompilerOptions &options) const {
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      Triple(triple), cpu, features, TargetOptions(), Reloc::PIC_,
      CodeModel::Small,
      options.optimize ? CodeGenOptLevel::Default : CodeGenOptLevel::None));
  if (!machine)
    return makeError("LLVM cannot generate code for '" + cpu + "'");
  module.setTargetTriple(Triple(triple));
  module.setDataLayout(machine->createDataLayout());
  internalize(module);
  if (options.instrument)
    prepareForSanitizers(module);
  optimize(module, *machine, options);
  generateLongBlocksQuickly(module);
  if (options.instrument)
    exposeSanitizerHooks(module);

  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  if (kind == CodeKind::LlvmIr) {
    module.print(stream, nullptr);
  } else {
    legacy::PassManager passes;
    if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                     kind == CodeKind::Object
                                         ? CodeGenFileType::ObjectFile
                                         : CodeGenFileType::AssemblyFile))
      return makeError("LLVM cannot write " +
                       Twine(kind == CodeKind::Object ? "object" : "assembly") +
                       " files for " + triple);
    passes.run(module);
  }
  if (kind == CodeKind::Object)
    if (Error error = renameConversions(bytes))
      return std::move(error);
  return std::make_unique<SmallVectorMemoryBuffer>(
      std::move(bytes), module.getModuleIdentifier(),
      /*RequiresNullTerminator=*/false);
}

} // namespace moe
