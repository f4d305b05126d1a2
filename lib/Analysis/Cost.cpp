//===- Cost.cpp - what a layer costs for given dimensions -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Analysis/Cost.h"
#include "OpCosts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/Inliner.h"
#include "mlir/Transforms/InliningUtils.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cmath>

using namespace mlir;
using namespace moe;

/// The distinct ones of `experts` that are hit on average when `selections`
/// times `slots` different ones are selected, independently and evenly.
static double distinctExperts(double experts, double slots, double selections) {
  double missed = std::max(0.0, 1 - slots / experts);
  return experts * (1 - std::pow(missed, selections));
}

/// Bytes of `elements` elements of the tensor `value`.
static double bytesOf(Value value, double elements) {
  Type type = getElementTypeOrSelf(value);
  unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  return elements * bits / 8;
}

namespace {

/// The weights of experts that an op reads, and how.
struct ExpertUse {
  SmallVector<Value> weights;
  double experts, slots, tokens;
};

/// Analyses one function, whose calls were inlined.
class CostAnalysis {
public:
  CostAnalysis(func::FuncOp function, const NamedSizes &named)
      : function(function), sizes(function, named) {}

  FailureOr<FunctionCost> run() {
    function.walk<WalkOrder::PreOrder>([&](LoopOp loop) {
      if (std::optional<int64_t> trips = sizes.iterations(loop))
        cost.loops.push_back({loop.getLoc(), *trips, 0, 0, 0});
      else
        fail(loop, "iterations");
      loops.push_back(loop);
    });
    // What is asked for sizes adds ops, which are not counted.
    SmallVector<Operation *> ops;
    function.getBody().walk([&](Operation *op) {
      bool isInner = isa<linalg::LinalgOp>(op->getParentOp());
      if (!isInner && !isa<LoopOp, YieldOp, func::ReturnOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      addOp(op);
    addArguments();
    for (OpCost &op : cost.ops) {
      cost.flops += op.flops;
      cost.bytes += op.bytes;
    }
    if (failed(result))
      return failure();
    return cost;
  }

private:
  void fail(Operation *op, const Twine &what) {
    if (succeeded(result))
      op->emitError() << "cost: the " << what
                      << " cannot be told from the given dimensions";
    result = failure();
  }

  /// Sizes of `value`, multiplied; 0 and an error if one is not known.
  double elements(Operation *user, Value value) {
    std::optional<SmallVector<int64_t>> shape = sizes.sizes(value);
    if (!shape) {
      fail(user, "sizes of " + Twine(user->getName().getStringRef()));
      return 0;
    }
    double product = 1;
    for (int64_t size : *shape)
      product *= size;
    return product;
  }

  /// True if `value` comes from weights, constants and the iteration alone: it
  /// is computed before the first call.
  bool isPrepared(Value value) {
    auto [known, isNew] = prepared.try_emplace(value, false);
    if (!isNew)
      return known->second;
    bool result = false;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (auto loop = dyn_cast<LoopOp>(parent))
        result = argument == loop.getInductionVar();
      else if (parent == function)
        result = static_cast<bool>(
            function.getArgAttr(argument.getArgNumber(), kWeightAttr));
    } else {
      Operation *op = value.getDefiningOp();
      SetVector<Value> read(op->operand_begin(), op->operand_end());
      getUsedValuesDefinedAbove(op->getRegions(), read);
      result = isMemoryEffectFree(op) &&
               llvm::all_of(read, [&](Value v) { return isPrepared(v); });
    }
    return prepared[value] = result;
  }

  /// Iterations of the loops around `op`.
  int64_t timesOf(Operation *op) {
    int64_t times = 1;
    for (auto [loop, capacity] : llvm::zip(loops, cost.loops))
      if (loop->isProperAncestor(op))
        times *= capacity.iterations;
    return times;
  }

  /// The weights of the experts whose rows `offsets` delimits, of which a token
  /// selects `slots`; all of them if that is not known.
  std::optional<ExpertUse> findExperts(Operation *op) {
    Value rows, offsets;
    SmallVector<Value> weights;
    if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
      rows = product.getRows();
      offsets = product.getOffsets();
      weights = {product.getWeights()};
    } else if (auto ffn = dyn_cast<ExpertFFNOp>(op)) {
      rows = ffn.getRows();
      offsets = ffn.getOffsets();
      for (Value weight : {Value(ffn.getGate()), Value(ffn.getGateBias()),
                           Value(ffn.getUp()), Value(ffn.getUpBias()),
                           Value(ffn.getDown()), Value(ffn.getDownBias())})
        if (weight)
          weights.push_back(weight);
    }
    if (!offsets)
      return std::nullopt;
    double experts =
        cast<RankedTensorType>(offsets.getType()).getDimSize(0) - 1;
    ExpertUse use{weights, experts, experts, 1};
    if (auto group = offsets.getDefiningOp<GroupOp>()) {
      use.slots = std::min<double>(group.getNumSlots(), experts);
      use.tokens = sizes.size(group.getIndices(), 0).value_or(1);
    }
    return use;
  }

  /// The weights of the function that `value` is made of, if it is of nothing
  /// else.
  SetVector<Value> findWeights(Value value) {
    SetVector<Value> weights, open;
    if (isPrepared(value))
      open.insert(value);
    for (unsigned i = 0; i < open.size(); ++i) {
      Operation *op = open[i].getDefiningOp();
      if (op)
        open.insert_range(op->getOperands());
      else if (isa<RankedTensorType>(open[i].getType()))
        weights.insert(open[i]);
    }
    return weights;
  }

  void addOp(Operation *op) {
    bool isOnTensors =
        llvm::any_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
        isa<linalg::LinalgOp>(op);
    if (!isOnTensors || isa<tensor::TensorDialect>(op->getDialect()) ||
        isa<linalg::FillOp>(op) ||
        (op->getNumResults() && isPrepared(op->getResult(0))))
      return;
    std::optional<double> flops = countFlops(op, sizes);
    if (!flops)
      return fail(op, "sizes of " + Twine(op->getName().getStringRef()));
    OpCost row{op->getLoc(), op->getName().getStringRef().str(), timesOf(op)};
    row.flops = *flops * row.times;
    std::optional<ExpertUse> experts = findExperts(op);
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType())) {
        double share = 1;
        if (experts && llvm::is_contained(experts->weights, operand))
          share = distinctExperts(experts->experts, experts->slots,
                                  experts->tokens) /
                  experts->experts;
        row.bytes +=
            bytesOf(operand, elements(op, operand)) * share * row.times;
      }
    for (Value value : op->getResults())
      if (isa<RankedTensorType>(value.getType()))
        row.bytes += bytesOf(value, elements(op, value)) * row.times;
    cost.ops.push_back(row);
    if (experts)
      addExperts(op, *experts);
  }

