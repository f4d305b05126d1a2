//===- RouteEmitter.cpp - moek.route as one phase over tokens -------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moe;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

/// One token after the other, in a few short rows that a task keeps to itself.
///
/// Rows of experts are laid out group by group, each filled up to whole vectors
/// with keys of -inf, so that only reading the operands needs masks. Without
/// groups all experts are one.
class RouteEmitter {
public:
  RouteEmitter(KernelBuilder &b, moek::RouteOp op, int64_t maxLanes)
      : b(b), op(op), rows(b, maxLanes,
                           {op.getLogits(), op.getBias(), op.getKeys(),
                            op.getInits()[0], op.getInits()[1]}),
        groups(op.getNumGroups().value_or(1)),
        members(op.getNumExperts() / groups), lanes(rows.lanesFor(members)),
        stride(llvm::alignTo(members, lanes)), slots(op.getNumSlots()),
        slotLanes(rows.lanesFor(slots)),
        slotStride(llvm::alignTo(slots, slotLanes)) {}

  void emit() {
    int64_t vectors = groups * stride / lanes;
    int64_t perToken = vectors * (slots + op.getGroupTop().value_or(0) + 4);
    forEachRow(
        b, op.getLogits(), rowsPerTask(perToken), [&] { allocate(); },
        [&](Value token) {
          emitScores(token);
          emitKeys(token);
          if (op.getNumGroups())
            dropGroups();
          selectSlots();
          emitWeights(token);
        });
  }

private:
  void allocate() {
    Type f32 = b.getF32Type(), i32 = b.getI32Type();
    scores = rows.scratch(groups * stride, f32);
    bool keysDiffer = op.getBias() || op.getKeys() || op.getNumGroups();
    keys = keysDiffer ? rows.scratch(groups * stride, f32) : scores;
    selected = rows.scratch(slotStride, f32);
    indices = rows.scratch(slotStride, i32);
    // Slots behind the last one are never used.
    forEachSlotVector([&](Value at, Value) {
      rows.store(rows.constantI32(-1, slotLanes), indices, at);
      rows.store(rows.constant(0, slotLanes), selected, at);
    });
    if (op.getNumGroups()) {
      rankLanes = rows.lanesFor(groups);
      rankStride = llvm::alignTo(groups, rankLanes);
      ranks = rows.scratch(rankStride, f32);
      kept = rows.scratch(rankStride, i32);
      for (int64_t at = 0; at < rankStride; at += rankLanes)
        rows.store(rows.constant(-kInfinity, rankLanes), ranks, b.index(at));
    }
  }

  //===-- vectors of a row
  //--------------------------------------------------===//

  using Body = llvm::function_ref<Value(Value expert, Value at, Value mask,
                                        Value state)>;

  /// state = body(first expert, its place in a row, mask or null, state) for
  /// each vector of experts.
  Value foldExperts(Value init, Body body) {
    return b.reduce(b.index(groups), init, [&](Value group, Value state) {
      Value firstExpert = b.mul(group, members), start = b.mul(group, stride);
      int64_t whole = members / lanes * lanes;
      state = b.iterate(b.index(0), b.index(whole), lanes, state,
                        [&](Value i, ValueRange inner) -> SmallVector<Value> {
                          return {body(b.add(firstExpert, i), b.add(start, i),
                                       Value(), inner[0])};
                        })[0];
      if (whole == members)
        return state;
      return body(b.add(firstExpert, whole), b.add(start, whole),
                  rows.firstLanes(members - whole, lanes), state);
    });
  }

  void forEachExpertVector(
      llvm::function_ref<void(Value expert, Value at, Value mask)> body) {
    foldExperts(b.index(0),
                [&](Value expert, Value at, Value mask, Value none) {
                  body(expert, at, mask);
                  return none;
                });
  }

  /// body(first slot, mask or null) for each vector of slots.
  void forEachSlotVector(llvm::function_ref<void(Value at, Value mask)> body) {
    for (int64_t at = 0; at < slots; at += slotLanes)
      body(b.index(at), at + slotLanes <= slots
                            ? Value()
                            : rows.firstLanes(slots - at, slotLanes));
  }

