//===- FuseEpilogue.cpp - element-wise ops on sums, in the kernel ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace moe;

//===----------------------------------------------------------------------===//
// What can fuse
//===----------------------------------------------------------------------===//

/// The operands that the body of `op` reads: inputs, and the result's old
/// element if it is used.
static SmallVector<OpOperand *> operandsRead(linalg::LinalgOp op) {
  SmallVector<OpOperand *> operands = op.getDpsInputOperands();
  OpOperand *init = op.getDpsInitOperand(0);
  if (op.payloadUsesValueFromOperand(init))
    operands.push_back(init);
  return operands;
}

static moek::GemmOp gemmOf(OpOperand *operand) {
  return operand->get().getDefiningOp<moek::GemmOp>();
}

/// The gemms whose results `op` reads, each once.
static SetVector<moek::GemmOp> gemmsRead(linalg::LinalgOp op) {
  SetVector<moek::GemmOp> gemms;
  for (OpOperand *operand : operandsRead(op))
    if (moek::GemmOp gemm = gemmOf(operand))
      gemms.insert(gemm);
  return gemms;
}

/// Values of `body` that differ with the sums of `gemm`.
static DenseSet<Value> valuesOfSums(linalg::LinalgOp op, moek::GemmOp gemm) {
  DenseSet<Value> values;
  for (OpOperand *operand : operandsRead(op))
    if (gemmOf(operand) == gemm)
      values.insert(op.getMatchingBlockArgument(operand));
  for (Operation &inner : op.getBlock()->without_terminator())
    if (llvm::any_of(inner.getOperands(),
                     [&](Value value) { return values.contains(value); }))
      values.insert_range(inner.getResults());
  return values;
}

/// A kernel does not visit rows that no expert has. An op may: one that selects
/// by something else than the sums can give such a row a meaning.
static bool maySelectRows(linalg::LinalgOp op, moek::GemmOp gemm) {
  DenseSet<Value> values = valuesOfSums(op, gemm);
  auto selects = op.getBlock()->getOps<arith::SelectOp>();
  bool chooses = llvm::any_of(selects, [&](arith::SelectOp select) {
    return !values.contains(select.getCondition());
  });
  return chooses ||
         !values.contains(op.getBlock()->getTerminator()->getOperand(0));
}

/// Why the sums of `gemm` cannot go to `op`, which works element by element.
static StringRef whyNotInto(linalg::LinalgOp op, moek::GemmOp gemm) {
  if (gemm.getLayout())
    return "its weights are packed";
  if (gemm.getOutRows())
    return "sums over the slots of a token are complete after the phase only";
  if (llvm::any_of(gemm->getUsers(), [&](Operation *user) {
        return user != op && !isa<tensor::DimOp>(user);
      }))
    return "the sums have other users";
  for (OpOperand *operand : operandsRead(op))
    if (gemmOf(operand) == gemm &&
        !op.getMatchingIndexingMap(operand).isIdentity())
      return "it reads the sums in another order";
  if (gemm.getOffsets() && maySelectRows(op, gemm))
    return "it may mean something for rows that no expert has";
  return "";
}

/// True if `op` is one whose every element is computed from the same elements
/// of its operands.
static bool isElementwiseOnRows(linalg::LinalgOp op) {
  return op.hasPureTensorSemantics() && op.getNumDpsInits() == 1 &&
         op.getNumLoops() == 2 && op.getNumParallelLoops() == 2;
}