  /// Enters what an op reads of experts' weights: into its loops, and into the
  /// share of an argument that is used.
  void addExperts(Operation *op, const ExpertUse &use) {
    for (Value weight : use.weights) {
      double perExpert = elements(op, weight) / use.experts;
      for (auto [loop, capacity] : llvm::zip(loops, cost.loops))
        if (loop->isProperAncestor(op)) {
          capacity.expertsOnce += perExpert * use.slots;
          capacity.experts +=
              perExpert *
              distinctExperts(use.experts, use.slots, capacity.iterations);
        }
      for (Value argument : findWeights(weight)) {
        double times = timesOf(op);
        double one = distinctExperts(use.experts, use.slots, times),
               all =
                   distinctExperts(use.experts, use.slots, times * use.tokens);
        auto &share = shares[argument];
        share.first = std::max(share.first, one / use.experts);
        share.second = std::max(share.second, all / use.experts);
      }
    }
  }

  /// Parameters, traffic, and what loops share between their iterations.
  void addArguments() {
    for (BlockArgument argument : function.getArguments()) {
      double count = elements(function, argument);
      bool isWeight = static_cast<bool>(
          function.getArgAttr(argument.getArgNumber(), kWeightAttr));
      auto share = shares.find(argument);
      bool isExpert = share != shares.end();
      cost.traffic +=
          bytesOf(argument, count) * (isExpert ? share->second.second : 1);
      if (!isWeight)
        continue;
      cost.parameters += count;
      if (!argument.use_empty())
        cost.activeParameters += count * (isExpert ? share->second.first : 1);
      for (auto [loop, capacity] : llvm::zip(loops, cost.loops))
        if (!isExpert && isReadIn(loop, argument))
          capacity.shared += count;
    }
    for (Value value :
         function.getBody().front().getTerminator()->getOperands())
      cost.traffic += bytesOf(value, elements(function, value));
  }

  /// True if the body of `loop` reads `value`, or what was made of it alone.
  bool isReadIn(LoopOp loop, Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      if (loop->isProperAncestor(user))
        return true;
      return user->getNumResults() && isPrepared(user->getResult(0)) &&
             llvm::any_of(user->getResults(),
                          [&](Value result) { return isReadIn(loop, result); });
    });
  }

  func::FuncOp function;
  SizeEvaluator sizes;
  FunctionCost cost;
  SmallVector<LoopOp> loops; // in the order of cost.loops
  DenseMap<Value, bool> prepared;
  /// Of the weights of experts: the shares that one token uses and all do.
  DenseMap<Value, std::pair<double, double>> shares;
  LogicalResult result = success();
};

/// Inlines every call in `function`.
LogicalResult inlineCalls(func::FuncOp function) {
  InlinerInterface inliner(function.getContext());
  InlinerConfig config;
  constexpr int kMaxCalls = 10000; // recursion never ends
  for (int i = 0; i < kMaxCalls; ++i) {
    func::CallOp call;
    function.walk([&](func::CallOp found) {
      call = found;
      return WalkResult::interrupt();
    });
    if (!call)
      return success();
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    if (!callee || callee.isExternal() || callee == function ||
        failed(inlineCall(inliner, config.getCloneCallback(), call, callee,
                          &callee.getBody())))
      return call.emitError("cost: this call cannot be inlined");
    call.erase();
  }
  return function.emitError("cost: its calls do not come to an end");
}

} // namespace

FailureOr<FunctionCost> moe::analyzeCost(func::FuncOp function,
                                         const NamedSizes &named) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("cost: it must have a single block");
  OwningOpRef<ModuleOp> scratch =
      cast<ModuleOp>(function->getParentOfType<ModuleOp>()->clone());
  auto copy = scratch->lookupSymbol<func::FuncOp>(function.getName());
  if (failed(inlineCalls(copy)))
    return failure();
  return CostAnalysis(copy, named).run();
}
