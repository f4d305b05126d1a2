//===- MoEDialect.cpp - the moe dialect and its argument attributes -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace moe;

#include "moe/Dialect/MoE/IR/MoEDialect.cpp.inc"
#include "moe/Dialect/MoE/IR/MoEEnums.cpp.inc"

namespace {
/// Layers are built from small helper functions: every op may be inlined.
struct MoEInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void MoEDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "moe/Dialect/MoE/IR/MoEOps.cpp.inc"
      >();
  addInterfaces<MoEInlinerInterface>();
}

/// The results of folds are arith.constant.
Operation *MoEDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

FloatType moe::getAccumulatorType(TypeRange types) {
  bool f64 = llvm::any_of(types, [](Type type) {
    return type && getElementTypeOrSelf(type).isF64();
  });
  MLIRContext *context = types.front().getContext();
  if (f64)
    return Float64Type::get(context);
  return Float32Type::get(context);
}

/// Checks `moe.dims` on a value of type `type`: one name a dimension, "" where
/// it is static. A dynamic dimension may be without a name, too.
static LogicalResult verifyDims(Operation *op, Attribute value, Type type,
                                const Twine &where) {
  auto names = dyn_cast<ArrayAttr>(value);
  if (!names || !llvm::all_of(names, llvm::IsaPred<StringAttr>))
    return op->emitError(where) << ": 'moe.dims' must be an array of strings";
  auto tensor = dyn_cast<RankedTensorType>(type);
  int64_t rank = tensor ? tensor.getRank() : 0;
  if ((int64_t)names.size() != rank)
    return op->emitError(where) << ": 'moe.dims' has " << names.size()
                                << " names, " << type << " has rank " << rank;
  for (auto [i, name] : llvm::enumerate(names.getAsRange<StringAttr>()))
    if (!tensor.isDynamicDim(i) && !name.empty())
      return op->emitError(where)
             << ": 'moe.dims' names dimension " << i << " '" << name.getValue()
             << "', but it is static in " << type;
  return success();
}

/// Checks one of our attributes on an argument or result.
static LogicalResult verifyValueAttribute(Operation *op, NamedAttribute attr,
                                          Type type, const Twine &where,
                                          bool isArgument) {
  if (attr.getName() == kDimsAttr)
    return verifyDims(op, attr.getValue(), type, where);
  if (attr.getName() == kNameAttr) {
    auto name = dyn_cast<StringAttr>(attr.getValue());
    if (!name || name.empty())
      return op->emitError(where) << ": 'moe.name' must be a non-empty string";
    return success();
  }
  if (attr.getName() == kWeightAttr) {
    if (!isArgument)
      return op->emitError(where)
             << ": 'moe.weight' belongs on a function argument";
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!isa<UnitAttr>(attr.getValue()))
      return op->emitError(where) << ": 'moe.weight' takes no value";
    if (!tensor || !tensor.hasStaticShape())
      return op->emitError(where)
             << ": 'moe.weight' needs a tensor of static shape, got " << type;
    return success();
  }
  return op->emitError(where)
         << ": unknown attribute '" << attr.getName().getValue() << "'";
}

LogicalResult MoEDialect::verifyRegionArgAttribute(Operation *op,
                                                   unsigned region,
                                                   unsigned index,
                                                   NamedAttribute attr) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || index >= function.getNumArguments())
    return op->emitError("'")
           << attr.getName().getValue() << "' belongs on a function argument";
  return verifyValueAttribute(op, attr, function.getArgumentTypes()[index],
                              "argument " + Twine(index), /*isArgument=*/true);
}

LogicalResult MoEDialect::verifyRegionResultAttribute(Operation *op,
                                                      unsigned region,
                                                      unsigned index,
                                                      NamedAttribute attr) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || index >= function.getNumResults())
    return op->emitError("'")
           << attr.getName().getValue() << "' belongs on a function result";
  return verifyValueAttribute(op, attr, function.getResultTypes()[index],
                              "result " + Twine(index), /*isArgument=*/false);
}

#define GET_OP_CLASSES
#include "moe/Dialect/MoE/IR/MoEOps.cpp.inc"
