//===- RuntimeCalls.cpp - calls of the runtime from compiled code ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/RuntimeCalls.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace moe;

Value moe::callRuntime(ImplicitLocOpBuilder &b, ModuleOp module, StringRef name,
                       Type result, ValueRange operands) {
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    Type type = result ? result : LLVM::LLVMVoidType::get(b.getContext());
    SmallVector<Type> inputs(operands.getTypes());
    function = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(type, inputs));
  }
  auto call = LLVM::CallOp::create(b, function, operands);
  return result ? call.getResult() : Value();
}

Value moe::elementAddress(ImplicitLocOpBuilder &b, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  Value offset =
      memref::ExtractStridedMetadataOp::create(b, buffer).getOffset();
  Value width =
      arith::ConstantIndexOp::create(b, type.getElementTypeBitWidth() / 8);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  Value shift = arith::MulIOp::create(b, offset, width);
  Value address = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::AddIOp::create(b, base, shift));
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                  address);
}

std::string moe::stringSymbol(ModuleOp module, StringRef text) {
  // A name that tells the strings apart and does not depend on their order.
  std::string symbol =
      "moe.str." +
      std::to_string(static_cast<uint64_t>(llvm::xxh3_64bits(text)));
  if (!module.lookupSymbol(symbol)) {
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    std::string zeroTerminated = text.str();
    zeroTerminated.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), zeroTerminated.size());
    LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true,
                           LLVM::Linkage::Internal, symbol,
                           b.getStringAttr(zeroTerminated));
  }
  return symbol;
}

Value moe::stringAddress(ImplicitLocOpBuilder &b, ModuleOp module,
                         StringRef text) {
  return LLVM::AddressOfOp::create(b,
                                   LLVM::LLVMPointerType::get(b.getContext()),
                                   stringSymbol(module, text));
}
