//===- LinalgEmitter.cpp - linalg on memrefs as tasks and vectors ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "LinalgPlan.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moe;

namespace {

/// Emits the loops of one op as its plan says.
class LinalgEmitter {
public:
  LinalgEmitter(KernelBuilder &b, linalg::LinalgOp op, const LinalgPlan &plan)
      : b(b), op(op), plan(plan), sizes(op.getStaticLoopRanges()),
        position(sizes.size()) {
    for (Range range : op.createLoopRanges(b, b.getLoc()))
      bounds.push_back({b.index(0), getValueOrCreateConstantIndexOp(
                                        b, b.getLoc(), range.size)});
  }

  void emit(bool parallel) {
    std::optional<unsigned> dim = findTaskLoop();
    if (!parallel || !dim || isOneTask(op))
      return emitOuter(0);
    Value perTask = elementsPerTask(*dim), size = bounds[*dim].upper;
    Value count = arith::CeilDivUIOp::create(b, size, perTask);
    b.parallel(count, [&](Value task) {
      Value first = arith::MulIOp::create(b, task, perTask);
      bounds[*dim] = {first, b.min(size, b.add(first, perTask))};
      emitOuter(0);
    });
  }

private:
  struct Bounds {
    Value lower, upper;
  };

  //===-- tasks
  //-------------------------------------------------------------===//

  /// The outermost parallel loop that has more than one iteration.
  std::optional<unsigned> findTaskLoop() {
    SmallVector<unsigned> loops(plan.parallel);
    if (plan.vector && !plan.vectorIsReduced)
      loops.push_back(*plan.vector);
    for (unsigned dim : loops)
      if (sizes[dim] != 1)
        return dim;
    return std::nullopt;
  }

  /// Iterations of loop `dim` that a task takes.
  Value elementsPerTask(unsigned dim) {
    Value work = b.index(1);
    for (unsigned other = 0; other < sizes.size(); ++other)
      if (other != dim)
        work = b.createOrFold<arith::MulIOp>(work, bounds[other].upper);
    work = b.max(work, b.index(1));
    Value count =
        b.createOrFold<arith::CeilDivUIOp>(b.index(kTaskElements), work);
    if (dim != plan.vector)
      return count;
    return b.mul(b.ceilDiv(count, plan.lanes), plan.lanes);
  }

  //===-- loops
  //-------------------------------------------------------------===//

  /// The parallel loops from number `level` on, then what is in them.
  void emitOuter(size_t level) {
    if (level < plan.parallel.size()) {
      unsigned dim = plan.parallel[level];
      b.loop(bounds[dim].lower, bounds[dim].upper, 1, [&](Value i) {
        position[dim] = i;
        emitOuter(level + 1);
      });
      return;
    }
    if (!plan.vector)
      return emitResult(1);
    Bounds all = bounds[*plan.vector];
    Value length = b.sub(all.upper, all.lower);
    Value whole =
        b.add(all.lower, b.mul(b.div(length, plan.lanes), plan.lanes));
    bounds[*plan.vector] = {all.lower, whole};
    Bounds rest = {whole, all.upper};
    if (plan.vectorIsReduced)
      emitReduced(rest);
    else
      emitVectors(rest);
    bounds[*plan.vector] = all;
  }

  /// False if the loop on lanes is known to have no remainder.
  bool hasRest() const {
    int64_t size = sizes[*plan.vector];
    return ShapedType::isDynamic(size) || size % plan.lanes != 0;
  }

  /// Vectors of results, then the rest one by one.
  void emitVectors(Bounds rest) {
    auto run = [&](Bounds range, int64_t lanes) {
      b.loop(range.lower, range.upper, lanes, [&](Value i) {
        position[*plan.vector] = i;
        emitResult(lanes);
      });
    };
    run(bounds[*plan.vector], plan.lanes);
    if (hasRest())
      run(rest, 1);
  }

