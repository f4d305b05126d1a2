//===- FuseRows.cpp - row-local ops one after the other in one phase ------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "LinalgPlan.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Analysis/AliasAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOEFUSEROWS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

static constexpr llvm::StringLiteral kCategory = "moe-fuse-rows";

namespace {

/// A buffer that an op reads or writes, and the dimension of it that the op's
/// loop over rows runs along, if it does.
struct Access {
  Value buffer;
  std::optional<unsigned> rows;
  bool writes;
};

/// An op that can be cut into tasks of rows: it, or what is the same as `copy`.
struct RowOp {
  linalg::LinalgOp linalg;
  memref::CopyOp copy;
};

/// Says which buffers may be the same memory.
class Overlaps {
public:
  explicit Overlaps(AliasAnalysis &analysis) : analysis(analysis) {}

  bool operator()(Value a, Value b) {
    Value first = stripViews(a), second = stripViews(b);
    // Arguments of an entry do not overlap: a call checks that.
    if (first != second && isArgument(first) && isArgument(second))
      return false;
    return !analysis.alias(a, b).isNo();
  }

private:
  static Value stripViews(Value value) {
    while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
      value = view.getViewSource();
    return value;
  }

  static bool isArgument(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument &&
           isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  }

  AliasAnalysis &analysis;
};

/// Ops of a block that can run one after the other on the same rows.
class Chain {
public:
  explicit Chain(Overlaps overlaps) : overlaps(overlaps) {}

  bool isEmpty() const { return links.empty(); }
  /// Starts with `op`.
  void start(RowOp op) { add(op, *findRowLoop(op.linalg)); }

  /// Appends `op`; if that cannot be, says why.
  StringRef append(RowOp op) {
    FailureOr<unsigned> loop = findRows(op.linalg);
    if (failed(loop))
      return "its rows are not those of the ops before it, as far as is known";
    for (const Access &access : accessesOf(op.linalg, *loop))
      for (const Access &before : accesses)
        if ((access.writes || before.writes) &&
            overlaps(access.buffer, before.buffer) &&
            !(access.buffer == before.buffer && access.rows &&
              access.rows == before.rows))
          return "a row needs other rows of the ops before it";
    add(op, *loop);
    return "";
  }

  /// Ends the chain: one phase in place of its ops, if they are several.
  /// Returns their number.
  unsigned finish() {
    size_t ops = links.size();
    if (ops > 1)
      emit();
    else if (ops == 1 && links.front().copy)
      links.front().op.erase(); // the copy is better off as it is
    links.clear();
    accesses.clear();
    return ops > 1 ? ops : 0;
  }

private:
  struct Link {
    linalg::LinalgOp op;
    memref::CopyOp copy; ///< that `op` was made of, if it was
    unsigned loop;       ///< over rows
    SmallVector<OpFoldResult> sizes;
  };

  void emit() {
    for (Link &link : links)
      if (link.copy)
        link.copy.erase();
    Operation *first = links.front().op, *last = links.back().op;
    // What lies between them does not depend on what they write.
    DenseSet<Operation *> members;
    for (const Link &link : links)
      members.insert(link.op);
    for (Operation &op : llvm::make_early_inc_range(llvm::make_range(
             std::next(first->getIterator()), last->getIterator())))
      if (!members.contains(&op))
        op.moveBefore(first);
    SmallVector<Location> places = llvm::map_to_vector(
        links, [](const Link &link) { return link.op->getLoc(); });
    KernelBuilder b(FusedLoc::get(first->getContext(), places), first);
    // Rows of a task: the work of all ops on a row counts.
    Value rows, work = b.index(0);
    for (Link &link : links) {
      Value ofRow = b.index(1);
      for (auto [dim, range] :
           llvm::enumerate(link.op.createLoopRanges(b, b.getLoc()))) {
        Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size);
        link.sizes.push_back(getAsOpFoldResult(size));
        if (dim == link.loop)
          rows = rows ? rows : size;
        else
          ofRow = b.createOrFold<arith::MulIOp>(ofRow, size);
      }
      work = b.createOrFold<arith::AddIOp>(work, ofRow);
    }
    Value ofTask = b.ceilDiv(b.index(kTaskElements), b.max(work, b.index(1)));
    // Many rows are whole vectors and cache lines of one number a row.
    ofTask = arith::SelectOp::create(b, b.lessThan(ofTask, b.index(64)), ofTask,
                                     b.mul(b.ceilDiv(ofTask, 16), 16));
    b.parallel(b.ceilDiv(rows, ofTask), [&](Value task) {
      Value begin = b.mul(task, ofTask);
      Value count = b.min(ofTask, b.sub(rows, begin));
      for (Link &link : links)
        emitRows(b, link, begin, count);
    });
    for (Link &link : links)
      link.op.erase();
  }

