//===- TabulateLoop.cpp - weights and iterations, computed beforehand -----===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOETABULATELOOP
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// What a value is computed from, as a set; nothing for a constant.
enum Source : unsigned {
  kConstant = 0,
  kIteration = 1,
  kWeight = 2,
  kOther = 4
};

/// Rewrites one loop.
class LoopTabulator {
public:
  explicit LoopTabulator(LoopOp loop) : loop(loop), b(loop.getLoc(), loop) {}

  /// Moves what depends on weights alone; returns how many ops.
  unsigned hoist() {
    unsigned count = 0;
    IRMapping outside;
    for (Operation &op : llvm::make_early_inc_range(
             loop.getBody().front().without_terminator())) {
      if (op.getNumResults() == 0 || sourcesOf(op.getResult(0)) != kWeight)
        continue;
      b.setInsertionPoint(loop);
      cloneWithOperands(op, outside);
      for (Value result : op.getResults())
        result.replaceAllUsesWith(outside.lookup(result));
      ++count;
    }
    return count;
  }

  /// Replaces what depends on weights and the iteration by tables; returns how
  /// many.
  unsigned tabulate() {
    std::optional<int64_t> count = maxIterations();
    SmallVector<Value> values = findTabulated();
    if (!count || values.empty())
      return 0;
    b.setInsertionPoint(loop);
    ValueRange tables = buildTables(values, *count);
    for (auto [value, table] : llvm::zip_equal(values, tables)) {
      b.setInsertionPointAfterValue(value);
      Value entry = tensor::ExtractSliceOp::create(
          b, cast<RankedTensorType>(value.getType()), table,
          offsetsAt(loop.getInductionVar(), table), sizesOfEntry(table),
          ones(table));
      value.replaceAllUsesWith(entry);
    }
    return values.size();
  }

private:
  /// As many iterations as there can be, if that is known now.
  std::optional<int64_t> maxIterations() {
    if (std::optional<APInt> trips = loop.getStaticTripCount())
      return trips->getSExtValue();
    if (std::optional<uint64_t> max = loop.getMaxTripCount())
      return *max;
    return std::nullopt;
  }

  bool isInBody(Operation *op) {
    return op->getBlock() == &loop.getBody().front();
  }

  /// Values that `op` reads, those of its regions included.
  static SetVector<Value> readValues(Operation &op) {
    SetVector<Value> values(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), values);
    return values;
  }

  unsigned sourcesOf(Value value) {
    auto known = sources.find(value);
    if (known != sources.end())
      return known->second;
    unsigned result = computeSources(value);
    sources[value] = result;
    return result;
  }

  unsigned computeSources(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (value == loop.getInductionVar())
        return kIteration;
      auto function =
          dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
      bool isWeight = function && argument.getOwner()->isEntryBlock() &&
                      function.getArgAttr(argument.getArgNumber(), kWeightAttr);
      return isWeight ? kWeight : kOther;
    }
    Operation *op = value.getDefiningOp();
    if (!isMemoryEffectFree(op))
      return kOther;
    unsigned result = kConstant;
    for (Value operand : readValues(*op))
      result |= sourcesOf(operand);
    return result;
  }

  /// Clones `op` at the builder's position, after what it reads of the body.
  void cloneWithOperands(Operation &op, IRMapping &mapping) {
    if (mapping.contains(op.getResult(0)))
      return;
    for (Value value : readValues(op)) {
      Operation *definition = value.getDefiningOp();
      if (definition && isInBody(definition))
        cloneWithOperands(*definition, mapping);
    }
    b.clone(op, mapping);
  }

  /// True if `value` is more than a view of something from outside of the body.
  bool isComputed(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !isInBody(op))
      return false;
    if (isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp,
            tensor::ExpandShapeOp, tensor::CastOp>(op))
      return isComputed(op->getOperand(0));
    return true;
  }

  /// Tensors from weights and the iteration that the rest of the body reads.
  SmallVector<Value> findTabulated() {
    auto isFromBoth = [&](Value value) {
      return sourcesOf(value) == (kIteration | kWeight);
    };
    SmallVector<Value> values;
    Block &body = loop.getBody().front();
    for (Operation &op : body.without_terminator())
      for (Value value : op.getResults()) {
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (!type || !type.hasStaticShape() || !isFromBoth(value) ||
            !isComputed(value))
          continue;
        bool isRead = llvm::any_of(value.getUsers(), [&](Operation *user) {
          Operation *ancestor = body.findAncestorOpInBlock(*user);
          return ancestor->getNumResults() == 0 ||
                 !isFromBoth(ancestor->getResult(0));
        });
        if (isRead)
          values.push_back(value);
      }
    return values;
  }

  TensorBuilder::Sizes offsetsAt(Value k, Value table) {
    TensorBuilder::Sizes offsets(rankOf(table), b.getIndexAttr(0));
    offsets[0] = k;
    return offsets;
  }
  TensorBuilder::Sizes sizesOfEntry(Value table) {
    TensorBuilder::Sizes sizes = b.sizes(table);
    sizes[0] = b.getIndexAttr(1);
    return sizes;
  }
  TensorBuilder::Sizes ones(Value table) {
    return TensorBuilder::Sizes(rankOf(table), b.getIndexAttr(1));
  }
  static int64_t rankOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getRank();
  }

  /// For each of `values` a table [count, its shape], filled in one loop.
  ValueRange buildTables(ArrayRef<Value> values, int64_t count) {
    SmallVector<Value> init;
    for (Value value : values) {
      TensorBuilder::Sizes sizes = b.sizes(value);
      sizes.insert(sizes.begin(), b.getIndexAttr(count));
      init.push_back(b.empty(sizes, getElementTypeOrSelf(value)));
    }
    auto fill = scf::ForOp::create(
        b, b.indexConstant(0), b.indexConstant(count), b.indexConstant(1), init,
        [&](OpBuilder &inner, Location, Value k, ValueRange tables) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(),
                              inner.getInsertionPoint());
          IRMapping mapping;
          mapping.map(loop.getInductionVar(), k);
          SmallVector<Value> next;
          for (auto [value, table] : llvm::zip_equal(values, tables)) {
            cloneWithOperands(*value.getDefiningOp(), mapping);
            next.push_back(tensor::InsertSliceOp::create(
                b, mapping.lookup(value), table, offsetsAt(k, table),
                sizesOfEntry(table), ones(table)));
          }
          scf::YieldOp::create(b, next);
        });
    return fill.getResults();
  }

  LoopOp loop;
  TensorBuilder b;
  DenseMap<Value, unsigned> sources;
};

struct TabulateLoopPass : moe::impl::MoETabulateLoopBase<TabulateLoopPass> {
  void runOnOperation() override {
    // Inner loops first: what leaves one may leave the loop around it, too.
    getOperation()->walk([&](LoopOp loop) {
      numHoisted += LoopTabulator(loop).hoist();
      numTables += LoopTabulator(loop).tabulate();
    });
  }
};

} // namespace
