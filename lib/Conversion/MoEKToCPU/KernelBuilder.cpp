//===- KernelBuilder.cpp - loops and index arithmetic in few words --------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moe;

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}
Value KernelBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value KernelBuilder::add(Value a, int64_t b) { return add(a, index(b)); }
Value KernelBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value KernelBuilder::mul(Value a, int64_t b) { return mul(a, index(b)); }
Value KernelBuilder::div(Value a, Value b) {
  return createOrFold<arith::DivUIOp>(a, b);
}
Value KernelBuilder::div(Value a, int64_t b) { return div(a, index(b)); }
Value KernelBuilder::rem(Value a, Value b) {
  return createOrFold<arith::RemUIOp>(a, b);
}
Value KernelBuilder::rem(Value a, int64_t b) { return rem(a, index(b)); }
Value KernelBuilder::min(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value KernelBuilder::max(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value KernelBuilder::lessThan(Value a, Value b) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b);
}
Value KernelBuilder::ceilDiv(Value a, Value b) {
  return div(add(a, add(b, -1)), b);
}
Value KernelBuilder::ceilDiv(Value a, int64_t b) {
  return ceilDiv(a, index(b));
}

Value KernelBuilder::loadIndex(Value memref, ValueRange indices) {
  Value value = memref::LoadOp::create(*this, memref, indices);
  if (value.getType().isIndex())
    return value;
  return arith::IndexCastOp::create(*this, getIndexType(), value);
}

Value KernelBuilder::zero(Type type) {
  return arith::ConstantOp::create(*this, getZeroAttr(type));
}

Value KernelBuilder::convertFloat(Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(),
           to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(*this, type, value);
  if (from > to)
    return arith::TruncFOp::create(*this, type, value);
  // f16 and bf16: neither holds the other.
  Value wide = arith::ExtFOp::create(*this, getF32Type(), value);
  return arith::TruncFOp::create(*this, type, wide);
}

void KernelBuilder::loop(Value lower, Value upper, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, lower, upper, index(step));
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Value KernelBuilder::reduce(Value upper, Value init,
                            llvm::function_ref<Value(Value, Value)> body) {
  auto loop = scf::ForOp::create(*this, index(0), upper, index(1), init);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
  scf::YieldOp::create(*this, next);
  return loop.getResult(0);
}

SmallVector<Value> KernelBuilder::iterate(
    Value lower, Value upper, int64_t step, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, lower, upper, index(step), init);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  // Without values the loop was built with its terminator.
  if (!init.empty())
    scf::YieldOp::create(*this, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::tiles(Value count, int64_t size,
                          llvm::function_ref<void(Value, int64_t)> body) {
  Value rest = rem(count, size), whole = sub(count, rest);
  loop(index(0), whole, size, [&](Value first) { body(first, size); });
  if (size == 1)
    return;
  SmallVector<int64_t> cases;
  for (int64_t i = 1; i < size; ++i)
    cases.push_back(i);
  auto remainder =
      scf::IndexSwitchOp::create(*this, TypeRange(), rest, cases, cases.size());
  InsertionGuard guard(*this);
  for (auto [i, region] : llvm::enumerate(remainder.getCaseRegions())) {
    createBlock(&region);
    body(whole, cases[i]);
    scf::YieldOp::create(*this);
  }
  createBlock(&remainder.getDefaultRegion());
  scf::YieldOp::create(*this);
}

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(*this, condition, /*withElse=*/false);
  InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

void KernelBuilder::ifElse(Value condition, llvm::function_ref<void()> body,
                           llvm::function_ref<void()> other) {
  auto branch = scf::IfOp::create(*this, condition, /*withElse=*/true);
  InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
  setInsertionPointToStart(branch.elseBlock());
  other();
}

void KernelBuilder::parallel(Value count,
                             llvm::function_ref<void(Value)> body) {
  auto forall =
      scf::ForallOp::create(*this, ArrayRef<OpFoldResult>{count}, ValueRange(),
                            /*mapping=*/std::nullopt);
  InsertionGuard guard(*this);
  setInsertionPoint(forall.getTerminator());
  body(forall.getInductionVar(0));
}
