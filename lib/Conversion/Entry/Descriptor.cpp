//===- Descriptor.cpp - the MoertEntry global of an entry -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"
#include "moe/Conversion/RuntimeCalls.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace moe;

namespace {

/// Writes constants as LLVM globals. Structs are built field by field, in the
/// order of moert.h.
class DescriptorEmitter {
public:
  DescriptorEmitter(ModuleOp module, const EntryFunctions &functions,
                    const EntrySignature &signature)
      : module(module), functions(functions), signature(signature),
        b(module.getLoc(), module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i8(b.getI8Type()), i32(b.getI32Type()), i64(b.getI64Type()) {}

  void emit() {
    std::string args = emitArguments(), sizes = emitSizes(),
                symbols = emitSymbols();
    std::string name = stringSymbol(module, functions.name);
    std::string target = stringSymbol(module, functions.target);
    // MoertEntry
    Type type = LLVM::LLVMStructType::getLiteral(
        b.getContext(),
        {i32, i32, pointer, pointer, i64, i32, i32, pointer, pointer, pointer,
         i64, i64, pointer, pointer, pointer});
    global("moert_entry_" + functions.name, type, LLVM::Linkage::External, [&] {
      return structure(
          type,
          {integer(i32, MOERT_ABI_VERSION), integer(i32, sizeof(MoertEntry)),
           address(name), address(target), integer(i64, functions.cpuFeatures),
           integer(i32, signature.arguments.size()),
           integer(i32, signature.symbols.size()), address(args),
           address(sizes), address(symbols),
           integer(i64, functions.packedBytes),
           integer(i64, functions.packedHash), address(functions.prepare),
           address(functions.workspaceBytes), address(functions.run)});
    });
  }

private:
  /// Symbol of a part of this entry's descriptor.
  std::string part(const Twine &name) {
    return ("moe." + name + "." + functions.name).str();
  }

  Value integer(Type type, uint64_t value) {
    return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
  }

  Value address(StringRef symbol) {
    return LLVM::AddressOfOp::create(b, pointer, symbol);
  }

  /// A struct or array of these elements.
  Value structure(Type type, ArrayRef<Value> elements) {
    Value value = LLVM::PoisonOp::create(b, type);
    for (auto [i, element] : llvm::enumerate(elements))
      value = LLVM::InsertValueOp::create(b, value, element, i);
    return value;
  }

  /// A constant global whose value `body` builds.
  std::string global(std::string name, Type type, LLVM::Linkage linkage,
                     llvm::function_ref<Value()> body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    auto op = LLVM::GlobalOp::create(b, type, /*isConstant=*/true, linkage,
                                     name, Attribute());
    b.setInsertionPointToStart(b.createBlock(&op.getInitializerRegion()));
    Value value = body();
    LLVM::ReturnOp::create(b, value);
    return name;
  }

  /// An array of `count` elements, internal to the module.
  std::string array(const Twine &name, Type element,
                    llvm::function_ref<SmallVector<Value>()> elements,
                    size_t count) {
    auto type = LLVM::LLVMArrayType::get(element, count);
    return global(part(name), type, LLVM::Linkage::Internal,
                  [&] { return structure(type, elements()); });
  }

  std::string integers(const Twine &name, Type type, ArrayRef<int64_t> values) {
    return array(
        name, type,
        [&] {
          return llvm::map_to_vector(
              values, [&](int64_t value) { return integer(type, value); });
        },
        values.size());
  }

  /// Number of `size` in the table of static sizes.
  int64_t sizeNumber(int64_t size) {
    auto *found = llvm::find(sizes, size);
    if (found == sizes.end()) {
      sizes.push_back(size);
      return sizes.size() - 1;
    }
    return found - sizes.begin();
  }

  std::string emitArguments() {
    SmallVector<std::string> names, dims;
    for (auto [i, argument] : llvm::enumerate(signature.arguments)) {
      SmallVector<int64_t> encoded;
      for (int64_t size : signature.hostDims(argument))
        encoded.push_back(size < 0 ? size : sizeNumber(size));
      names.push_back(stringSymbol(module, argument.name));
      dims.push_back(integers("dims" + Twine(i), i32, encoded));
    }
    // MoertArg
    Type type = LLVM::LLVMStructType::getLiteral(
        b.getContext(), {pointer, i8, i8, i8, i8, pointer});
    return array(
        "args", type,
        [&] {
          SmallVector<Value> values;
          for (auto [i, argument] : llvm::enumerate(signature.arguments))
            values.push_back(
                structure(type, {address(names[i]), integer(i8, argument.role),
                                 integer(i8, *getDType(argument.element)),
                                 integer(i8, argument.dims.size()),
                                 integer(i8, 0), address(dims[i])}));
          return values;
        },
        signature.arguments.size());
  }

  std::string emitSizes() { return integers("sizes", i64, sizes); }

  std::string emitSymbols() {
    SmallVector<std::string> names;
    for (const std::string &symbol : signature.symbols)
      names.push_back(stringSymbol(module, symbol));
    return array(
        "symbols", pointer,
        [&] {
          return llvm::map_to_vector(
              names, [&](const std::string &name) { return address(name); });
        },
        names.size());
  }

  ModuleOp module;
  const EntryFunctions &functions;
  const EntrySignature &signature;
  ImplicitLocOpBuilder b;
  Type pointer, i8, i32, i64;
  SmallVector<int64_t> sizes;
};

} // namespace

void moe::emitDescriptor(ModuleOp module, const EntryFunctions &functions,
                         const EntrySignature &signature) {
  DescriptorEmitter(module, functions, signature).emit();
}
