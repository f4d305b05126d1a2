//===- KernelOps.cpp - verifiers, shapes and effects of the kernels -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moek;

//===----------------------------------------------------------------------===//
// layout
//===----------------------------------------------------------------------===//

LogicalResult
LayoutAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   int64_t panel, int64_t block, int64_t chunk, int64_t pair) {
  if (panel < 1 || block < 1 || chunk < 1)
    return emitError() << "panel, block and chunk must be at least 1";
  if (pair != 1 && pair != 2)
    return emitError() << "pair must be 1 or 2, got " << pair;
  if (block % pair != 0)
    return emitError() << "block " << block << " is not a multiple of pair "
                       << pair;
  return success();
}

KBlocks moek::splitK(LayoutAttr layout, int64_t k) {
  int64_t count = llvm::divideCeil(k, layout.getBlock());
  int64_t size = llvm::alignTo(llvm::divideCeil(k, count), layout.getPair());
  return {count, size};
}

int64_t moek::panelsOfTask(GemmOp gemm, int64_t panel, int64_t chunk) {
  // Enough to keep threads busy that are not equally fast.
  constexpr int64_t kChunks = 8;
  if (!gemm.getOutRows())
    return chunk;
  int64_t panels =
      llvm::divideCeil(gemm.getN() * gemm.getNumAccumulators(), panel);
  return std::clamp<int64_t>(panels / kChunks, 1, chunk);
}

int64_t moek::packedElements(LayoutAttr layout, int64_t k, int64_t n,
                             int64_t acc) {
  KBlocks blocks = splitK(layout, k);
  int64_t panels = llvm::divideCeil(n * acc, layout.getPanel());
  return blocks.count * blocks.size * panels * layout.getPanel();
}

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

/// A result for a tensor destination, none for a memref; its type.
static LogicalResult verifyResult(Operation *op, Value init) {
  bool tensor = isa<RankedTensorType>(init.getType());
  if (op->getNumResults() != (tensor ? 1u : 0u))
    return op->emitOpError("has ")
           << op->getNumResults() << " results for the destination "
           << init.getType();
  if (tensor && op->getResult(0).getType() != init.getType())
    return op->emitOpError("result: expected ")
           << init.getType() << ", got " << op->getResult(0).getType();
  return success();
}

/// One unpacked weight is [E,K,N] or, of a single group, [K,N].
static LogicalResult verifyPlainWeight(Operation *op, ShapedType type,
                                       int64_t groups, int64_t k, int64_t n,
                                       bool transposed) {
  SmallVector<int64_t> expected{transposed ? n : k, transposed ? k : n};
  if (type.getRank() == 3 || groups != 1)
    expected.insert(expected.begin(), groups);
  if (!llvm::equal(type.getShape(), expected))
    return op->emitOpError("weights: ")
           << type << " does not hold " << groups << " matrices of " << k
           << " x " << n << (transposed ? ", transposed" : "");
  return success();
}

/// Columns of one accumulator in a panel must be whole.
static LogicalResult verifyLayout(Operation *op, LayoutAttr layout,
                                  int64_t acc) {
  if (layout.getPanel() % acc != 0)
    return op->emitOpError("layout: a panel of ")
           << layout.getPanel() << " columns cannot hold " << acc
           << " accumulators";
  return success();
}

//===----------------------------------------------------------------------===//
// gemm
//===----------------------------------------------------------------------===//