/// Why nothing of `op` can be an epilogue.
static StringRef whyNoEpilogue(linalg::LinalgOp op) {
  if (!op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return "it changes the order of the elements";
  if (!isa<Float32Type, BFloat16Type, Float16Type>(
          getElementTypeOrSelf(op->getResult(0))))
    return "its result is not f32, bf16 or f16";
  Block *body = op.getBlock();
  for (Operation &inner : body->without_terminator()) {
    if (!isa<arith::ConstantOp>(inner) &&
        !OpTrait::hasElementwiseMappableTraits(&inner))
      return "its body has an op that does not work on vectors";
    for (Type type : inner.getResultTypes())
      if (!type.isIntOrIndexOrFloat())
        return "its body has a type that vectors do not hold";
  }
  return "";
}

Obstacle moe::epilogueObstacle(linalg::LinalgOp op) {
  if (!isElementwiseOnRows(op))
    return "";
  SetVector<moek::GemmOp> gemms = gemmsRead(op);
  if (gemms.empty())
    return "";
  if (StringRef why = whyNoEpilogue(op); !why.empty())
    return why;
  for (OpOperand *operand : operandsRead(op))
    if (!gemmOf(operand) && isa<ShapedType>(operand->get().getType()))
      if (StringRef why =
              whyNoExtra(operand->get(), op.getMatchingIndexingMap(operand));
          !why.empty())
        return why;
  StringRef why;
  for (moek::GemmOp gemm : gemms)
    if (why = whyNotInto(op, gemm); why.empty())
      return "";
  return why;
}

//===----------------------------------------------------------------------===//
// Fusing
//===----------------------------------------------------------------------===//

namespace {

/// Builds the gemm that computes `op` too.
class EpilogueBuilder {
public:
  EpilogueBuilder(linalg::LinalgOp op, SmallVector<moek::GemmOp> some,
                  PatternRewriter &rewriter)
      : op(op), gemms(std::move(some)), b(gemms.back().getLoc(), rewriter) {}

  Value build() {
    parts = GemmParts(gemms.front());
    parts.weights.clear();
    parts.extras.clear();
    for (moek::GemmOp gemm : gemms)
      addSource(gemm);
    addOperands();
    Type element = getElementTypeOrSelf(op->getResult(0));
    parts.init = oldIsInit ? op.getDpsInits()[0]
                           : b.empty(b.sizes(gemms.front().getInit()), element);
    moek::GemmOp fused =
        parts.build(b, [&](ValueRange sums, ValueRange extras, Value old) {
          return emitEpilogue(sums, extras, old);
        });
    return b.cast(fused.getResult()[0], op->getResult(0).getType());
  }

private:
  /// Where a gemm's operands are among those of the new one.
  struct Source {
    size_t firstSum, numSums;
    SmallVector<unsigned> extras;
    std::optional<unsigned> old; ///< its destination, if it is added to
  };

  void addSource(moek::GemmOp gemm) {
    GemmParts from(gemm);
    Source source{parts.weights.size(), from.weights.size(), {}, {}};
    llvm::append_range(parts.weights, from.weights);
    for (const Extra &extra : from.extras)
      source.extras.push_back(parts.addExtra(extra));
    if (gemm.accumulates()) {
      AffineMap all = b.getMultiDimIdentityMap(2);
      source.old = parts.addExtra(
          whyNoExtra(from.init, all).empty()
              ? extraOf(b, from.init, all)
              : Extra{from.init, extraMap(b.getContext(), {1, 2})});
    }
    sources.push_back(source);
  }

  /// The operands that are not sums, and what the body takes from outside.
  void addOperands() {
    for (OpOperand *operand : operandsRead(op)) {
      BlockArgument argument = op.getMatchingBlockArgument(operand);
      if (auto gemm = gemmOf(operand); gemm && llvm::is_contained(gemms, gemm))
        continue;
      if (op.isDpsInit(operand))
        oldIsInit = true;
      else if (isa<ShapedType>(operand->get().getType()))
        positions[argument] = parts.addExtra(
            extraOf(b, operand->get(), op.getMatchingIndexingMap(operand)));
      else
        positions[argument] = parts.addExtra(extraOf(b, operand->get()));
    }
    op.getBlock()->walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        if (value.getParentBlock() != op.getBlock() &&
            !value.getDefiningOp<arith::ConstantOp>() &&
            !positions.contains(value))
          positions[value] = parts.addExtra(extraOf(b, value));
    });
  }

  Value emitEpilogue(ValueRange sums, ValueRange extras, Value old) {
    IRMapping mapping;
    SmallVector<Value> results;
    for (auto [gemm, source] : llvm::zip(gemms, sources)) {
      SmallVector<Value> own;
      for (unsigned position : source.extras)
        own.push_back(extras[position]);
      results.push_back(
          inlineEpilogue(b, gemm, sums.slice(source.firstSum, source.numSums),
                         own, source.old ? extras[*source.old] : old));
    }
    for (OpOperand *operand : operandsRead(op)) {
      BlockArgument argument = op.getMatchingBlockArgument(operand);
      auto found = llvm::find(gemms, gemmOf(operand));
      if (found != gemms.end())
        mapping.map(argument, results[found - gemms.begin()]);
      else if (op.isDpsInit(operand))
        mapping.map(argument, old);
    }
    for (auto [value, position] : positions)
      mapping.map(value, extras[position]);
    return cloneBody(mapping);
  }

  /// The body of `op`. What a gemm rounds and the body widens again is taken
  /// before it is rounded.
  Value cloneBody(IRMapping &mapping) {
    for (Operation &inner : op.getBlock()->without_terminator()) {
      for (Value value : inner.getOperands())
        if (auto constant = value.getDefiningOp<arith::ConstantOp>();
            constant && !mapping.contains(value))
          b.clone(*constant, mapping);
      if (auto extension = dyn_cast<arith::ExtFOp>(inner)) {
        auto rounding =
            mapping.lookup(extension.getIn()).getDefiningOp<arith::TruncFOp>();
        if (rounding && rounding.getIn().getType() == extension.getType()) {
          mapping.map(extension.getResult(), rounding.getIn());
          continue;
        }
      }
      b.clone(inner, mapping);
    }
    Value result = op.getBlock()->getTerminator()->getOperand(0);
    if (auto constant = result.getDefiningOp<arith::ConstantOp>();
        constant && !mapping.contains(result))
      b.clone(*constant, mapping);
    return mapping.lookup(result);
  }

  linalg::LinalgOp op;
  SmallVector<moek::GemmOp> gemms;
  TensorBuilder b;
  GemmParts parts;
  SmallVector<Source> sources;
  llvm::MapVector<Value, unsigned> positions; ///< of extras, by what reads them
  bool oldIsInit = false;
};

