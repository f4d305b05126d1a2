//===- GroupEmitter.cpp - moek.group as two phases around a scan ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

/// Slots of a block at least, so that a small layer is grouped by one thread.
static constexpr int64_t kBlockSlots = 2048;

namespace {

class GroupEmitter {
public:
  GroupEmitter(KernelBuilder &b, moek::GroupOp op, int64_t maxLanes)
      : b(b), op(op), slots(op.getNumSlots()), experts(op.getNumExperts()),
        counts(op.getScratch()), width(op.getScratchType().getDimSize(1)),
        lanes(std::min(maxLanes, width)) {}

  void emit() {
    tokens = memref::DimOp::create(b, op.getIndices(), 0);
    perBlock = b.max(b.ceilDiv(tokens, moek::GroupOp::kMaxBlocks),
                     b.index(llvm::divideCeil(kBlockSlots, slots)));
    Value blocks = arith::CeilDivUIOp::create(b, tokens, perBlock);
    total = b.index(moek::GroupOp::kMaxBlocks);
    emitCapacity();
    b.parallel(blocks, [&](Value block) { count(block); });
    scan(blocks);
    b.parallel(blocks, [&](Value block) { place(block); });
  }

private:
  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }
  Value load(Value memref, ValueRange at) {
    return memref::LoadOp::create(b, memref, at);
  }
  void store(Value value, Value memref, ValueRange at) {
    memref::StoreOp::create(b, value, memref, at);
  }
  Value add32(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value asI32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }
  Value asIndex(Value i32) {
    return arith::IndexCastOp::create(b, b.getIndexType(), i32);
  }

  /// The capacity as an i32, between 0 and the number of rows.
  void emitCapacity() {
    if (!op.getCapacity())
      return;
    Value bounded = b.min(op.getCapacity(), b.mul(tokens, slots));
    capacity = asI32(b.max(bounded, b.index(0)));
  }

  /// body(token, slot, expert as it is stored, whether it is one with rows) for
  /// each slot of a block, in order.
  void forEachSlot(Value block,
                   llvm::function_ref<void(Value, Value, Value, Value)> body) {
    Value first = arith::MulIOp::create(b, block, perBlock);
    Value last = b.min(b.add(first, perBlock), tokens);
    b.loop(first, last, 1, [&](Value token) {
      b.loop(slots, [&](Value slot) {
        Value expert = load(op.getIndices(), {token, slot});
        Value has = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, expert,
                                          constant(experts));
        body(token, slot, expert, has);
      });
    });
  }

  /// counts[block, e] = slots of expert e in the block.
  void count(Value block) {
    auto type = VectorType::get(lanes, b.getI32Type());
    b.loop(b.index(0), b.index(width), lanes, [&](Value e) {
      vector::StoreOp::create(b, b.zero(type), counts, ValueRange{block, e});
    });
    forEachSlot(block, [&](Value, Value, Value expert, Value has) {
      b.ifThen(has, [&] {
        Value e = asIndex(expert);
        Value more = add32(load(counts, {block, e}), constant(1));
        store(more, counts, {block, e});
      });
    });
  }

  /// counts[block, e] = slots of expert e in the blocks before; offsets.
  void scan(Value blocks) {
    auto type = VectorType::get(lanes, b.getI32Type());
    b.loop(b.index(0), b.index(width), lanes, [&](Value e) {
      Value sum = b.reduce(blocks, b.zero(type), [&](Value block, Value sum) {
        SmallVector<Value> at{block, e};
        Value here = vector::LoadOp::create(b, type, counts, at);
        vector::StoreOp::create(b, sum, counts, at);
        return add32(sum, here);
      });
      if (capacity) {
        Value most = vector::BroadcastOp::create(b, type, capacity);
        sum = arith::MinSIOp::create(b, sum, most);
      }
      vector::StoreOp::create(b, sum, counts, ValueRange{total, e});
    });
    Value offsets = op.getInits()[2], zero = constant(0);
    store(zero, offsets, b.index(0));
    b.reduce(b.index(experts), zero, [&](Value e, Value sum) {
      Value end = add32(sum, load(counts, {total, e}));
      store(end, offsets, b.add(e, 1));
      return end;
    });
  }

  /// Gives each slot of a block its row, and rows without a slot -1.
  void place(Value block) {
    Value rowSlot = op.getInits()[0], slotRow = op.getInits()[1],
          offsets = op.getInits()[2], none = constant(-1);
    forEachSlot(block, [&](Value token, Value slot, Value expert, Value has) {
      auto branch =
          scf::IfOp::create(b, b.getI32Type(), has, /*withElse=*/true);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        scf::YieldOp::create(b, placeSlot(block, token, slot, expert));
        b.setInsertionPointToStart(branch.elseBlock());
        scf::YieldOp::create(b, none);
      }
      store(branch.getResult(0), slotRow, {token, slot});
    });
    // This block's share of the rows that no slot has.
    Value used = asIndex(load(offsets, b.index(experts)));
    Value first = b.mul(arith::MulIOp::create(b, block, perBlock), slots);
    Value last =
        b.min(b.add(first, b.mul(perBlock, slots)), b.mul(tokens, slots));
    b.loop(b.max(first, used), last, 1,
           [&](Value row) { store(none, rowSlot, row); });
  }

  /// The row of a slot of an expert with rows; -1 if the expert is full.
  Value placeSlot(Value block, Value token, Value slot, Value expert) {
    Value e = asIndex(expert);
    Value number = load(counts, {block, e});
    store(add32(number, constant(1)), counts, {block, e});
    Value row = add32(load(op.getInits()[2], e), number);
    auto write = [&] {
      Value flat = asI32(b.add(b.mul(token, slots), slot));
      store(flat, op.getInits()[0], asIndex(row));
    };
    if (!capacity) {
      write();
      return row;
    }
    Value room =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, capacity);
    b.ifThen(room, write);
    return arith::SelectOp::create(b, room, row, constant(-1));
  }

  KernelBuilder &b;
  moek::GroupOp op;
  int64_t slots, experts;
  Value counts; // [blocks + 1, width]
  int64_t width, lanes;
  Value tokens, perBlock, total, capacity;
};

} // namespace

void moe::emitGroup(KernelBuilder &b, moek::GroupOp op, int64_t lanes) {
  GroupEmitter(b, op, lanes).emit();
}