LogicalResult GemmOp::verify() {
  if (shaped(getA()).getRank() != 2 || shaped(getInit()).getRank() != 2)
    return emitOpError("expected the rows and the destination to have rank 2");
  int64_t k = getK(), n = getN(), acc = getNumAccumulators();
  if (ShapedType::isDynamic(k) || ShapedType::isDynamic(n) || k < 1 || n < 1)
    return emitOpError("expected static widths of at least 1, got ")
           << shaped(getA()) << " and " << shaped(getInit());
  if (acc < 1)
    return emitOpError("epilogue: expected accumulators, ")
           << getExtras().size() << " extras and the old element, got "
           << getBody()->getNumArguments() << " arguments";
  SmallVector<Value> matrices{getA(), getInit()};
  llvm::append_range(matrices, getWeights());
  for (Value value : matrices)
    if (!isa<Float32Type, BFloat16Type, Float16Type>(
            shaped(value).getElementType()))
      return emitOpError("expected elements of f32, bf16 or f16, got ")
             << value.getType();
  for (BlockArgument sum : getBody()->getArguments().take_front(acc))
    if (!sum.getType().isF32())
      return emitOpError("epilogue: expected accumulators of f32, got ")
             << sum.getType();
  if (getOffsets() && shaped(getOffsets()).getDimSize(0) < 2)
    return emitOpError("offsets: expected a static number of at least 2, got ")
           << getOffsets().getType();
  if (static_cast<int64_t>(getSlots()) < 1 ||
      static_cast<int64_t>(getOutSlots()) < 1)
    return emitOpError("expected at least 1 slot a row");
  if (LayoutAttr layout = getLayoutAttr()) {
    if (getWeights().size() != 1 || getTransposed())
      return emitOpError("a layout describes one packed operand");
    if (failed(verifyLayout(*this, layout, acc)))
      return failure();
    SmallVector<int64_t> expected{getNumGroups(),
                                  packedElements(layout, k, n, acc)};
    if (!llvm::equal(shaped(getWeights()[0]).getShape(), expected))
      return emitOpError("weights: expected ")
             << expected[0] << " x " << expected[1] << " packed elements, got "
             << shaped(getWeights()[0]);
  } else {
    if (static_cast<int64_t>(getWeights().size()) != acc)
      return emitOpError("has ") << getWeights().size() << " weights for "
                                 << acc << " accumulators";
    for (Value weight : getWeights())
      if (failed(verifyPlainWeight(*this, shaped(weight), getNumGroups(), k, n,
                                   getTransposed())))
        return failure();
  }
  size_t maps = getExtraMaps() ? getExtraMaps()->size() : 0;
  if (maps != getExtras().size())
    return emitOpError("has ")
           << getExtras().size() << " extras and " << maps << " maps";
  for (auto [i, extra] : llvm::enumerate(getExtras())) {
    AffineMap map = cast<AffineMapAttr>((*getExtraMaps())[i]).getValue();
    if (map.getNumDims() != 3 || !map.isProjectedPermutation() ||
        map.getNumResults() != shaped(extra).getRank())
      return emitOpError("extra ")
             << i << ": expected a projection of (g, s, n) to "
             << shaped(extra).getRank() << " dimensions, got "
             << AffineMapAttr::get(map);
    if (map.isFunctionOfDim(2) &&
        map.getResults().back() != getAffineDimExpr(2, getContext()))
      return emitOpError("extra ")
             << i << ": expected n as the last dimension, got "
             << AffineMapAttr::get(map);
    if (getBody()->getArgument(acc + i).getType() !=
        shaped(extra).getElementType())
      return emitOpError("extra ")
             << i << ": the epilogue takes "
             << getBody()->getArgument(acc + i).getType()
             << ", the operand holds " << shaped(extra).getElementType();
  }
  if (getScratch()) {
    if (!isa<MemRefType>(getInit().getType()) || !getScratchColumns())
      return emitOpError(
          "scratch: only rows of memrefs that are added up, times "
          "one weight [.., K, N], have one");
    if (shaped(getScratch()).getDimSize(1) != getScratchColumns())
      return emitOpError("scratch: expected ")
             << getScratchColumns() << " columns, got "
             << getScratch().getType();
  }
  Type element = shaped(getInit()).getElementType();
  auto yield = cast<YieldOp>(getBody()->getTerminator());
  if (getBody()->getArguments().back().getType() != element ||
      yield.getNumOperands() != 1 || yield.getOperand(0).getType() != element)
    return emitOpError("epilogue: expected to take and yield one ") << element;
  return verifyResult(*this, getInit());
}

int64_t GemmOp::getScratchColumns() {
  // Packed weights are one stream whatever the tasks are, and so are columns of
  // [N,K].
  bool useful = getOutRows() && !getLayout() && !getTransposed() &&
                getNumAccumulators() == 1;
  return useful ? llvm::alignTo(getN(), 64) : 0;
}

LogicalResult GemmOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  if (getNumResults())
    shapes = {tensor::getMixedSizes(builder, getLoc(), getInit())};
  return success();
}

/// A kernel on memrefs reads its inputs and writes its destination.
static void
addKernelEffects(Operation *op, OpOperand &init, bool readsInit,
                 SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()) && &operand != &init)
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  if (!isa<MemRefType>(init.get().getType()))
    return;
  if (readsInit)
    effects.emplace_back(MemoryEffects::Read::get(), &init);
  effects.emplace_back(MemoryEffects::Write::get(), &init);
}

void GemmOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addKernelEffects(*this, getInitMutable(), /*readsInit=*/true, effects);
  if (getScratch())
    effects.emplace_back(MemoryEffects::Write::get(), &getScratchMutable()[0]);
}

//===----------------------------------------------------------------------===//
// pack
//===----------------------------------------------------------------------===//

LogicalResult PackOp::verify() {
  if (getWeights().empty())
    return emitOpError("expected at least one weight");
  ShapedType first = shaped(getWeights()[0]);
  int64_t rank = first.getRank(), acc = getWeights().size();
  if (rank != 2 && rank != 3)
    return emitOpError("weights: expected rank 2 or 3, got ") << first;
  for (Value weight : getWeights())
    if (shaped(weight).getShape() != first.getShape() ||
        shaped(weight).getElementType() != first.getElementType())
      return emitOpError("weights: expected all to be ")
             << first << ", got " << shaped(weight);
  if (failed(verifyLayout(*this, getLayout(), acc)))
    return failure();
  int64_t k = first.getDimSize(rank - 2), n = first.getDimSize(rank - 1);
  if (getTransposed())
    std::swap(k, n);
  SmallVector<int64_t> expected{rank == 3 ? first.getDimSize(0) : 1,
                                packedElements(getLayout(), k, n, acc)};
  if (!llvm::equal(shaped(getInit()).getShape(), expected))
    return emitOpError("destination: expected ")
           << expected[0] << " x " << expected[1] << " elements, got "
           << shaped(getInit());
  return verifyResult(*this, getInit());
}

LogicalResult PackOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  if (getNumResults())
    shapes = {tensor::getMixedSizes(builder, getLoc(), getInit())};
  return success();
}

void PackOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addKernelEffects(*this, getInitMutable(), /*readsInit=*/false, effects);
}