/// An element-wise op on the results of one gemm, or of two of the same rows,
/// becomes their epilogue.
struct FuseEpilogue : OpInterfaceRewritePattern<linalg::LinalgOp> {
  FuseEpilogue(MLIRContext *context, FuseCounts &counts, bool merge)
      : OpInterfaceRewritePattern(context), counts(counts), merge(merge) {}

  /// The gemms that become one: the first that may, else the last alone.
  SmallVector<moek::GemmOp> choose(linalg::LinalgOp op) const {
    SmallVector<moek::GemmOp> best;
    SetVector<moek::GemmOp> all = gemmsRead(op);
    all.remove_if(
        [&](moek::GemmOp gemm) { return !whyNotInto(op, gemm).empty(); });
    for (moek::GemmOp first : all) {
      SmallVector<moek::GemmOp> some{first};
      size_t sums = first.getWeights().size();
      for (moek::GemmOp gemm : all)
        if (merge && gemm != first &&
            GemmParts(gemm).matches(GemmParts(first)) &&
            sums + gemm.getWeights().size() <= kMaxAccumulators) {
          some.push_back(gemm);
          sums += gemm.getWeights().size();
        }
      if (some.size() > best.size() || best.size() == 1)
        best = some;
    }
    // In the order of the operands.
    llvm::sort(best, [&](moek::GemmOp a, moek::GemmOp b) {
      return llvm::find(all, a) < llvm::find(all, b);
    });
    return best;
  }

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!isElementwiseOnRows(op) || gemmsRead(op).empty() ||
        !epilogueObstacle(op).empty())
      return rewriter.notifyMatchFailure(op, "not on the sums of a gemm");
    // What it reads may be about to become a gemm, to merge with.
    if (llvm::any_of(operandsRead(op), [](OpOperand *operand) {
          auto producer = operand->get().getDefiningOp<linalg::LinalgOp>();
          return producer && isElementwiseOnRows(producer) &&
                 !gemmsRead(producer).empty() &&
                 epilogueObstacle(producer).empty();
        }))
      return rewriter.notifyMatchFailure(op, "not before its operands");
    SmallVector<moek::GemmOp> gemms = choose(op);
    if (gemms.size() > 1)
      remark::passed(gemms.back().getLoc(),
                     remark::RemarkOpts::name("merged").category("moek-fuse"))
          << "two products of the same rows";
    for (moek::GemmOp gemm : gemmsRead(op))
      if (!llvm::is_contained(gemms, gemm) && whyNotInto(op, gemm).empty())
        remark::missed(
            gemm.getLoc(),
            remark::RemarkOpts::name("not merged").category("moek-fuse"))
            << whyNotMerged(gemm, gemms.front());
    remarkFused(op, "element-wise op");
    rewriter.replaceOp(op, EpilogueBuilder(op, gemms, rewriter).build());
    ++counts.epilogues;
    counts.merges += gemms.size() - 1;
    return success();
  }

  StringRef whyNotMerged(moek::GemmOp gemm, moek::GemmOp other) const {
    if (!merge)
      return "merging is switched off";
    GemmParts a(gemm), b(other);
    if (a.a != b.a || a.rows != b.rows || a.offsets != b.offsets)
      return "the products are of different rows";
    if (!a.matches(b))
      return "the weights lie differently";
    return "a kernel has two accumulators at most";
  }

  FuseCounts &counts;
  bool merge;
};

