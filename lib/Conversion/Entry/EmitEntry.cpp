//===- EmitEntry.cpp - the functions that hosts call ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"
#include "moe/Conversion/Passes.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Conversion/Signature.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/xxhash.h"

namespace moe {
#define GEN_PASS_DEF_MOEEMITENTRY
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Emits the C functions of one entry.
class EntryEmitter {
public:
  EntryEmitter(func::FuncOp entry, const LoweredEntry &lowered,
               const LLVMTypeConverter &converter)
      : module(entry->getParentOfType<ModuleOp>()), entry(entry),
        prepare(lowered.prepare), converter(converter),
        signature(lowered.signature), b(entry.getLoc(), entry.getContext()),
        pointer(LLVM::LLVMPointerType::get(entry.getContext())) {}

  /// All three functions and what the descriptor says of them; emits an error
  /// and fails if the packed values do not fit in memory.
  FailureOr<EntryFunctions> emit(StringRef target, uint64_t features) {
    if (failed(layOutBlob()))
      return failure();
    EntryFunctions functions;
    functions.name = entry.getName().str();
    functions.target = target.str();
    functions.cpuFeatures = features;
    functions.prepare = emitPrepare();
    functions.workspaceBytes = emitWorkspaceBytes();
    functions.run = emitRun();
    functions.packedBytes = packedBytes;
    functions.packedHash = hashBlob(target, features);
    return functions;
  }

private:
  /// Offsets of the packed values in the blob.
  LogicalResult layOutBlob() {
    size_t weights = signature.withRole(MOERT_WEIGHT).size();
    // context, weights..., packed values..., workspace
    for (Type type :
         prepare.getArgumentTypes().drop_front(1 + weights).drop_back()) {
      auto memref = cast<MemRefType>(type);
      packedTypes.push_back(memref);
      packedOffsets.push_back(packedBytes);
      std::optional<int64_t> bytes = getStaticBytes(memref);
      if (!bytes || packedBytes > (uint64_t(1) << 60))
        return entry.emitError("what is computed from its weights is too large "
                               "for any memory");
      packedBytes += llvm::alignTo(*bytes, MOERT_ALIGNMENT);
    }
    return success();
  }

  /// Tells blobs of different contents or layouts apart: the weights, what
  /// F.prepare does, the types, the target. The inputs do not count: functions
  /// that differ in them alone share a blob.
  uint64_t hashBlob(StringRef target, uint64_t features) {
    std::string text;
    llvm::raw_string_ostream os(text);
    EntrySignature weights;
    weights.arguments = signature.withRole(MOERT_WEIGHT);
    os << target << features << weights.write(entry.getContext());
    for (auto [type, offset] : llvm::zip(packedTypes, packedOffsets))
      os << type << offset;
    os << textOfPrepare(prepare);
    return llvm::xxh3_64bits(text);
  }

  /// A new function "moe.KIND.F" with an open body.
  LLVM::LLVMFuncOp begin(StringRef kind, Type result, ArrayRef<Type> inputs) {
    b.setInsertionPointToEnd(module.getBody());
    auto function = LLVM::LLVMFuncOp::create(
        b, ("moe." + kind + "." + entry.getName()).str(),
        LLVM::LLVMFunctionType::get(result, inputs), LLVM::Linkage::Internal);
    b.setInsertionPointToStart(function.addEntryBlock(b));
    return function;
  }

  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }

  /// pointers[i].
  Value loadPointer(Value pointers, int64_t i) {
    Value address = LLVM::GEPOp::create(b, pointer, pointer, pointers,
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
    return LLVM::LoadOp::create(b, pointer, address);
  }

  /// The symbols as index values, read from an array of int64_t.
  SmallVector<Value> loadSymbols(Value array) {
    SmallVector<Value> symbols;
    for (size_t i = 0; i < signature.symbols.size(); ++i) {
      Value address = LLVM::GEPOp::create(b, pointer, b.getI64Type(), array,
                                          ArrayRef<LLVM::GEPArg>{int32_t(i)});
      Value size = LLVM::LoadOp::create(b, b.getI64Type(), address);
      symbols.push_back(arith::IndexCastOp::create(b, b.getIndexType(), size));
    }
    return symbols;
  }

  /// A memref of identity layout at `address`; `dynamic` are its dynamic sizes.
  Value asMemref(MemRefType type, Value address, ArrayRef<Value> dynamic) {
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape()) {
      if (!ShapedType::isDynamic(size)) {
        sizes.push_back(constant(size));
        continue;
      }
      sizes.push_back(
          arith::IndexCastOp::create(b, b.getI64Type(), dynamic.front()));
      dynamic = dynamic.drop_front();
    }
    SmallVector<Value> strides(sizes.size());
    Value stride = constant(1);
    for (size_t i = sizes.size(); i-- > 0;) {
      strides[i] = stride;
      stride = LLVM::MulOp::create(b, stride, sizes[i]);
    }
    auto descriptor =
        MemRefDescriptor::poison(b, b.getLoc(), converter.convertType(type));
    descriptor.setAllocatedPtr(b, b.getLoc(), address);
    descriptor.setAlignedPtr(b, b.getLoc(), address);
    descriptor.setOffset(b, b.getLoc(), constant(0));
    for (size_t i = 0; i < sizes.size(); ++i) {
      descriptor.setSize(b, b.getLoc(), i, sizes[i]);
      descriptor.setStride(b, b.getLoc(), i, strides[i]);
    }
    Value structure = descriptor;
    return UnrealizedConversionCastOp::create(b, TypeRange{type}, structure)
        .getResult(0);
  }