  void add(RowOp op, unsigned loop) {
    links.push_back({op.linalg, op.copy, loop, {}});
    llvm::append_range(accesses, accessesOf(op.linalg, loop));
  }

  static SmallVector<Access> accessesOf(linalg::LinalgOp op, unsigned loop) {
    SmallVector<Access> result;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      std::optional<unsigned> rows;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [position, expr] : llvm::enumerate(map.getResults()))
        if (expr == getAffineDimExpr(loop, op.getContext()))
          rows = position;
      result.push_back({operand.get(), rows, op.isDpsInit(&operand)});
    }
    // What the body gathers from.
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    for (Value value : captured)
      if (isa<MemRefType>(value.getType()))
        result.push_back({value, std::nullopt, false});
    return result;
  }

  /// The loop of `op` that goes over the rows of the chain: by a buffer that
  /// both use, or by the number of rows.
  FailureOr<unsigned> findRows(linalg::LinalgOp op) {
    for (OpOperand &operand : op->getOpOperands())
      for (const Access &before : accesses)
        if (before.buffer == operand.get() && before.rows) {
          auto dim = dyn_cast<AffineDimExpr>(
              op.getMatchingIndexingMap(&operand).getResult(*before.rows));
          if (!dim || !linalg::isParallelIterator(
                          op.getIteratorTypesArray()[dim.getPosition()]))
            return failure();
          return dim.getPosition();
        }
    unsigned loop = *findRowLoop(op);
    SmallVector<Access> start = accessesOf(links[0].op, links[0].loop);
    for (const Access &access : accessesOf(op, loop))
      for (const Access &first : start)
        if (access.rows && first.rows && haveSameRows(access, first))
          return loop;
    return failure();
  }

  static bool haveSameRows(const Access &a, const Access &b) {
    FailureOr<bool> same = ValueBoundsConstraintSet::areEqual(
        {a.buffer, int64_t(*a.rows)}, {b.buffer, int64_t(*b.rows)});
    return succeeded(same) && *same;
  }

  /// Emits the op of `link` for `count` rows from number `begin` on.
  static void emitRows(KernelBuilder &b, const Link &link, Value begin,
                       Value count) {
    linalg::LinalgOp op = link.op;
    SmallVector<OpFoldResult> tiles(link.sizes.size(), b.getIndexAttr(0)),
        offsets(tiles);
    tiles[link.loop] = count;
    offsets[link.loop] = begin;
    SmallVector<Value> operands = linalg::makeTiledShapes(
        b, op.getLoc(), op, SmallVector<Value>(op->getOperands()),
        OpFoldResult(begin), tiles, link.sizes, /*omitPartialTileCheck=*/true);
    auto tile = cast<linalg::LinalgOp>(
        clone(b, op.getOperation(), TypeRange(), operands));
    linalg::offsetIndices(b, tile, offsets);
  }

  Overlaps overlaps;
  SmallVector<Link> links;
  SmallVector<Access> accesses;
};

/// True for an op that may move in front of others that write memory.
bool isFreeToMove(Operation &op) {
  return isa<memref::AllocOp>(op) || isMemoryEffectFree(&op);
}

struct FuseRowsPass : moe::impl::MoEFuseRowsBase<FuseRowsPass> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      // Within a task no other tasks begin.
      if (isa<scf::ForallOp, linalg::LinalgOp>(op))
        return WalkResult::skip();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          blocks.push_back(&block);
      return WalkResult::advance();
    });
    llvm::for_each(blocks, [&](Block *block) { runOnBlock(*block); });
  }

  void runOnBlock(Block &block) {
    Chain chain{Overlaps(getAnalysis<AliasAnalysis>())};
    auto finish = [&] {
      if (unsigned ops = chain.finish()) {
        ++numPhases;
        numOps += ops;
      }
    };
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isFreeToMove(op))
        continue;
      std::optional<RowOp> rowOp = asRowOp(op);
      if (rowOp && !chain.isEmpty()) {
        StringRef why = chain.append(*rowOp);
        if (why.empty())
          continue;
        remark::missed(
            op.getLoc(),
            remark::RemarkOpts::name("not fused").category(kCategory))
            << why;
      }
      finish();
      if (rowOp)
        chain.start(*rowOp);
    }
    finish();
  }

  /// `op` if it can be cut into tasks of rows, and is large enough for that.
  static std::optional<RowOp> asRowOp(Operation &op) {
    auto linalg = dyn_cast<linalg::LinalgOp>(op);
    auto copy = dyn_cast<memref::CopyOp>(op);
    if (copy) {
      OpBuilder b(copy);
      linalg = linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(),
                                        copy.getTarget());
    }
    if (!linalg || !linalg.hasPureBufferSemantics())
      return std::nullopt;
    if (whyNoTasks(linalg).empty() && findRowLoop(linalg) && !isOneTask(linalg))
      return RowOp{linalg, copy};
    if (copy)
      linalg.erase();
    return std::nullopt;
  }
};

} // namespace
