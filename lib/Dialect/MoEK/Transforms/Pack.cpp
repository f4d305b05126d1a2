//===- Pack.cpp - pack constant weights -----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightSlice.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"
#include "moe/Dialect/MoEK/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace moe {
#define GEN_PASS_DEF_MOEKPACK
#include "moe/Dialect/MoEK/Transforms/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

bool moe::followsFromWeights(Value value, DenseMap<Value, bool> &known) {
  auto [entry, isNew] = known.try_emplace(value, false);
  if (!isNew)
    return entry->second;
  bool result;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function =
        dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
    result =
        function && function.getArgAttr(argument.getArgNumber(), kWeightAttr);
  } else {
    Operation *op = value.getDefiningOp();
    result = isa<FunctionOpInterface>(op->getParentOp()) &&
             isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
             llvm::all_of(op->getOperands(), [&](Value operand) {
               return followsFromWeights(operand, known);
             });
    // linalg ops have regions that use nothing from outside.
    if (op->getNumRegions() && isMemoryEffectFree(op) &&
        isa<DestinationStyleOpInterface>(op))
      result = llvm::all_of(op->getOperands(), [&](Value operand) {
        return followsFromWeights(operand, known);
      });
  }
  return known[value] = result;
}

namespace {
struct PackPass : moe::impl::MoEKPackBase<PackPass> {
  using MoEKPackBase::MoEKPackBase;

  void runOnOperation() override {
    DenseMap<Value, bool> known;
    getOperation()->walk([&](moek::GemmOp gemm) {
      if (gemm.getLayout())
        return;
      if (StringRef why = obstacle(gemm, known); !why.empty()) {
        remark::missed(
            gemm.getLoc(),
            remark::RemarkOpts::name("not packed").category("moek-pack"))
            << why;
        return;
      }
      packWeights(gemm);
    });
  }

  /// Why the weights of `gemm` are not packed; empty if they can be.
  static StringRef obstacle(moek::GemmOp gemm, DenseMap<Value, bool> &known) {
    if (!llvm::all_of(gemm.getWeights(), [&](Value weight) {
          return followsFromWeights(weight, known);
        }))
      return "its weights may change between calls";
    Type element = getElementTypeOrSelf(gemm.getWeights()[0]);
    if (llvm::any_of(gemm.getWeights(), [&](Value weight) {
          return getElementTypeOrSelf(weight) != element;
        }))
      return "its weights have different element types";
    // Such a product runs once, in F.prepare.
    if (followsFromWeights(gemm.getA(), known))
      return "its rows are constant too";
    return "";
  }

  void packWeights(moek::GemmOp gemm) {
    OpBuilder b(gemm);
    Type element = getElementTypeOrSelf(gemm.getWeights()[0]);
    // The pack stands beside the weights, so that it can move with them.
    Operation *outer = gemm;
    while (!isa<FunctionOpInterface>(outer->getParentOp()))
      outer = outer->getParentOp();
    b.setInsertionPoint(outer);
    int64_t acc = gemm.getNumAccumulators();
    int64_t pair = element.isBF16() ? 2 : 1;
    auto layout =
        moek::LayoutAttr::get(&getContext(), panel, block,
                              moek::panelsOfTask(gemm, panel, chunk), pair);
    auto type = RankedTensorType::get(
        {gemm.getNumGroups(),
         moek::packedElements(layout, gemm.getK(), gemm.getN(), acc)},
        element);
    Value init =
        tensor::EmptyOp::create(b, gemm.getLoc(), type.getShape(), element);
    Value packed = moek::PackOp::create(b, gemm.getLoc(), TypeRange{type},
                                        gemm.getWeights(), init, layout,
                                        gemm.getTransposed())
                       .getResult()[0];
    gemm.getWeightsMutable().assign(packed);
    gemm.setLayoutAttr(layout);
    gemm.setTransposed(false);
    remark::passed(gemm.getLoc(),
                   remark::RemarkOpts::name("packed").category("moek-pack"))
        << "its weights, once";
    ++numPacked;
  }
};
} // namespace