  Value asMemref(const EntryArgument &argument, Value address,
                 ArrayRef<Value> symbols) {
    SmallVector<Value> dynamic;
    for (int64_t size : argument.dims)
      if (size < 0)
        dynamic.push_back(symbols[~size]);
    return asMemref(signature.memrefType(argument), address, dynamic);
  }

  /// The packed values in the blob at `blob`.
  void appendPacked(Value blob, SmallVectorImpl<Value> &operands) {
    for (auto [type, offset] : llvm::zip(packedTypes, packedOffsets)) {
      Value address = LLVM::GEPOp::create(b, pointer, b.getI8Type(), blob,
                                          ArrayRef<Value>{constant(offset)});
      operands.push_back(asMemref(type, address, {}));
    }
  }

  /// The workspace at `address`, as many bytes as F.workspace says.
  Value workspaceMemref(StringRef function, Value address, ValueRange symbols) {
    Value bytes = func::CallOp::create(b, (function + kWorkspaceSuffix).str(),
                                       TypeRange{b.getI64Type()}, symbols)
                      .getResult(0);
    Value size = arith::IndexCastOp::create(b, b.getIndexType(), bytes);
    return asMemref(MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
                    address, size);
  }

  std::string emitPrepare() {
    auto function =
        begin("prepare", b.getI32Type(), {pointer, pointer, pointer});
    Value context = function.getArgument(0), pointers = function.getArgument(1),
          blob = function.getArgument(2);
    SmallVector<Value> operands{context};
    for (auto [i, weight] : llvm::enumerate(signature.withRole(MOERT_WEIGHT)))
      operands.push_back(asMemref(weight, loadPointer(pointers, i), {}));
    appendPacked(blob, operands);
    callRuntime(b, module, "moert_enter", Type(), context);
    Value bytes =
        func::CallOp::create(b, (prepare.getName() + kWorkspaceSuffix).str(),
                             TypeRange{b.getI64Type()}, ValueRange())
            .getResult(0);
    Value scratch =
        callRuntime(b, module, "moert_scratch", pointer, {context, bytes});
    // Null if there is no memory; the runtime has recorded that.
    Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), scratch);
    Value available = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                            address, constant(0));
    auto branch = scf::IfOp::create(b, available, /*withElse=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      operands.push_back(workspaceMemref(prepare.getName(), scratch, {}));
      func::CallOp::create(b, prepare, operands);
    }
    Value status =
        callRuntime(b, module, "moert_leave", b.getI32Type(), context);
    LLVM::ReturnOp::create(b, status);
    return function.getName().str();
  }

  std::string emitWorkspaceBytes() {
    auto function = begin("workspace_bytes", b.getI64Type(), pointer);
    SmallVector<Value> symbols = loadSymbols(function.getArgument(0));
    Value bytes =
        func::CallOp::create(b, (entry.getName() + kWorkspaceSuffix).str(),
                             TypeRange{b.getI64Type()}, symbols)
            .getResult(0);
    LLVM::ReturnOp::create(b, bytes);
    return function.getName().str();
  }

  std::string emitRun() {
    SmallVector<Type> inputs(6, pointer);
    auto function = begin("run", b.getI32Type(), inputs);
    Value context = function.getArgument(0);
    SmallVector<Value> symbols = loadSymbols(function.getArgument(3));
    callRuntime(b, module, "moert_enter", Type(), context);
    SmallVector<Value> sizes{context};
    llvm::append_range(sizes, symbols);
    Value holds =
        func::CallOp::create(b, (entry.getName() + kRequireSuffix).str(),
                             TypeRange{b.getI1Type()}, sizes)
            .getResult(0);
    auto branch = scf::IfOp::create(b, holds, /*withElse=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Value> operands(sizes);
      for (auto [i, input] : llvm::enumerate(signature.withRole(MOERT_INPUT)))
        operands.push_back(
            asMemref(input, loadPointer(function.getArgument(1), i), symbols));
      for (auto [i, output] : llvm::enumerate(signature.withRole(MOERT_OUTPUT)))
        operands.push_back(
            asMemref(output, loadPointer(function.getArgument(2), i), symbols));
      appendPacked(function.getArgument(4), operands);
      operands.push_back(
          workspaceMemref(entry.getName(), function.getArgument(5), symbols));
      func::CallOp::create(b, entry, operands);
    }
    Value status =
        callRuntime(b, module, "moert_leave", b.getI32Type(), context);
    LLVM::ReturnOp::create(b, status);
    return function.getName().str();
  }

  ModuleOp module;
  func::FuncOp entry, prepare;
  const LLVMTypeConverter &converter;
  EntrySignature signature;
  ImplicitLocOpBuilder b;
  Type pointer;
  SmallVector<MemRefType> packedTypes;
  SmallVector<uint64_t> packedOffsets;
  uint64_t packedBytes = 0;
};

struct EmitEntryPass : moe::impl::MoEEmitEntryBase<EmitEntryPass> {
  using MoEEmitEntryBase::MoEEmitEntryBase;

  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    SmallVector<func::FuncOp> entries = getEntries(getOperation());
    for (func::FuncOp entry : entries) {
      FailureOr<LoweredEntry> lowered =
          LoweredEntry::of(entry, /*planned=*/true);
      if (failed(lowered))
        return signalPassFailure();
      FailureOr<EntryFunctions> functions =
          EntryEmitter(entry, *lowered, converter).emit(target, cpuFeatures);
      if (failed(functions))
        return signalPassFailure();
      emitDescriptor(getOperation(), *functions, lowered->signature);
    }
    // The descriptors are all that a host sees.
    auto internal =
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      function->setAttr("llvm.linkage", internal);
      function->removeAttr(kSignatureAttr);
      function.setPrivate();
    }
  }
};

} // namespace
