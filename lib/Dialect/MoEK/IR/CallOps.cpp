//===- CallOps.cpp - effects and bufferization of runtime calls -----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StatusResource.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moek;

/// It may fail; on memrefs it reads its inputs and writes the members.
void AssignOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), StatusResource::get());
  if (!isa<MemRefType>(getMember().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getScoresMutable());
  effects.emplace_back(MemoryEffects::Read::get(), &getCapacityMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getMemberMutable());
}

bool AssignOp::bufferizesToMemoryRead(OpOperand &operand,
                                      const bufferization::AnalysisState &) {
  return !isDpsInit(&operand);
}

bool AssignOp::bufferizesToMemoryWrite(OpOperand &operand,
                                       const bufferization::AnalysisState &) {
  return isDpsInit(&operand);
}

/// `buffer`, or a copy of it if its elements do not lie one behind the other.
static FailureOr<Value>
makeContiguous(RewriterBase &rewriter, Location loc, Value buffer,
               const bufferization::BufferizationOptions &options) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.areTrailingDimsContiguous(type.getRank()))
    return buffer;
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(rewriter, loc, buffer, dim));
  FailureOr<Value> copy = options.createAlloc(
      rewriter, loc, MemRefType::get(type.getShape(), type.getElementType()),
      sizes);
  if (failed(copy) ||
      failed(options.createMemCpy(rewriter, loc, buffer, *copy)))
    return failure();
  return copy;
}

LogicalResult
AssignOp::bufferize(RewriterBase &rewriter,
                    const bufferization::BufferizationOptions &options,
                    bufferization::BufferizationState &state) {
  SmallVector<Value> buffers;
  for (Value operand : getOperands()) {
    FailureOr<Value> buffer =
        bufferization::getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    // The runtime takes plain pointers. A vector of a row-major tensor is
    // always contiguous, so that nothing has to be copied back.
    buffer = makeContiguous(rewriter, getLoc(), *buffer, options);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  AssignOp::create(rewriter, getLoc(), TypeRange(), buffers[0], buffers[1],
                   buffers[2], getExact());
  bufferization::replaceOpWithBufferizedValues(rewriter, *this, buffers[2]);
  return success();
}
