//===- SelectEmitter.cpp - the best of a row, in phases over rows ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moe;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

//===----------------------------------------------------------------------===//
// RowBuilder
//===----------------------------------------------------------------------===//

/// `lanes`, or 1 if one of the memrefs has gaps between neighbours.
static int64_t usableLanes(int64_t lanes, ValueRange memrefs) {
  bool dense = llvm::all_of(memrefs, [](Value memref) {
    return !memref || cast<MemRefType>(memref.getType()).isLastDimUnitStride();
  });
  return dense ? lanes : 1;
}

RowBuilder::RowBuilder(KernelBuilder &b, int64_t lanes, ValueRange memrefs)
    : b(b), maxLanes(usableLanes(lanes, memrefs)) {}

int64_t RowBuilder::lanesFor(int64_t size) const {
  return std::min<int64_t>(maxLanes, llvm::PowerOf2Ceil(size));
}

VectorType RowBuilder::vectorType(int64_t lanes, Type element) const {
  return VectorType::get(lanes, element);
}

Value RowBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, vectorType(lanes, scalar.getType()),
                                     scalar);
}

/// `attribute` as a scalar, or in each of `lanes` lanes.
static Value constantOf(KernelBuilder &b, TypedAttr attribute, int64_t lanes) {
  if (lanes)
    attribute = DenseElementsAttr::get(
        VectorType::get(lanes, attribute.getType()), Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value RowBuilder::constant(double value, int64_t lanes) {
  return constantOf(b, b.getF32FloatAttr(static_cast<float>(value)), lanes);
}

Value RowBuilder::constantI32(int64_t value, int64_t lanes) {
  return constantOf(b, b.getI32IntegerAttr(value), lanes);
}

Value RowBuilder::firstLanes(int64_t count, int64_t lanes) {
  return vector::ConstantMaskOp::create(b, vectorType(lanes, b.getI1Type()),
                                        ArrayRef<int64_t>{count});
}

Value RowBuilder::load(Value memref, ValueRange at, int64_t lanes, Value mask) {
  auto type = cast<MemRefType>(memref.getType());
  VectorType vector = vectorType(lanes, type.getElementType());
  Value value;
  if (!type.isLastDimUnitStride()) {
    assert(lanes == 1 && !mask && "elements with gaps are read one by one");
    value = vector::BroadcastOp::create(b, vector,
                                        memref::LoadOp::create(b, memref, at));
  } else if (mask) {
    value = vector::MaskedLoadOp::create(b, vector, memref, at, mask,
                                         b.zero(vector));
  } else {
    value = vector::LoadOp::create(b, vector, memref, at);
  }
  if (isa<FloatType>(type.getElementType()) && !type.getElementType().isF32())
    value = arith::ExtFOp::create(b, vectorType(lanes, b.getF32Type()), value);
  return value;
}

void RowBuilder::store(Value vector, Value memref, ValueRange at, Value mask) {
  auto type = cast<MemRefType>(memref.getType());
  Type element = type.getElementType();
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  if (isa<FloatType>(element) && !element.isF32())
    vector = arith::TruncFOp::create(b, vectorType(lanes, element), vector);
  if (!type.isLastDimUnitStride()) {
    assert(lanes == 1 && !mask && "elements with gaps are written one by one");
    memref::StoreOp::create(b, vector::ExtractOp::create(b, vector, 0), memref,
                            at);
  } else if (mask) {
    vector::MaskedStoreOp::create(b, memref, at, mask, vector);
  } else {
    vector::StoreOp::create(b, vector, memref, at);
  }
}

Value RowBuilder::scratch(int64_t size, Type element) {
  return memref::AllocaOp::create(b, MemRefType::get({size}, element),
                                  b.getI64IntegerAttr(64));
}

Value RowBuilder::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(b, condition, yes, no);
}

Value RowBuilder::compare(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}

Value RowBuilder::compare(arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}

//===----------------------------------------------------------------------===//
// The next best
//===----------------------------------------------------------------------===//

Candidate moe::beforeAll(RowBuilder &rows) {
  return {rows.constant(kInfinity), rows.constantI32(-1)};
}

Candidate moe::emitNextBest(RowBuilder &rows, const KeyRow &row,
                            Candidate last) {
  KernelBuilder &b = rows.b;
  int64_t lanes = row.lanes;
  VectorType i32Vector = rows.vectorType(lanes, b.getI32Type());
  Value lastKey = rows.splat(last.key, lanes),
        lastIndex = rows.splat(last.index, lanes);
  Value numbers = arith::IndexCastOp::create(
      b, i32Vector,
      vector::StepOp::create(b, rows.vectorType(lanes, b.getIndexType())));

  // The best of each lane so far.
  auto step = [&](Value key, Value at, ValueRange best) -> SmallVector<Value> {
    Value start = arith::IndexCastOp::create(b, b.getI32Type(), at);
    Value index = arith::AddIOp::create(b, numbers, rows.splat(start, lanes));
    Value equal = rows.compare(arith::CmpFPredicate::OEQ, key, lastKey);
    Value later = rows.compare(arith::CmpIPredicate::sgt, index, lastIndex);
    Value below = rows.compare(arith::CmpFPredicate::OLT, key, lastKey);
    Value after =
        arith::OrIOp::create(b, below, arith::AndIOp::create(b, equal, later));
    // Above -inf at first, above the best one then: NaN never is, and of equal
    // keys the first one stays.
    Value better = rows.compare(arith::CmpFPredicate::OGT, key, best[0]);
    Value take = arith::AndIOp::create(b, after, better);
    return {rows.select(take, key, best[0]), rows.select(take, index, best[1])};
  };
  SmallVector<Value> best =
      b.iterate(b.index(0), row.whole, lanes,
                {rows.constant(-kInfinity, lanes), rows.constantI32(-1, lanes)},
                [&](Value at, ValueRange state) {
                  return step(row.load(at), at, state);
                });
  if (row.loadTail)
    best = step(row.loadTail(), row.whole, best);

  // The lowest index of the lanes that hold the greatest key; -1 if none found
  // any, as then all hold -inf.
  Value key = vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF,
                                          best[0], arith::FastMathFlags::nnan);
  Value holds =
      rows.compare(arith::CmpFPredicate::OEQ, best[0], rows.splat(key, lanes));
  Value index =
      rows.select(holds, best[1],
                  rows.constantI32(std::numeric_limits<int32_t>::max(), lanes));
  return {key,
          vector::ReductionOp::create(b, vector::CombiningKind::MINSI, index)};
}

