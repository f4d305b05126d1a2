//===- KernelBufferization.cpp - kernels on tensors become ones on memrefs ===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace moek;

/// True if `op` reads `operand`'s memory. Only a gemm may add to what its
/// destination holds, or write rows of it alone; the others write all of it.
static bool readsMemory(Operation *op, OpOperand &operand) {
  return isa<GemmOp>(op) ||
         !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
}

/// Gives a gemm a scratch if it has use for one: places of buffers are planned
/// before its loops are emitted.
static LogicalResult addScratch(GemmOp gemm, OpBuilder &b,
                                const BufferizationOptions &options) {
  int64_t columns = gemm.getScratchColumns();
  if (!columns)
    return success();
  auto rows = cast<MemRefType>(
      (gemm.getRows() ? gemm.getRows() : gemm.getA()).getType());
  int64_t most = GemmOp::kScratchRows;
  if (!rows.isDynamicDim(0))
    most = std::min(most, rows.getDimSize(0));
  b.setInsertionPoint(gemm);
  FailureOr<Value> scratch = options.createAlloc(
      b, gemm.getLoc(), MemRefType::get({most, columns}, b.getF32Type()),
      ValueRange());
  if (succeeded(scratch))
    gemm.getScratchMutable().assign(*scratch);
  return scratch;
}

namespace {
/// The destinations are written in place; every other tensor is read.
template <typename Op>
struct KernelModel
    : DstBufferizableOpInterfaceExternalModel<KernelModel<Op>, Op> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return readsMemory(op, operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      newState.addRegion()->takeBody(region);
    auto lowered = cast<DestinationStyleOpInterface>(rewriter.create(newState));
    if (auto gemm = dyn_cast<GemmOp>(*lowered))
      if (failed(addScratch(gemm, rewriter, options)))
        return failure();
    replaceOpWithBufferizedValues(rewriter, op,
                                  SmallVector<Value>(lowered.getDpsInits()));
    return success();
  }
};

/// On memrefs a group has a scratch, too.
struct GroupModel
    : DstBufferizableOpInterfaceExternalModel<GroupModel, GroupOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return readsMemory(op, operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto group = cast<GroupOp>(op);
    FailureOr<Value> indices =
        getBuffer(rewriter, group.getIndices(), options, state);
    if (failed(indices))
      return failure();
    SmallVector<Value> inits;
    for (Value init : group.getInits()) {
      FailureOr<Value> buffer = getBuffer(rewriter, init, options, state);
      if (failed(buffer))
        return failure();
      inits.push_back(*buffer);
    }
    FailureOr<Value> scratch = options.createAlloc(
        rewriter, op->getLoc(), group.getScratchType(), ValueRange());
    if (failed(scratch))
      return failure();
    GroupOp::create(rewriter, op->getLoc(), TypeRange(), *indices,
                    group.getCapacity(), *scratch, inits);
    replaceOpWithBufferizedValues(rewriter, op, inits);
    return success();
  }
};
} // namespace

void moek::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MoEKDialect *) {
    GemmOp::attachInterface<KernelModel<GemmOp>>(*context);
    PackOp::attachInterface<KernelModel<PackOp>>(*context);
    RouteOp::attachInterface<KernelModel<RouteOp>>(*context);
    TopKOp::attachInterface<KernelModel<TopKOp>>(*context);
    GroupOp::attachInterface<GroupModel>(*context);
  });
}
