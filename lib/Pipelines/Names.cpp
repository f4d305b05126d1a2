//===- Names.cpp - targets and stages by name -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/CpuFeatures.h"
#include "moe/Pipelines/Pipelines.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace moe;

/// In the order of the enumerators.
static constexpr llvm::StringLiteral kTargets[] = {"reference", "cpu", "gpu",
                                                   "gpu-emulator"};
static constexpr llvm::StringLiteral kStages[] = {
    "input", "kernels", "prepared", "buffers", "loops", "llvm"};

/// The enumerator whose name is `name`.
template <typename Enum>
static std::optional<Enum> parse(llvm::ArrayRef<llvm::StringLiteral> names,
                                 llvm::StringRef name) {
  const auto *found = llvm::find(names, name);
  if (found == names.end())
    return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

std::optional<Target> moe::parseTarget(llvm::StringRef name) {
  return parse<Target>(kTargets, name);
}

std::optional<Stage> moe::parseStage(llvm::StringRef name) {
  return parse<Stage>(kStages, name);
}

llvm::StringRef moe::stringify(Target target) {
  return kTargets[static_cast<int>(target)];
}

llvm::StringRef moe::stringify(Stage stage) {
  return kStages[static_cast<int>(stage)];
}

bool moe::isAvailable(Target target) {
  return target == Target::Reference || target == Target::Cpu;
}

/// An error for `name`, which is none of `names`.
static llvm::Error unknown(llvm::StringRef kind, llvm::StringRef name,
                           llvm::ArrayRef<llvm::StringRef> names) {
  return llvm::createStringError("unknown " + kind + " '" + name +
                                 "'; there are: " + llvm::join(names, ", "));
}

/// Names that hold for this build, in their order.
static llvm::SmallVector<llvm::StringRef> getAvailableTargets() {
  llvm::SmallVector<llvm::StringRef> names;
  for (auto [i, name] : llvm::enumerate(kTargets))
    if (isAvailable(static_cast<Target>(i)))
      names.push_back(name);
  return names;
}

llvm::Expected<PipelineOptions> PipelineOptions::parse(llvm::StringRef target,
                                                       llvm::StringRef from,
                                                       llvm::StringRef to,
                                                       llvm::StringRef cpu) {
  PipelineOptions options;
  llvm::SmallVector<llvm::StringRef> targets(std::begin(kTargets),
                                             std::end(kTargets)),
      stages(std::begin(kStages), std::end(kStages));
  if (std::optional<Target> parsed = parseTarget(target))
    options.target = *parsed;
  else
    return unknown("pipeline", target, targets);
  if (!isAvailable(options.target))
    return llvm::createStringError(
        "this build cannot compile for '" + target +
        "'; it can for: " + llvm::join(getAvailableTargets(), ", "));
  for (auto [name, stage] :
       {std::pair(from, &options.from), std::pair(to, &options.to)}) {
    std::optional<Stage> parsed = parseStage(name);
    if (!parsed)
      return unknown("stage", name, stages);
    *stage = *parsed;
  }
  if (options.to < options.from)
    return llvm::createStringError(
        "stage '" + to + "' comes before '" + from +
        "'; the order is: " + llvm::join(stages, ", "));
  if (!getCpuFeatures(cpu))
    return unknown("CPU", cpu, getCpuNames());
  options.cpu = cpu.str();
  return options;
}
