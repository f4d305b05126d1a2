//===- GemmEmitter.h - moek.gemm as one parallel phase ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H

#include "KernelBuilder.h"
#include "MicroKernel.h"
#include "PackBlock.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

namespace moe {

/// What a target lays down for its kernels.
struct CpuKernelOptions {
  int64_t lanes, rowsPerTile;
  int64_t panel, block, chunk; ///< for weights without a layout
  bool dot;
  int64_t prefetch;
};

/// Emits one gemm on memrefs.
class GemmEmitter {
public:
  GemmEmitter(KernelBuilder &b, moek::GemmOp op,
              const CpuKernelOptions &options);
  void emit();

private:
  /// Rows [first, last) of `group`.
  struct RowRange {
    mlir::Value group, first, last;
  };

  // The phase.
  void emitOwnedColumns();
  void emitBlocks();
  RowRange groupRows(mlir::Value group);
  RowRange findBlock(mlir::Value number);
  mlir::Value countBlocks();

  // A task.
  void emitTask(const RowRange &rows, mlir::Value chunk);
  void allocateBuffers();
  void clearSums(mlir::Value rows);
  void copyRows(mlir::Value first, mlir::Value rows, mlir::Value kBlock);
  void multiplyPanel(mlir::Value group, mlir::Value chunk, mlir::Value panels,
                     mlir::Value panel, mlir::Value kBlock, mlir::Value rows);
  mlir::Value sourceRow(mlir::Value row);

  // The epilogue.
  void emitEpilogue(mlir::Value group, mlir::Value first, mlir::Value rows,
                    mlir::Value chunk, mlir::Value panels);
  mlir::Value targetRow(mlir::Value row);
  void emitVector(mlir::Value group, mlir::Value row, mlir::Value target,
                  mlir::Value bufferRow, mlir::Value panel, mlir::Value column,
                  int64_t shift, bool masked);
  mlir::Value loadVector(mlir::Value memref, mlir::ValueRange at,
                         mlir::Value mask);

  KernelBuilder &b;
  moek::GemmOp op;
  Tile tile;
  int64_t k, n, accumulators, kBlocks, panels, chunkPanels, chunks, columns;
  mlir::Type leftType;            ///< element of the copied rows
  mlir::Value left, sums, packed; ///< buffers of a task
  PlainWeights plain;
};

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H
