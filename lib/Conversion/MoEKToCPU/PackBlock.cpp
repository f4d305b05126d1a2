//===- PackBlock.cpp - one block of a panel from plain weights ------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackBlock.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moe;

void moe::emitPackBlock(KernelBuilder &b, const PlainWeights &weights,
                        Value group, Value kBlock, Value panel, Value target,
                        Value row, Value offset) {
  int64_t columns = weights.columns();
  auto type = cast<MemRefType>(weights.operands[0].getType());
  Value zero = b.zero(type.getElementType());
  Value firstK = b.mul(kBlock, weights.block);
  Value firstColumn = b.mul(panel, columns);
  // How much of the block and the panel the weights fill.
  Value depth = b.min(b.index(weights.block), b.sub(b.index(weights.k), firstK));
  Value width = b.min(b.index(columns), b.sub(b.index(weights.n), firstColumn));
  width = b.max(width, b.index(0));
  depth = b.max(depth, b.index(0));

  auto store = [&](Value value, Value k, int64_t acc, Value column) {
    Value pairs = b.mul(b.div(k, weights.pair), weights.panel * weights.pair);
    Value lane = b.add(b.mul(b.add(column, acc * columns), weights.pair),
                       b.rem(k, weights.pair));
    Value at = b.add(offset, b.add(pairs, lane));
    memref::StoreOp::create(b, value, target, ValueRange{row, at});
  };
  auto load = [&](Value weight, Value k, Value column) -> Value {
    Value down = b.add(firstK, k), across = b.add(firstColumn, column);
    if (weights.transposed)
      std::swap(down, across);
    SmallVector<Value> at{down, across};
    if (type.getRank() == 3)
      at.insert(at.begin(), group);
    return memref::LoadOp::create(b, weight, at);
  };
  for (auto [acc, weight] : llvm::enumerate(weights.operands)) {
    b.loop(b.index(0), depth, 1, [&, acc = acc, weight = weight](Value k) {
      b.loop(b.index(0), width, 1, [&](Value column) {
        store(load(weight, k, column), k, acc, column);
      });
      b.loop(width, b.index(columns), 1,
             [&](Value column) { store(zero, k, acc, column); });
    });
    b.loop(depth, b.index(weights.block), 1, [&, acc = acc](Value k) {
      b.loop(columns, [&](Value column) { store(zero, k, acc, column); });
    });
  }
}