  /// `value`, and -inf behind a group's end.
  Value fillUp(Value value, Value mask) {
    if (!mask)
      return value;
    return rows.select(mask, value, rows.constant(-kInfinity, lanes));
  }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }

  //===-- scores and keys
  //---------------------------------------------------===//

  Value loadLogits(Value token, Value expert, Value mask) {
    return fillUp(rows.load(op.getLogits(), {token, expert}, lanes, mask),
                  mask);
  }

  void emitScores(Value token) {
    switch (op.getScore()) {
    case Score::identity:
      return forEachExpertVector([&](Value expert, Value at, Value mask) {
        rows.store(loadLogits(token, expert, mask), scores, at);
      });
    case Score::sigmoid:
      return forEachExpertVector([&](Value expert, Value at, Value mask) {
        Value logits = loadLogits(token, expert, mask);
        Value one = rows.constant(1, lanes);
        Value power = math::ExpOp::create(b, arith::NegFOp::create(b, logits));
        Value score = arith::DivFOp::create(b, one, add(power, one));
        rows.store(fillUp(score, mask), scores, at);
      });
    case Score::softmax:
      return emitSoftmax(token);
    }
    llvm_unreachable("covered switch");
  }

  /// exp(logit - largest) / their sum.
  void emitSoftmax(Value token) {
    Value largest =
        foldExperts(rows.constant(-kInfinity, lanes),
                    [&](Value expert, Value, Value mask, Value state) -> Value {
                      return arith::MaximumFOp::create(
                          b, state, loadLogits(token, expert, mask));
                    });
    largest = rows.splat(vector::ReductionOp::create(
                             b, vector::CombiningKind::MAXIMUMF, largest),
                         lanes);
    Value sum = foldExperts(
        rows.constant(0, lanes),
        [&](Value expert, Value at, Value mask, Value state) -> Value {
          Value power = math::ExpOp::create(
              b, sub(loadLogits(token, expert, mask), largest));
          rows.store(power, scores, at);
          return add(state, power);
        });
    sum = rows.splat(vector::ReductionOp::create(b, vector::CombiningKind::ADD,
                                                 sum,
                                                 arith::FastMathFlags::reassoc),
                     lanes);
    forEachExpertVector([&](Value, Value at, Value mask) {
      Value share = arith::DivFOp::create(b, rows.load(scores, at, lanes), sum);
      rows.store(fillUp(share, mask), scores, at);
    });
  }

  void emitKeys(Value token) {
    if (keys == scores)
      return;
    forEachExpertVector([&](Value expert, Value at, Value mask) {
      Value key;
      if (op.getKeys())
        key = rows.load(op.getKeys(), {token, expert}, lanes, mask);
      else
        key = rows.load(scores, at, lanes);
      if (op.getBias())
        key = add(key, rows.load(op.getBias(), expert, lanes, mask));
      rows.store(fillUp(key, mask), keys, at);
    });
  }

  /// Sets the keys of all but the best groups to -inf.
  void dropGroups() {
    b.loop(groups, [&](Value group) {
      memref::StoreOp::create(b, emitRank(group), ranks, group);
      memref::StoreOp::create(b, rows.constantI32(0), kept, group);
    });
    auto load = [&](Value at) { return rows.load(ranks, at, rankLanes); };
    KeyRow row{rankLanes, b.index(rankStride), load, nullptr};
    Candidate start = beforeAll(rows);
    b.iterate(b.index(0), b.index(*op.getKeptGroups()), 1,
              {start.key, start.index},
              [&](Value, ValueRange last) -> SmallVector<Value> {
                Candidate next = emitNextBest(rows, row, {last[0], last[1]});
                b.ifThen(isUsed(next.index), [&] {
                  memref::StoreOp::create(b, rows.constantI32(1), kept,
                                          asIndex(next.index));
                });
                return {next.key, next.index};
              });
    b.loop(groups, [&](Value group) {
      Value keep = memref::LoadOp::create(b, kept, group);
      Value drop =
          rows.compare(arith::CmpIPredicate::eq, keep, rows.constantI32(0));
      b.ifThen(drop, [&] {
        Value start = b.mul(group, stride);
        b.loop(b.index(0), b.index(stride), lanes, [&](Value i) {
          rows.store(rows.constant(-kInfinity, lanes), keys, b.add(start, i));
        });
      });
    });
  }

  /// Sum of the best keys of a group, -inf for each that is not there.
  Value emitRank(Value group) {
    Value first = b.mul(group, stride);
    auto load = [&](Value at) {
      return rows.load(keys, b.add(first, at), lanes);
    };
    KeyRow row{lanes, b.index(stride), load, nullptr};
    Candidate start = beforeAll(rows);
    return b.iterate(b.index(0), b.index(*op.getGroupTop()), 1,
                     {start.key, start.index, rows.constant(0)},
                     [&](Value, ValueRange state) -> SmallVector<Value> {
                       Candidate next =
                           emitNextBest(rows, row, {state[0], state[1]});
                       Value term = rows.select(isUsed(next.index), next.key,
                                                rows.constant(-kInfinity));
                       return {next.key, next.index, add(state[2], term)};
                     })[2];
  }

  //===-- slots
  //-------------------------------------------------------------===//

  Value isUsed(Value index, int64_t lanes = 0) {
    return rows.compare(arith::CmpIPredicate::sge, index,
                        rows.constantI32(0, lanes));
  }

  Value asIndex(Value i32) {
    return arith::IndexCastOp::create(b, b.getIndexType(), i32);
  }

  /// The expert at a place of a row.
  Value expertAt(Value place) {
    if (stride == members)
      return place;
    Value group = arith::DivUIOp::create(b, place, rows.constantI32(stride));
    Value gap =
        arith::MulIOp::create(b, group, rows.constantI32(stride - members));
    return arith::SubIOp::create(b, place, gap);
  }

  /// Indices and scores of the best keys; -1 and 0 in slots that find none, or
  /// before which the scores sum to top_p.
  void selectSlots() {
    auto load = [&](Value at) { return rows.load(keys, at, lanes); };
    KeyRow row{lanes, b.index(groups * stride), load, nullptr};
    Candidate start = beforeAll(rows);
    Value zero = rows.constant(0), none = rows.constantI32(-1);
    b.iterate(b.index(0), b.index(slots), 1, {start.key, start.index, zero},
              [&](Value slot, ValueRange state) -> SmallVector<Value> {
                Candidate next = emitNextBest(rows, row, {state[0], state[1]});
                Value mass = state[2], used = isUsed(next.index);
                Value place =
                    rows.select(used, next.index, rows.constantI32(0));
                Value score = memref::LoadOp::create(b, scores, asIndex(place));
                score = rows.select(used, score, zero);
                Value before = mass;
                mass = add(mass, score);
                if (op.getTopP()) {
                  Value stays = rows.compare(
                      arith::CmpFPredicate::OLT, before,
                      rows.constant(op.getTopP()->convertToDouble()));
                  used = arith::AndIOp::create(b, used, stays);
                  score = rows.select(stays, score, zero);
                }
                Value expert = rows.select(used, expertAt(place), none);
                memref::StoreOp::create(b, expert, indices, slot);
                memref::StoreOp::create(b, score, selected, slot);
                return {next.key, next.index, mass};
              });
  }

  /// The sum of the selected scores, slot by slot.
  Value sumSlots() {
    Value sum = rows.constant(0);
    forEachSlotVector([&](Value at, Value) {
      sum =
          vector::ReductionOp::create(b, vector::CombiningKind::ADD,
                                      rows.load(selected, at, slotLanes), sum);
    });
    return sum;
  }

  /// exp(score - largest) in place of the score of each slot in use, else 0.
  void emitPowers() {
    Value lowest = rows.constant(-kInfinity, slotLanes);
    auto loadUsed = [&](Value at) {
      Value used = isUsed(rows.load(indices, at, slotLanes), slotLanes);
      Value score = rows.load(selected, at, slotLanes);
      return std::pair(used, rows.select(used, score, lowest));
    };
    Value largest = lowest;
    forEachSlotVector([&](Value at, Value) {
      largest = arith::MaximumFOp::create(b, largest, loadUsed(at).second);
    });
    largest = rows.splat(vector::ReductionOp::create(
                             b, vector::CombiningKind::MAXIMUMF, largest),
                         slotLanes);
    forEachSlotVector([&](Value at, Value) {
      auto [used, score] = loadUsed(at);
      Value power = math::ExpOp::create(b, sub(score, largest));
      rows.store(rows.select(used, power, rows.constant(0, slotLanes)),
                 selected, at);
    });
  }

  void emitWeights(Value token) {
    WeightRule rule = op.getRule();
    if (rule == WeightRule::softmax_selected)
      emitPowers();
    Value divisor;
    if (rule == WeightRule::softmax_selected ||
        rule == WeightRule::normalized) {
      divisor = sumSlots();
      if (op.getEpsilon())
        divisor =
            add(divisor, rows.constant(op.getEpsilon()->convertToDouble()));
      divisor = rows.splat(divisor, slotLanes);
    }
    forEachSlotVector([&](Value at, Value mask) {
      Value index = rows.load(indices, at, slotLanes);
      Value weight = rule == WeightRule::unit
                         ? rows.constant(1, slotLanes)
                         : rows.load(selected, at, slotLanes);
      if (divisor)
        weight = arith::DivFOp::create(b, weight, divisor);
      if (op.getScale())
        weight = arith::MulFOp::create(
            b, weight,
            rows.constant(op.getScale()->convertToDouble(), slotLanes));
      weight = rows.select(isUsed(index, slotLanes), weight,
                           rows.constant(0, slotLanes));
      rows.store(index, op.getInits()[0], {token, at}, mask);
      rows.store(weight, op.getInits()[1], {token, at}, mask);
    });
  }

  KernelBuilder &b;
  moek::RouteOp op;
  RowBuilder rows;
  int64_t groups, members; // groups, and experts of each
  int64_t lanes, stride;   // of a row of experts; places of a group
  int64_t slots, slotLanes, slotStride;
  int64_t rankLanes = 0, rankStride = 0;
  Value scores, keys, selected, indices, ranks, kept; // rows of a task
};

} // namespace

void moe::emitRoute(KernelBuilder &b, moek::RouteOp op, int64_t lanes) {
  RouteEmitter(b, op, lanes).emit();
}
