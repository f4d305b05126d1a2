//===- Optimisations.cpp - what can be left out of a pipeline -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Pipelines/Pipelines.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace moe;

llvm::ArrayRef<Optimisation> moe::getOptimisations() {
  static constexpr Optimisation all[] = {
      {"raise", "kernels for matrix products of linalg"},
      {"ffn", "moe.expert_ffn as two kernels at once"},
      {"scale", "scales of rows behind the product"},
      {"gather", "kernels that gather their rows"},
      {"transpose", "kernels that read weights transposed"},
      {"slice", "halves of a product as two products"},
      {"epilogue", "element-wise ops in the kernel before them"},
      {"merge", "two products of the same rows in one kernel"},
      {"combine", "kernels that add their rows to the tokens"},
      {"residual", "sums that start from a residual"},
      {"pack", "constant weights in the order of use"},
      {"select", "routers and top_k as one phase"},
      {"group", "grouping in parallel"},
      {"rows", "row-local ops of linalg in one phase"},
      {"vectors", "vectors for what is left of linalg"},
      {"tasks", "parallel tasks for what is left of linalg"},
      {"share", "one function for phases that are the same"},
  };
  return all;
}

llvm::Error PipelineOptions::leaveOut(llvm::StringRef names) {
  llvm::SmallVector<llvm::StringRef> list;
  names.split(list, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef name : list) {
    if (llvm::none_of(getOptimisations(), [&](const Optimisation &known) {
          return known.name == name;
        }))
      return llvm::createStringError(
          "unknown optimisation '" + name + "'; there are: " +
          llvm::join(llvm::map_range(getOptimisations(),
                                     [](const Optimisation &known) {
                                       return known.name.str();
                                     }),
                     ", "));
    without.push_back(name.str());
  }
  return llvm::Error::success();
}

bool PipelineOptions::has(llvm::StringRef name) const {
  return !llvm::is_contained(without, name);
}