//===----------------------------------------------------------------------===//
// Phases over rows
//===----------------------------------------------------------------------===//

int64_t moe::rowsPerTask(int64_t operations) {
  constexpr int64_t kTask = 8192, kMostRows = 256;
  return std::clamp<int64_t>(kTask / std::max<int64_t>(operations, 1), 1,
                             kMostRows);
}

void moe::forEachRow(KernelBuilder &b, Value memref, int64_t perTask,
                     llvm::function_ref<void()> prepare,
                     llvm::function_ref<void(Value)> body) {
  Value count = memref::DimOp::create(b, memref, 0);
  b.parallel(b.ceilDiv(count, perTask), [&](Value task) {
    prepare();
    Value first = b.mul(task, perTask);
    Value last = b.min(count, b.add(first, perTask));
    b.loop(first, last, 1, body);
  });
}

//===----------------------------------------------------------------------===//
// top_k
//===----------------------------------------------------------------------===//

void moe::emitTopK(KernelBuilder &b, moek::TopKOp op, int64_t maxLanes) {
  Value keys = op.getKeys(), values = op.getValues() ? op.getValues() : keys;
  Value indices = op.getInits()[0], selected = op.getInits()[1];
  RowBuilder rows(b, maxLanes, {keys});
  int64_t candidates = cast<MemRefType>(keys.getType()).getDimSize(1);
  bool known = !ShapedType::isDynamic(candidates);
  int64_t lanes =
      known ? rows.lanesFor(std::max<int64_t>(candidates, 1)) : rows.maxLanes;
  int64_t slots = op.getNumSlots();
  int64_t perTask =
      known ? rowsPerTask(slots * (4 + llvm::divideCeil(candidates, lanes)))
            : 1;
  forEachRow(
      b, keys, perTask, [] {},
      [&](Value row) {
        Value size = memref::DimOp::create(b, keys, 1);
        if (known)
          size = b.index(candidates);
        Value whole = b.mul(b.div(size, lanes), lanes);
        auto load = [&](Value at) { return rows.load(keys, {row, at}, lanes); };
        auto loadTail = [&]() -> Value {
          Value mask = vector::CreateMaskOp::create(
              b, rows.vectorType(lanes, b.getI1Type()),
              ValueRange{b.sub(size, whole)});
          return rows.select(mask, rows.load(keys, {row, whole}, lanes, mask),
                             rows.constant(-kInfinity, lanes));
        };
        bool hasTail = known ? candidates % lanes != 0 : lanes > 1;
        KeyRow keyRow{lanes, whole, load, nullptr};
        if (hasTail)
          keyRow.loadTail = loadTail;
        Candidate start = beforeAll(rows);
        b.iterate(
            b.index(0), b.index(slots), 1, {start.key, start.index},
            [&](Value slot, ValueRange last) -> SmallVector<Value> {
              Candidate next = emitNextBest(rows, keyRow, {last[0], last[1]});
              memref::StoreOp::create(b, next.index, indices,
                                      ValueRange{row, slot});
              Value found = rows.compare(arith::CmpIPredicate::sge, next.index,
                                         rows.constantI32(0));
              b.ifElse(
                  found,
                  [&] {
                    Value at = arith::IndexCastOp::create(b, b.getIndexType(),
                                                          next.index);
                    Value value = b.convertFloat(
                        memref::LoadOp::create(b, values, ValueRange{row, at}),
                        cast<MemRefType>(selected.getType()).getElementType());
                    memref::StoreOp::create(b, value, selected,
                                            ValueRange{row, slot});
                  },
                  [&] {
                    Value none = b.zero(
                        cast<MemRefType>(selected.getType()).getElementType());
                    memref::StoreOp::create(b, none, selected,
                                            ValueRange{row, slot});
                  });
              return {next.key, next.index};
            });
      });
}
