//===- Signature.cpp - an entry as its host sees it -----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moe;

bool moe::isNibble(Type element) {
  return element.isSignlessInteger(4) || isa<Float4E2M1FNType>(element);
}

/// True if the last of these sizes is static and even.
static bool isNibbleShape(ArrayRef<int64_t> shape) {
  return !shape.empty() && shape.back() >= 0 && shape.back() % 2 == 0;
}

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
  if (type.isUnsignedInteger(8) || isNibble(type))
    return MOERT_U8;
  if (type.isSignlessInteger(1))
    return MOERT_I1;
  if (isa<Float8E8M0FNUType>(type))
    return MOERT_F8E8M0;
  return std::nullopt;
}

int64_t moe::getElementBytes(Type type) {
  return type.isIndex() ? 8 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

std::optional<int64_t> moe::getStaticBytes(ShapedType type) {
  int64_t bytes = getElementBytes(type.getElementType());
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) &&
        (llvm::MulOverflow(bytes, size, bytes) || bytes > (int64_t(1) << 60)))
      return std::nullopt;
  return bytes;
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
    if (function.getName().contains('\0'))
      return function.emitError("the name of an entry has a zero byte in it");
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
    std::string name =
        attribute ? cast<StringAttr>(attribute).str() : (kind + Twine(i)).str();
    if (failed(checkText(kind, i, name)))
      return failure();
    if (!seen.insert(name).second)
      return emitError(kind, i)
             << "the name '" << name << "' is taken by an earlier one";
    return name;
  }

  /// An error at argument `i`, or at the function for a result.
  InFlightDiagnostic emitError(StringRef kind, unsigned i) {
    Location loc = kind == "argument" ? function.getArgument(i).getLoc()
                                      : function.getLoc();
    return mlir::emitError(loc) << kind << " " << i << ": ";
  }

  /// Names cross the boundary as C strings.
  LogicalResult checkText(StringRef kind, unsigned i, StringRef text) {
    if (text.contains('\0'))
      return emitError(kind, i) << "a name has a zero byte in it";
    return success();
  }

  /// The name given to dimension `dim` by `moe.dims`, "" if none.
  static StringRef dimName(Attribute dims, unsigned dim) {
    return dims ? cast<StringAttr>(cast<ArrayAttr>(dims)[dim]).getValue()
                : StringRef();
  }

  LogicalResult checkType(StringRef kind, unsigned i, Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!getDType(tensor ? tensor.getElementType() : type))
      return emitError(kind, i) << type
                                << " cannot be passed between a host and "
                                   "compiled code; expected a "
                                   "ranked tensor, or a scalar, of f64, f32, "
                                   "f16, bf16, f8E8M0FNU, "
                                   "i64, i32, i16, i8, ui8, i1 or index";
    if (isNibble(getElementTypeOrSelf(type))) {
      if (kind != "argument" || !tensor)
        return function.emitError()
               << kind << " " << i << ": " << type
               << " cannot be passed between a host and compiled code; only "
                  "tensors of arguments can have elements of four bits";
      if (!isNibbleShape(tensor.getShape()))
        return function.emitError()
               << kind << " " << i << ": " << type
               << " has two elements a byte, so its last dimension must be "
                  "static and even";
    }
    if (tensor && tensor.getRank() > (int64_t)MOERT_MAX_RANK)
      return emitError(kind, i) << "rank " << tensor.getRank()
                                << " is more than " << MOERT_MAX_RANK;
    if (tensor && !getStaticBytes(tensor))
      return emitError(kind, i) << type << " is too large for any memory";
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
    EntryArgument argument{*label,
                           weight ? MOERT_WEIGHT : MOERT_INPUT,
                           getElementTypeOrSelf(type),
                           {}};
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
        if (failed(checkText("argument", i, symbol)))
          return failure();
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
    EntryArgument argument{
        *label, MOERT_OUTPUT, getElementTypeOrSelf(type), {}};
    Attribute dims = function.getResultAttr(i, kDimsAttr);
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
        if (!ShapedType::isDynamic(size)) {
          argument.dims.push_back(size);
          continue;
        }
        StringRef symbol = dimName(dims, dim);
        if (symbol.empty())
          return emitError("result", i)
                 << "dimension " << dim
                 << " is dynamic and has no name; 'moe.dims' names it";
        int64_t number = symbolNumber(symbol, /*create=*/false);
        if (number < 0)
          return emitError("result", i)
                 << "no argument has a dimension '" << symbol << "'";
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

