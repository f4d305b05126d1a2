//===- Pipelines.h - from a layer to LLVM, stage by stage -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PIPELINES_PIPELINES_H
#define MOE_PIPELINES_PIPELINES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
class DialectRegistry;
} // namespace mlir

namespace moe {

/// What a module is compiled for.
enum class Target {
  Reference, ///< plain loops, every op and dtype: the oracle
  Cpu,       ///< the fast one
  Gpu,       ///< NVIDIA, through PTX
  GpuEmulator,
};

/// Points of a pipeline where it can stop and start again.
enum class Stage {
  Input,    ///< moe ops on tensors, as the user wrote them
  Kernels,  ///< no moe op left
  Prepared, ///< what depends on weights alone stands in its own function
  Buffers,  ///< no tensor left; the workspace is one argument
  Loops,    ///< no linalg or kernel op left
  Llvm,     ///< the llvm dialect, with the entries' descriptors
};

/// The enumerator of that name ("reference", "buffers"), or nothing.
std::optional<Target> parseTarget(llvm::StringRef name);
std::optional<Stage> parseStage(llvm::StringRef name);
llvm::StringRef stringify(Target target);
llvm::StringRef stringify(Stage stage);

struct PipelineOptions {
  Target target = Target::Reference;
  Stage from = Stage::Input;
  Stage to = Stage::Llvm;
  /// CPU to compile for, as LLVM names it; "native" is this machine's.
  std::string cpu = "native";
  /// Folder that gets the module after each stage, as N-STAGE.mlir; "" for
  /// none.
  std::string dumpStages;
  /// Optimisations of target `cpu` that are left out, by name: what is computed
  /// stays, but for rounding.
  std::vector<std::string> without;

  /// Adds the names of a list with commas to `without`. An error that says
  /// which names there are for one that is unknown.
  llvm::Error leaveOut(llvm::StringRef names);
  /// True if the optimisation of that name is not left out.
  bool has(llvm::StringRef name) const;
  /// The options of these names. An error that says which names there are for
  /// one that is unknown, for a target or CPU that this build cannot compile
  /// for, and for stages in the wrong order.
  static llvm::Expected<PipelineOptions> parse(llvm::StringRef target,
                                               llvm::StringRef from,
                                               llvm::StringRef to,
                                               llvm::StringRef cpu);
};

/// An optimisation that can be left out.
struct Optimisation {
  llvm::StringRef name, what;
};
llvm::ArrayRef<Optimisation> getOptimisations();

/// True if this build can compile for `target`.
bool isAvailable(Target target);

/// Adds the passes of one stage step, from the one before `stage` to `stage`.
void addStage(mlir::OpPassManager &pm, Stage stage,
              const PipelineOptions &options);

/// Adds the passes from `options.from` to `options.to`.
void buildPipeline(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Registers every dialect, interface model and LLVM translation that the
/// pipelines need.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers our passes, and `moe-stages{target= from= to= cpu= without=}`:
/// stages of a pipeline as a part of another one.
void registerPassesAndPipelines();

} // namespace moe

#endif // MOE_PIPELINES_PIPELINES_H