  /// The results at the current position, `lanes` of them.
  void emitResult(int64_t lanes) {
    SmallVector<Value> old;
    for (OpOperand &init : op.getDpsInitsMutable())
      old.push_back(load(init, lanes));
    SmallVector<Value> results = fold(plan.reduced, old, lanes);
    for (auto [init, result] : llvm::zip(op.getDpsInitsMutable(), results))
      store(init, result);
  }

  /// One result that sums over lanes, then over the rest.
  void emitReduced(Bounds rest) {
    Operation *combiner = getCombiner(op);
    vector::CombiningKind kind = *linalg::getCombinerOpKind(combiner);
    TypedAttr neutral = *arith::getNeutralElement(combiner);
    auto type = VectorType::get(plan.lanes, neutral.getType());
    Value start = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, Attribute(neutral)));
    SmallVector<unsigned> loops(plan.reduced);
    loops.push_back(*plan.vector);
    Value lanes = fold(loops, start, plan.lanes).front();
    OpOperand &init = *op.getDpsInitOperand(0);
    // Pairs of lanes, pairs of pairs, ..: always the same order.
    auto flags =
        kind == vector::CombiningKind::ADD || kind == vector::CombiningKind::MUL
            ? arith::FastMathFlags::reassoc
            : arith::FastMathFlags::none;
    Value sum =
        vector::ReductionOp::create(b, kind, lanes, load(init, 1), flags);
    if (hasRest()) {
      bounds[*plan.vector] = rest;
      sum = fold(loops, sum, 1).front();
    }
    store(init, sum);
  }

  /// state = body(position, state) over these loops.
  SmallVector<Value> fold(ArrayRef<unsigned> loops, ValueRange state,
                          int64_t lanes) {
    if (loops.empty())
      return emitBody(state, lanes);
    unsigned dim = loops.front();
    return b.iterate(bounds[dim].lower, bounds[dim].upper,
                     dim == plan.vector ? lanes : 1, state,
                     [&](Value i, ValueRange inner) {
                       position[dim] = i;
                       return fold(loops.drop_front(), inner, lanes);
                     });
  }

  //===-- elements
  //----------------------------------------------------------===//

  SmallVector<Value> indicesOf(OpOperand &operand) {
    return llvm::map_to_vector(op.getMatchingIndexingMap(&operand).getResults(),
                               [&](AffineExpr expr) -> Value {
                                 if (auto dim = dyn_cast<AffineDimExpr>(expr))
                                   return position[dim.getPosition()];
                                 return b.index(0);
                               });
  }

  Value load(OpOperand &operand, int64_t lanes) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      return operand.get();
    SmallVector<Value> at = indicesOf(operand);
    if (lanes == 1 || !plan.varies(op, operand))
      return memref::LoadOp::create(b, operand.get(), at);
    return vector::LoadOp::create(
        b, VectorType::get(lanes, type.getElementType()), operand.get(), at);
  }

  void store(OpOperand &operand, Value value) {
    SmallVector<Value> at = indicesOf(operand);
    if (isa<VectorType>(value.getType()))
      vector::StoreOp::create(b, value, operand.get(), at);
    else
      memref::StoreOp::create(b, value, operand.get(), at);
  }

  /// The body on `lanes` lanes, its old results replaced by `state`.
  SmallVector<Value> emitBody(ValueRange state, int64_t lanes) {
    Block *body = op.getBlock();
    IRMapping mapping;
    for (auto [operand, argument] :
         llvm::zip(op->getOpOperands(), body->getArguments()))
      if (!op.isDpsInit(&operand) && !argument.use_empty())
        mapping.map(argument, load(operand, lanes));
    mapping.map(op.getRegionOutputArgs(), state);
    cloneBlock(*body, mapping, lanes);
    return llvm::map_to_vector(
        body->getTerminator()->getOperands(), [&](Value value) {
          return lanes == 1 ? mapping.lookupOrDefault(value)
                            : onLanes(value, mapping, lanes);
        });
  }

  /// What `value` became, in each lane.
  Value onLanes(Value value, IRMapping &mapping, int64_t lanes) {
    Value mapped = mapping.lookupOrDefault(value);
    if (isa<VectorType>(mapped.getType()))
      return mapped;
    auto type = VectorType::get(lanes, mapped.getType());
    Value splat = vector::BroadcastOp::create(b, type, mapped);
    auto index = value.getDefiningOp<linalg::IndexOp>();
    if (index && index.getDim() == plan.vector)
      return arith::AddIOp::create(b, splat, vector::StepOp::create(b, type));
    return splat;
  }

  void cloneBlock(Block &block, IRMapping &mapping, int64_t lanes) {
    for (Operation &inner : block.without_terminator())
      cloneOp(inner, mapping, lanes);
  }

  bool varies(Value value, int64_t lanes) const {
    return lanes > 1 && plan.varying.contains(value);
  }

  void cloneOp(Operation &inner, IRMapping &mapping, int64_t lanes) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      return mapping.map(index.getResult(), position[index.getDim()]);
    if (auto branch = dyn_cast<scf::IfOp>(inner))
      return cloneIf(branch, mapping, lanes);
    bool onVectors = llvm::any_of(inner.getResults(), [&](Value result) {
      return varies(result, lanes);
    });
    auto row = dyn_cast<memref::LoadOp>(inner);
    if (row && onVectors) {
      SmallVector<Value> at =
          llvm::map_to_vector(row.getIndices(), [&](Value i) {
            return mapping.lookupOrDefault(i);
          });
      mapping.map(
          row.getResult(),
          vector::LoadOp::create(b, VectorType::get(lanes, row.getType()),
                                 mapping.lookupOrDefault(row.getMemRef()), at)
              .getResult());
      return;
    }
    Operation *clone = b.clone(inner, mapping);
    if (!onVectors)
      return;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(clone);
    for (OpOperand &operand : inner.getOpOperands())
      clone->setOperand(operand.getOperandNumber(),
                        onLanes(operand.get(), mapping, lanes));
    for (Value result : clone->getResults())
      result.setType(VectorType::get(lanes, result.getType()));
  }

  /// A branch that all lanes take, or none.
  void cloneIf(scf::IfOp branch, IRMapping &mapping, int64_t lanes) {
    SmallVector<Type> types =
        llvm::map_to_vector(branch.getResults(), [&](Value result) -> Type {
          if (varies(result, lanes))
            return VectorType::get(lanes, result.getType());
          return result.getType();
        });
    auto clone = scf::IfOp::create(
        b, types, mapping.lookupOrDefault(branch.getCondition()),
        /*addThenBlock=*/true, !branch.getElseRegion().empty());
    for (auto [from, to] :
         llvm::zip(branch->getRegions(), clone->getRegions())) {
      if (from.empty())
        continue;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(&to.front());
      cloneBlock(from.front(), mapping, lanes);
      SmallVector<Value> values;
      for (auto [value, result] :
           llvm::zip(from.front().getTerminator()->getOperands(),
                     branch.getResults()))
        values.push_back(varies(result, lanes)
                             ? onLanes(value, mapping, lanes)
                             : mapping.lookupOrDefault(value));
      scf::YieldOp::create(b, values);
    }
    mapping.map(branch.getResults(), clone.getResults());
  }

  KernelBuilder &b;
  linalg::LinalgOp op;
  const LinalgPlan &plan;
  SmallVector<int64_t> sizes; // of the loops, where they are static
  SmallVector<Bounds> bounds; // of the loops, narrowed to those of a task
  SmallVector<Value> position;
};

} // namespace

void moe::emitLinalg(linalg::LinalgOp op, const LinalgPlan &plan,
                     bool parallel) {
  KernelBuilder b(op.getLoc(), op);
  LinalgEmitter(b, op, plan).emit(parallel);
}