FailureOr<EntrySignature> EntrySignature::read(func::FuncOp function) {
  auto malformed = [&] {
    return function.emitError("has no signature in 'moe.entry'; run "
                              "moe-split-prepare first");
  };
  auto attr = function->getAttrOfType<DictionaryAttr>(kSignatureAttr);
  auto list = attr ? attr.getAs<ArrayAttr>("arguments") : ArrayAttr();
  auto names = attr ? attr.getAs<ArrayAttr>("symbols") : ArrayAttr();
  if (!list || !names || !llvm::all_of(names, llvm::IsaPred<StringAttr>))
    return malformed();
  EntrySignature signature;
  for (auto symbol : names.getAsRange<StringAttr>())
    signature.symbols.push_back(symbol.str());
  for (Attribute item : list) {
    auto argument = dyn_cast<DictionaryAttr>(item);
    if (!argument)
      return malformed();
    auto name = argument.getAs<StringAttr>("name");
    auto role = argument.getAs<IntegerAttr>("role");
    auto element = argument.getAs<TypeAttr>("element");
    auto dims = argument.getAs<DenseI64ArrayAttr>("dims");
    if (!name || !role || !element || !dims || role.getInt() < MOERT_INPUT ||
        role.getInt() > MOERT_OUTPUT || !getDType(element.getValue()) ||
        llvm::any_of(dims.asArrayRef(),
                     [&](int64_t size) {
                       return size < 0 &&
                              ~size >= (int64_t)signature.symbols.size();
                     }) ||
        (isNibble(element.getValue()) && !isNibbleShape(dims.asArrayRef())))
      return malformed();
    signature.arguments.push_back(
        {name.str(), static_cast<MoertRole>(role.getInt()), element.getValue(),
         SmallVector<int64_t>(dims.asArrayRef())});
  }
  return signature;
}

FailureOr<LoweredEntry> LoweredEntry::of(func::FuncOp entry, bool planned) {
  FailureOr<EntrySignature> signature = EntrySignature::read(entry);
  if (failed(signature))
    return failure();
  auto module = entry->getParentOfType<ModuleOp>();
  auto companion = [&](const Twine &suffix) {
    return module.lookupSymbol<func::FuncOp>((entry.getName() + suffix).str());
  };
  func::FuncOp prepare = companion(kPrepareSuffix);
  // What the arguments of both start with.
  Builder b(entry.getContext());
  Type context = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Type> run(signature->symbols.size(), b.getIndexType());
  run.insert(run.begin(), context);
  SmallVector<Type> weights{context};
  for (MoertRole role : {MOERT_INPUT, MOERT_OUTPUT})
    for (const EntryArgument &argument : signature->withRole(role))
      run.push_back(signature->memrefType(argument));
  for (const EntryArgument &argument : signature->withRole(MOERT_WEIGHT))
    weights.push_back(signature->memrefType(argument));
  auto rest = [](func::FuncOp function,
                 ArrayRef<Type> head) -> std::optional<ArrayRef<Type>> {
    if (!function || !function.getBody().hasOneBlock() ||
        function.getNumArguments() < head.size() || function.getNumResults() ||
        function.getArgumentTypes().take_front(head.size()) != head)
      return std::nullopt;
    return function.getArgumentTypes().drop_front(head.size());
  };
  std::optional<ArrayRef<Type>> packed = rest(entry, run);
  if (!packed || packed != rest(prepare, weights) ||
      !llvm::all_of(*packed, llvm::IsaPred<MemRefType>))
    return entry.emitError("is not in the form that moe-entry leaves; run it "
                           "first");
  if (planned && (packed->empty() || !companion(kRequireSuffix) ||
                  !companion(kWorkspaceSuffix) ||
                  !companion(kPrepareSuffix + Twine(kWorkspaceSuffix))))
    return entry.emitError(
        "has no companions yet; run "
        "moe-outline-requirements and moe-plan-workspace first");
  return LoweredEntry{*signature, prepare};
}

SmallVector<int64_t>
EntrySignature::hostDims(const EntryArgument &argument) const {
  SmallVector<int64_t> dims(argument.dims);
  if (isNibble(argument.element))
    dims.back() /= 2;
  return dims;
}

MemRefType EntrySignature::memrefType(const EntryArgument &argument) const {
  SmallVector<int64_t> shape = hostDims(argument);
  for (int64_t &size : shape)
    if (size < 0)
      size = ShapedType::kDynamic;
  Type i8 = IntegerType::get(argument.element.getContext(), 8);
  return MemRefType::get(shape,
                         isNibble(argument.element) ? i8 : argument.element);
}

SmallVector<EntryArgument> EntrySignature::withRole(MoertRole role) const {
  return llvm::filter_to_vector(arguments, [&](const EntryArgument &argument) {
    return argument.role == role;
  });
}
