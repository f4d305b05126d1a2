//===- GemmEpilogue.cpp - from sums to results ----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"
#include "Vectorize.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

/// The row of the result that row `row` writes.
Value GemmEmitter::targetRow(Value row) {
  if (!op.getOutRows())
    return row;
  Value token = b.div(b.loadIndex(op.getOutRows(), row), op.getOutSlots());
  Value last = b.add(memref::DimOp::create(b, op.getInit(), 0), -1);
  return arith::MinUIOp::create(b, token, last);
}

void GemmEmitter::emitEpilogue(Value group, Value first, Value rows,
                               Value firstPanel, Value count,
                               const Sums &sums) {
  b.loop(rows, [&](Value bufferRow) {
    Value row = b.add(first, bufferRow), target = targetRow(row);
    b.loop(count, [&](Value panel) {
      Value start = b.mul(b.add(firstPanel, panel), columns);
      for (int64_t shift = 0; shift < columns; shift += tile.lanes) {
        Value column = b.add(start, shift);
        auto emit = [&](bool masked) {
          emitVector(group, row, target, bufferRow, panel, column, shift,
                     masked, sums);
        };
        if (n % columns == 0) {
          emit(false);
          continue;
        }
        // The last panel is not full: whole vectors, one in part, none.
        Value end = b.add(column, tile.lanes - 1);
        b.ifElse(
            b.lessThan(end, b.index(n)), [&] { emit(false); },
            [&] {
              if (n % tile.lanes)
                b.ifThen(b.lessThan(column, b.index(n)), [&] { emit(true); });
            });
      }
    });
  });
}

Value GemmEmitter::loadVector(Value memref, ValueRange at, Value mask) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get(tile.lanes, element);
  // A bias may be every second column of another: one element after the other,
  // and behind the last column that one again.
  if (!cast<MemRefType>(memref.getType()).isLastDimUnitStride()) {
    SmallVector<Value> position(at);
    Value vector = b.zero(type);
    for (int64_t lane = 0; lane < tile.lanes; ++lane) {
      position.back() = b.add(at.back(), lane);
      if (mask)
        position.back() =
            arith::MinUIOp::create(b, position.back(), b.index(n - 1));
      Value value = memref::LoadOp::create(b, memref, position);
      vector = vector::InsertOp::create(b, value, vector, lane);
    }
    return vector;
  }
  if (!mask)
    return vector::LoadOp::create(b, type, memref, at);
  return vector::MaskedLoadOp::create(b, type, memref, at, mask, b.zero(type));
}

/// The epilogue on `lanes` columns from `column` on.
void GemmEmitter::emitVector(Value group, Value row, Value target,
                             Value bufferRow, Value panel, Value column,
                             int64_t shift, bool masked, const Sums &sums) {
  Value mask;
  if (masked)
    mask = vector::CreateMaskOp::create(
        b, VectorType::get(tile.lanes, b.getI1Type()),
        ValueRange{b.sub(b.index(n), column)});
  SmallVector<Value> arguments;
  Value sumColumn = b.add(b.mul(panel, sums.panelStride), shift);
  for (int64_t i = 0; i < accumulators; ++i)
    arguments.push_back(
        loadVector(sums.memref,
                   {bufferRow, b.add(sumColumn, i * sums.accStride)}, Value()));
  for (auto [i, extra] : llvm::enumerate(op.getExtras())) {
    AffineMap map = cast<AffineMapAttr>((*op.getExtraMaps())[i]).getValue();
    Value position[] = {group, row, column};
    SmallVector<Value> at;
    for (AffineExpr expr : map.getResults())
      at.push_back(position[cast<AffineDimExpr>(expr).getPosition()]);
    bool perColumn = map.isFunctionOfDim(2);
    if (perColumn) {
      arguments.push_back(loadVector(extra, at, mask));
    } else {
      Value scalar = memref::LoadOp::create(b, extra, at);
      arguments.push_back(vector::BroadcastOp::create(
          b, VectorType::get(tile.lanes, scalar.getType()), scalar));
    }
  }
  SmallVector<Value> at{target, column};
  Type element = cast<MemRefType>(op.getInit().getType()).getElementType();
  if (op.accumulates())
    arguments.push_back(loadVector(op.getInit(), at, mask));
  else
    arguments.push_back(b.zero(VectorType::get(tile.lanes, element)));
  Value result =
      cloneOnVectors(b, *op.getBody(), arguments, tile.lanes).front();
  if (mask)
    vector::MaskedStoreOp::create(b, op.getInit(), at, mask, result);
  else
    vector::StoreOp::create(b, result, op.getInit(), at);
}
