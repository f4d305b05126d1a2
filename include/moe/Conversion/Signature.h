//===- Signature.h - an entry as its host sees it ---------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_SIGNATURE_H
#define MOE_CONVERSION_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "moert/moert.h"

#include <optional>

namespace moe {

/// Names and attributes that the entry passes leave for each other.
inline constexpr llvm::StringLiteral kSignatureAttr = "moe.entry";
inline constexpr llvm::StringLiteral kPrepareSuffix = ".prepare";
inline constexpr llvm::StringLiteral kWorkspaceSuffix = ".workspace";
inline constexpr llvm::StringLiteral kRequireSuffix = ".require";

/// An argument or result of an entry.
struct EntryArgument {
  std::string name;
  MoertRole role;
  mlir::Type element;
  /// Sizes; a negative one is symbol number ~size, as in MoertArg.
  llvm::SmallVector<int64_t> dims;
};

/// The signature of an entry: arguments in source order, then results.
struct EntrySignature {
  llvm::SmallVector<EntryArgument> arguments;
  llvm::SmallVector<std::string> symbols;

  /// Reads names and dimensions off a function as the user wrote it. A dynamic
  /// dimension without a name becomes a symbol of its own, "ARGUMENT.DIM".
  /// Emits an error and fails for a result size that no argument gives, equal
  /// names, and types that cannot cross the boundary.
  static mlir::FailureOr<EntrySignature> of(mlir::func::FuncOp function);

  /// From the attribute `moe.entry`; emits an error and fails if the function
  /// has none, or one that moe-split-prepare did not write.
  static mlir::FailureOr<EntrySignature> read(mlir::func::FuncOp function);
  /// To the attribute `moe.entry`.
  mlir::Attribute write(mlir::MLIRContext *context) const;

  /// The type behind the pointer that a host passes.
  mlir::MemRefType memrefType(const EntryArgument &argument) const;
  /// Sizes as the host counts them, encoded as `dims`: of nibbles the bytes.
  llvm::SmallVector<int64_t> hostDims(const EntryArgument &argument) const;
  /// Arguments of one role, in order.
  llvm::SmallVector<EntryArgument> withRole(MoertRole role) const;
};

/// An entry F in the form that moe-entry and moe-plan-workspace leave:
/// F(context, symbols..., inputs..., outputs..., packed..., [workspace]) and
/// F.prepare(context, weights..., packed..., [workspace]).
struct LoweredEntry {
  EntrySignature signature;
  mlir::func::FuncOp prepare;

  /// Emits an error and fails if `entry` is not in that form. `planned`: with a
  /// workspace, F.require, F.workspace and F.prepare.workspace.
  static mlir::FailureOr<LoweredEntry> of(mlir::func::FuncOp entry,
                                          bool planned);
};

/// True for elements of four bits. At the boundary they are nibbles: bytes, and
/// half as many along the last dimension, of which each holds two elements, the
/// first one in its low half.
bool isNibble(mlir::Type element);

/// The runtime's name of an element type, or nothing.
std::optional<MoertDType> getDType(mlir::Type type);

/// Bytes of one element in memory.
int64_t getElementBytes(mlir::Type type);
/// Bytes of the static dimensions of `type`, or nothing if they do not fit in
/// 60 bits.
std::optional<int64_t> getStaticBytes(mlir::ShapedType type);

/// Public functions with a body.
llvm::SmallVector<mlir::func::FuncOp> getEntries(mlir::ModuleOp module);

/// Position, in the arguments of a lowered entry, of its first symbol; the
/// context is argument 0.
inline constexpr unsigned kFirstSymbol = 1;

} // namespace moe

#endif // MOE_CONVERSION_SIGNATURE_H
