//===- Signature.cpp - an entry as its host sees it -----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moe;

std::optional<MoertDType> moe::getDType(Type type) {
  if (type.isF64())
    return MOERT_F64;
  if (type.isF32())
    return MOERT_F32;
  if (type.isF16())
    return MOERT_F16;
  if (type.isBF16())
    return MOERT_BF16;
  if (type.isIndex() || type.isSignlessInteger(64))
    return MOERT_I64;
  if (type.isSignlessInteger(32))
    return MOERT_I32;
  if (type.isSignlessInteger(16))
    return MOERT_I16;
  if (type.isSignlessInteger(8) || type.isSignedInteger(8))
    return MOERT_I8;
  if (type.isUnsignedInteger(8))
    return MOERT_U8;
  if (type.isSignlessInteger(1))
    return MOERT_I1;
  if (isa<Float8E8M0FNUType>(type))
    return MOERT_F8E8M0;
  return std::nullopt;
}

SmallVector<func::FuncOp> moe::getEntries(ModuleOp module) {
  SmallVector<func::FuncOp> entries;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      entries.push_back(function);
  return entries;
}

namespace {
/// Reads a signature off a function, argument by argument.
class Reader {
public:
  explicit Reader(func::FuncOp function) : function(function) {}

  FailureOr<EntrySignature> run() {
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
      if (failed(addArgument(i, type)))
        return failure();
    seen.clear();
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      if (failed(addResult(i, type)))
        return failure();
    return signature;
  }

private:
  /// Number of a symbol; a new one if `create`, else -1 if unknown.
  int64_t symbolNumber(StringRef name, bool create) {
    auto *found = llvm::find(signature.symbols, name);
    if (found != signature.symbols.end())
      return found - signature.symbols.begin();
    if (!create)
      return -1;
    signature.symbols.push_back(name.str());
    return signature.symbols.size() - 1;
  }

  /// Name of a value, by its attribute or by its position.
  FailureOr<std::string> name(StringRef kind, unsigned i, Attribute attribute) {
    std::string name = attribute ? cast<StringAttr>(attribute).str()
                                 : (kind + Twine(i)).str();
    if (!seen.insert(name).second)
      return function.emitError()
             << kind << " " << i << ": the name '" << name
             << "' is taken by an earlier one";
    return name;
  }

  /// The name given to dimension `dim` by `moe.dims`, "" if none.
  static StringRef dimName(Attribute dims, unsigned dim) {
    return dims ? cast<StringAttr>(cast<ArrayAttr>(dims)[dim]).getValue()
                : StringRef();
  }

  LogicalResult checkType(StringRef kind, unsigned i, Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!getDType(tensor ? tensor.getElementType() : type))
      return function.emitError()
             << kind << " " << i << ": " << type
             << " cannot be passed between a host and compiled code";
    if (tensor && tensor.getRank() > (int64_t)MOERT_MAX_RANK)
      return function.emitError() << kind << " " << i << ": rank "
                                  << tensor.getRank() << " is more than "
                                  << MOERT_MAX_RANK;
    return success();
  }

  LogicalResult addArgument(unsigned i, Type type) {
    if (failed(checkType("argument", i, type)))
      return failure();
    FailureOr<std::string> label =
        name("argument", i, function.getArgAttr(i, kNameAttr));
    if (failed(label))
      return failure();
    bool weight = static_cast<bool>(function.getArgAttr(i, kWeightAttr));
    EntryArgument argument{*label, weight ? MOERT_WEIGHT : MOERT_INPUT,
                           getElementTypeOrSelf(type), {}};
    Attribute dims = function.getArgAttr(i, kDimsAttr);
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
        if (!ShapedType::isDynamic(size)) {
          argument.dims.push_back(size);
          continue;
        }
        std::string symbol = dimName(dims, dim).str();
        if (symbol.empty())
          symbol = *label + "." + std::to_string(dim);
        argument.dims.push_back(~symbolNumber(symbol, /*create=*/true));
      }
    signature.arguments.push_back(argument);
    return success();
  }

  LogicalResult addResult(unsigned i, Type type) {
    if (failed(checkType("result", i, type)))
      return failure();
    FailureOr<std::string> label =
        name("result", i, function.getResultAttr(i, kNameAttr));
    if (failed(label))
      return failure();
    EntryArgument argument{*label, MOERT_OUTPUT, getElementTypeOrSelf(type), {}};
    Attribute dims = function.getResultAttr(i, kDimsAttr);
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
        if (!ShapedType::isDynamic(size)) {
          argument.dims.push_back(size);
          continue;
        }
        StringRef symbol = dimName(dims, dim);
        if (symbol.empty())
          return function.emitError()
                 << "result " << i << ": dimension " << dim
                 << " is dynamic and has no name; 'moe.dims' names it";
        int64_t number = symbolNumber(symbol, /*create=*/false);
        if (number < 0)
          return function.emitError()
                 << "result " << i << ": no argument has a dimension '"
                 << symbol << "'";
        argument.dims.push_back(~number);
      }
    signature.arguments.push_back(argument);
    return success();
  }

  func::FuncOp function;
  EntrySignature signature;
  llvm::StringSet<> seen;
};
} // namespace

FailureOr<EntrySignature> EntrySignature::of(func::FuncOp function) {
  return Reader(function).run();
}

Attribute EntrySignature::write(MLIRContext *context) const {
  Builder b(context);
  SmallVector<Attribute> list;
  for (const EntryArgument &argument : arguments)
    list.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(argument.name)),
         b.getNamedAttr("role", b.getI64IntegerAttr(argument.role)),
         b.getNamedAttr("element", TypeAttr::get(argument.element)),
         b.getNamedAttr("dims", b.getDenseI64ArrayAttr(argument.dims))}));
  SmallVector<StringRef> names(symbols.begin(), symbols.end());
  return b.getDictionaryAttr(
      {b.getNamedAttr("arguments", b.getArrayAttr(list)),
       b.getNamedAttr("symbols", b.getStrArrayAttr(names))});
}

EntrySignature EntrySignature::read(func::FuncOp function) {
  EntrySignature signature;
  auto attr = function->getAttrOfType<DictionaryAttr>(kSignatureAttr);
  for (auto argument :
       cast<ArrayAttr>(attr.get("arguments")).getAsRange<DictionaryAttr>())
    signature.arguments.push_back(
        {cast<StringAttr>(argument.get("name")).str(),
         static_cast<MoertRole>(
             cast<IntegerAttr>(argument.get("role")).getInt()),
         cast<TypeAttr>(argument.get("element")).getValue(),
         SmallVector<int64_t>(
             cast<DenseI64ArrayAttr>(argument.get("dims")).asArrayRef())});
  for (auto symbol :
       cast<ArrayAttr>(attr.get("symbols")).getAsRange<StringAttr>())
    signature.symbols.push_back(symbol.str());
  return signature;
}

MemRefType EntrySignature::memrefType(const EntryArgument &argument) const {
  SmallVector<int64_t> shape(argument.dims);
  for (int64_t &size : shape)
    if (size < 0)
      size = ShapedType::kDynamic;
  return MemRefType::get(shape, argument.element);
}

SmallVector<EntryArgument> EntrySignature::withRole(MoertRole role) const {
  return llvm::filter_to_vector(arguments, [&](const EntryArgument &argument) {
    return argument.role == role;
  });
}
