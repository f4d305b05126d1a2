//===- SizeSlice.cpp - sizes as functions of the symbols ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SizeSlice.h"
#include "moe/Conversion/RuntimeCalls.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace moe;

SizeSlice::SizeSlice(func::FuncOp entry, ValueRange symbols) : entry(entry) {
  Block &body = entry.getBody().front();
  for (auto [i, symbol] : llvm::enumerate(symbols))
    mapping.map(body.getArgument(kFirstSymbol + i), symbol);
}

FailureOr<Value> SizeSlice::clone(OpBuilder &b, Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return failure();
  // Only numbers travel: an op on a tensor or memref does not.
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isIntOrIndexOrFloat() || failed(clone(b, operand)))
      return failure();
  }
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

LogicalResult moe::outlineRequirements(func::FuncOp entry, unsigned symbols) {
  auto module = entry->getParentOfType<ModuleOp>();
  ImplicitLocOpBuilder b(entry.getLoc(), entry.getContext());
  b.setInsertionPointAfter(entry);
  SmallVector<Type> inputs(symbols, b.getIndexType());
  inputs.insert(inputs.begin(), LLVM::LLVMPointerType::get(b.getContext()));
  auto require = func::FuncOp::create(
      b, (entry.getName() + kRequireSuffix).str(),
      b.getFunctionType(inputs, b.getI1Type()));
  require.setPrivate();
  Block *body = require.addEntryBlock();
  b.setInsertionPointToStart(body);
  Value context = body->getArgument(0);
  SizeSlice slice(entry, body->getArguments().drop_front());
  Value all = arith::ConstantOp::create(b, b.getBoolAttr(true));

  SmallVector<moek::RequireOp> requirements;
  entry.walk([&](moek::RequireOp op) { requirements.push_back(op); });
  for (moek::RequireOp op : requirements) {
    b.setLoc(op.getLoc());
    FailureOr<Value> lhs = slice.clone(b, op.getLhs());
    FailureOr<Value> rhs = failed(lhs) ? lhs : slice.clone(b, op.getRhs());
    if (failed(rhs))
      return op.emitError() << op.getWhat()
                            << ": a size does not follow from the dimensions of "
                               "the entry's arguments";
    bool equal = op.getRelation() == moek::Relation::eq;
    Value holds = arith::CmpIOp::create(
        b, equal ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sle, *lhs,
        *rhs);
    Value fails = arith::XOrIOp::create(
        b, holds, arith::ConstantOp::create(b, b.getBoolAttr(true)));
    auto branch = scf::IfOp::create(b, fails, /*withElse=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      auto i64 = [&](Value value) -> Value {
        return arith::IndexCastOp::create(b, b.getI64Type(), value);
      };
      Value status = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(equal ? MOERT_INVALID_ARGUMENT
                                       : MOERT_TOO_LARGE));
      callRuntime(b, module, "moert_fail", Type(),
                  {context, status, stringAddress(b, module, op.getWhat()),
                   i64(*lhs), i64(*rhs)});
    }
    all = arith::AndIOp::create(b, all, holds);
    op.erase();
  }
  func::ReturnOp::create(b, all);
  return success();
}
