//===- Names.cpp - targets and stages by name -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Pipelines.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

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
