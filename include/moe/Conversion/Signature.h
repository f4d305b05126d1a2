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
  /// dimension without a name becomes a symbol of its own, "ARGUMENT.DIM". Emits
  /// an error and fails for a result size that no argument gives, equal names,
  /// and types that cannot cross the boundary.
  static mlir::FailureOr<EntrySignature> of(mlir::func::FuncOp function);

  /// From and to the attribute `moe.entry`.
  static EntrySignature read(mlir::func::FuncOp function);
  mlir::Attribute write(mlir::MLIRContext *context) const;

  /// The type behind the pointer that a host passes.
  mlir::MemRefType memrefType(const EntryArgument &argument) const;
  /// Arguments of one role, in order.
  llvm::SmallVector<EntryArgument> withRole(MoertRole role) const;
};

/// The runtime's name of an element type, or nothing.
std::optional<MoertDType> getDType(mlir::Type type);

/// Public functions with a body.
llvm::SmallVector<mlir::func::FuncOp> getEntries(mlir::ModuleOp module);

/// Position, in the arguments of a lowered entry, of its first symbol; the
/// context is argument 0.
inline constexpr unsigned kFirstSymbol = 1;

} // namespace moe

#endif // MOE_CONVERSION_SIGNATURE_H