/// A gemm that adds to a tensor of repeated elements, like a bias, reads these
/// instead.
struct FuseInit : OpRewritePattern<moek::GemmOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(moek::GemmOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInit().getDefiningOp<linalg::LinalgOp>();
    if (!producer || !op.accumulates() || op.getOutRows() || op.getLayout() ||
        producer.getNumDpsInputs() != 1)
      return rewriter.notifyMatchFailure(op, "it adds to no broadcast");
    TensorBuilder b(op.getLoc(), rewriter);
    AffineMap identity = b.getMultiDimIdentityMap(2);
    GemmParts parts(op);
    Extra extra;
    if (isa<linalg::FillOp>(producer)) {
      extra = extraOf(b, producer->getOperand(0));
    } else {
      if (!whyNoExtra(op.getInit(), identity).empty())
        return rewriter.notifyMatchFailure(op, "it adds to another order");
      extra = extraOf(b, op.getInit(), identity);
      if (extra.value == op.getInit())
        return rewriter.notifyMatchFailure(op, "it adds to no broadcast");
    }
    parts.init =
        b.empty(b.sizes(op.getInit()), getElementTypeOrSelf(op.getInit()));
    size_t numExtras = parts.extras.size();
    unsigned position = parts.addExtra(extra);
    auto fused = parts.build(b, [&](ValueRange sums, ValueRange extras, Value) {
      return inlineEpilogue(b, op, sums, extras.take_front(numExtras),
                            extras[position]);
    });
    remarkFused(producer, "destination");
    rewriter.replaceOp(op, fused);
    return success();
  }
};

} // namespace

void moe::populateEpiloguePatterns(RewritePatternSet &patterns,
                                   FuseCounts &counts, bool merge) {
  patterns.add<FuseEpilogue>(patterns.getContext(), counts, merge);
  patterns.add<FuseInit>(patterns.getContext());
}
