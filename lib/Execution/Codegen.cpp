//===- Codegen.cpp - from LLVM IR to an object in memory ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"
#include "Diagnostics.h"
#include "Sanitize.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace llvm;

namespace moe {

/// The features that LLVM finds on this machine, "+avx2,-amx-tile,...".
static std::string hostFeatures() {
  SubtargetFeatures features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.getKey(), feature.getValue());
  return features.getString();
}

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

  if (name == "native") {
    result.cpu = sys::getHostCPUName().str();
    result.features = hostFeatures();
    return result;
  }
  std::unique_ptr<MCSubtargetInfo> generic(
      result.target->createMCSubtargetInfo(Triple(result.triple), "", ""));
  if (!generic || !generic->isCPUStringValid(name))
    return makeError("unknown CPU '" + name + "' for " +
                     Triple(result.triple).getArchName() +
                     "; 'native' is this machine's, " + sys::getHostCPUName());
  result.cpu = name.str();
  // Instructions for operating systems and enclaves, which no layer needs: a
  // CPU without them still runs the code.
  for (StringRef feature :
       {"pku",     "mwaitx",    "sgx",     "clwb",      "wbnoinvd", "invpcid",
        "rdpid",   "ptwrite",   "shstk",   "clzero",    "pconfig",  "cldemote",
        "movdiri", "movdir64b", "enqcmd",  "serialize", "rdpru",    "mcommit",
        "uintr",   "tsxldtrk",  "waitpkg", "rtm"})
    result.features += (result.features.empty() ? "-" : ",-") + feature.str();
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

/// Runs LLVM's O2 pipeline.
static void optimize(llvm::Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = true;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  addSanitizerPasses(builder);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2)
      .run(module, modules);
}

std::string CodegenTarget::description() const {
  return triple + ' ' + cpu + ' ' + features;
}

Expected<std::unique_ptr<MemoryBuffer>>
CodegenTarget::emit(llvm::Module &module, CodeKind kind) const {
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      Triple(triple), cpu, features, TargetOptions(), Reloc::PIC_,
      CodeModel::Small, CodeGenOptLevel::Default));
  if (!machine)
    return makeError("LLVM cannot generate code for '" + cpu + "'");
  module.setTargetTriple(Triple(triple));
  module.setDataLayout(machine->createDataLayout());
  internalize(module);
  prepareForSanitizers(module);
  optimize(module, *machine);
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
  return std::make_unique<SmallVectorMemoryBuffer>(
      std::move(bytes), module.getModuleIdentifier(),
      /*RequiresNullTerminator=*/false);
}

} // namespace moe
