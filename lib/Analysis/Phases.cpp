//===- Phases.cpp - what a call does, phase by phase ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Analysis/Passes.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace moe {
#define GEN_PASS_DEF_MOEREPORTPHASES
#include "moe/Analysis/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// "?x64xbf16".
std::string describeShape(Value value) {
  auto type = cast<ShapedType>(value.getType());
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : type.getShape())
    ShapedType::isDynamic(size) ? os << "?x" : os << size << 'x';
  os << type.getElementType();
  return text;
}

/// What an epilogue reads besides the sums, by the loops of its map.
std::string describeExtra(AffineMap map) {
  auto has = [&](unsigned dim) { return map.isFunctionOfDim(dim); };
  if (map.getNumResults() == 0)
    return "a number";
  std::string text;
  for (auto [dim, name] : {std::pair(0, "group"), {1, "row"}, {2, "column"}})
    if (has(dim))
      text += (text.empty() ? "one by " : " and ") + std::string(name);
  return text;
}

std::string describeGemm(moek::GemmOp gemm) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "gemm: " << describeShape(gemm.getA()) << " by "
     << describeShape(gemm.getWeights()[0]);
  if (auto layout = gemm.getLayout())
    os << " packed to K " << gemm.getK() << ", N " << gemm.getN();
  else if (gemm.getTransposed())
    os << " transposed";
  if (gemm.getOffsets())
    os << ", " << gemm.getNumGroups() << " groups";
  if (gemm.getNumAccumulators() > 1)
    os << ", " << gemm.getNumAccumulators() << " products merged";
  os << " to " << describeShape(gemm.getInit());
  if (gemm.getRows())
    os << "; gathers its rows";
  SmallVector<StringRef> ops;
  for (Operation &op : gemm.getBody()->without_terminator())
    if (!isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp>(op))
      ops.push_back(op.getName().stripDialect());
  if (!ops.empty())
    os << "; epilogue " << llvm::join(ops, " ");
  for (size_t i = 0; i < gemm.getExtras().size(); ++i)
    os << (i ? ", " : "; reads ")
       << describeExtra(
              cast<AffineMapAttr>((*gemm.getExtraMaps())[i]).getValue());
  if (gemm.getOutRows())
    os << "; combines rows of a token";
  else if (gemm.accumulates())
    os << "; adds to its destination";
  return text;
}

std::string describeLinalg(linalg::LinalgOp op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName() << ": ";
  if (op.getNumReductionLoops())
    os << "reduction";
  else
    os << "element by element";
  os << ", to ";
  llvm::interleaveComma(op.getDpsInits(), os,
                        [&](Value value) { os << describeShape(value); });
  return text;
}

/// What the ops of linalg in `forall` do, one after the other.
std::string describeTasks(scf::ForallOp forall) {
  std::string text;
  llvm::raw_string_ostream os(text);
  forall.getBody()->walk([&](linalg::LinalgOp op) {
    os << (text.empty() ? "in tasks, " : "; then ") << op->getName()
       << (op.getNumReductionLoops() ? " (reduction) to " : " to ");
    llvm::interleaveComma(op.getDpsInits(), os,
                          [&](Value value) { os << describeShape(value); });
  });
  return text;
}

/// What phase `op` is; empty if it is none.
std::string describePhase(Operation *op) {
  if (auto forall = dyn_cast<scf::ForallOp>(op))
    return describeTasks(forall);
  if (auto gemm = dyn_cast<moek::GemmOp>(op))
    return describeGemm(gemm);
  if (auto pack = dyn_cast<moek::PackOp>(op)) {
    auto type = cast<MemRefType>(pack.getInit().getType());
    int64_t bytes = type.getNumElements() * (type.getElementTypeBitWidth() / 8);
    return "pack: " + std::to_string(pack.getWeights().size()) +
           " weights of " + describeShape(pack.getWeights()[0]) + ", " +
           std::to_string(bytes) + " bytes";
  }
  if (auto route = dyn_cast<moek::RouteOp>(op))
    return "route: " + std::to_string(route.getNumSlots()) + " of " +
           std::to_string(route.getNumExperts()) + " experts";
  if (auto topK = dyn_cast<moek::TopKOp>(op))
    return "top_k: " + std::to_string(topK.getNumSlots()) + " of " +
           describeShape(topK.getKeys());
  if (auto group = dyn_cast<moek::GroupOp>(op))
    return "group: " + std::to_string(group.getNumSlots()) + " slots of " +
           std::to_string(group.getNumExperts()) + " experts";
  if (isa<moek::AssignOp>(op))
    return "assign: a function of the runtime";
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return "copy: " + describeShape(copy.getTarget());
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return describeLinalg(structured);
  return "";
}

struct ReportPhasesPass : moe::impl::MoEReportPhasesBase<ReportPhasesPass> {
  void runOnOperation() override {
    if (!getContext().getRemarkEngine())
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        std::string text = describePhase(op);
        if (text.empty())
          return WalkResult::advance();
        for (auto loop = op->getParentOfType<LoopLikeOpInterface>(); loop;
             loop = loop->getParentOfType<LoopLikeOpInterface>())
          text = "in a loop, " + text;
        remark::analysis(
            op->getLoc(),
            remark::RemarkOpts::name("phase").category("phases").function(
                function.getName()))
            << text;
        return isa<scf::ForallOp>(op) ? WalkResult::skip()
                                      : WalkResult::advance();
      });
  }
};

} // namespace
