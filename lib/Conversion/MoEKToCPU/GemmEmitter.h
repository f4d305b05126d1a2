//===- GemmEmitter.h - moek.gemm as one parallel phase ----------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H

#include "InPlaceKernel.h"
#include "KernelBuilder.h"
#include "MicroKernel.h"
#include "PackBlock.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

namespace moe {

/// Rows of a group up to which weights without a layout are multiplied where
/// they lie, by their type.
struct InPlaceRows {
  int64_t plain, bf16;
};

/// What a target lays down for its kernels.
struct CpuKernelOptions {
  int64_t lanes, rowsPerTile;
  int64_t panel, block, blockInOut, chunk; ///< for weights without a layout
  bool dot;
  int64_t prefetchL2, prefetchL1; ///< bytes ahead, 0: not
  int64_t unroll, packPanels;
  InPlaceRows inPlaceOutIn, inPlaceInOut; ///< weights [E,out,in], [E,in,out]
};

/// Emits one gemm on memrefs.
class GemmEmitter {
public:
  GemmEmitter(KernelBuilder &b, moek::GemmOp op,
              const CpuKernelOptions &options);
  void emit();

private:
  /// Rows that a task holds in its buffers at a time: with 128 of K and 128
  /// columns, 24 KiB each of rows and of sums, which stay near the core.
  static constexpr int64_t kBufferRows = 48;
  /// Rows of a task: a group with more is cut, so that one task is never long.
  static constexpr int64_t kTaskRows = 8 * kBufferRows;

  /// Rows [first, last) of `group`.
  struct RowRange {
    mlir::Value group, first, last;
    /// Whose weights the task reads next if it has rows, or none.
    mlir::Value nextGroup = {};
  };
  /// How many blocks of rows there are, and the most rows of a group.
  struct Blocks {
    mlir::Value count, largest;
  };
  /// Sums in memory: of panel p of a task, accumulator a, column c at
  /// [row, p * panelStride + a * accStride + c].
  struct Sums {
    mlir::Value memref;
    int64_t panelStride, accStride;
  };

  /// How a task multiplies weights where they lie, and its buffers.
  struct InPlace {
    int64_t rows = 0, panels = 0; ///< at most
    InPlaceShape shape;
    mlir::Value left = {}, sums = {};
  };

  mlir::Type elementOfWeights();

  // The phase.
  void emitOwnedColumns();
  void emitBlocks();
  mlir::Value totalRows();
  mlir::Value threads();
  RowRange groupRows(mlir::Value group);
  RowRange findBlock(mlir::Value number);
  Blocks countBlocks();
  mlir::Value areFew(const Blocks &blocks);
  mlir::Value panelsOfTask(mlir::Value blocks, mlir::Value few);
  mlir::Value emitStreamedRows();
  void
  forBlocks(mlir::Value blocks, mlir::Value width,
            llvm::function_ref<void()> allocate,
            llvm::function_ref<void(const RowRange &range,
                                    mlir::Value firstPanel, mlir::Value count)>
                body);

  // A task.
  mlir::Value allocate(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  void allocateBuffers();
  void emitTask(const RowRange &range, mlir::Value firstPanel,
                mlir::Value count, mlir::Value few = {});
  void emitChunk(const RowRange &range, mlir::Value firstPanel,
                 mlir::Value count);
  void clearSums(mlir::Value rows);
  void copyRows(mlir::Value first, mlir::Value rows, mlir::Value kBlock,
                mlir::Value leftRow);
  mlir::Value sourceRow(mlir::Value row);

  // A block of the panels of a task.
  void multiplyPanels(const RowRange &range, mlir::Value firstPanel,
                      mlir::Value count, mlir::Value kBlock, mlir::Value rows);
  void multiplyPanel(const Tile &tile, mlir::Value rows,
                     MicroKernelOperands operands);
  void lookAhead(MicroKernelOperands &operands, const RowRange &range,
                 mlir::Value start, mlir::Value size);
  void emitTile(const Tile &tile, mlir::Value rows,
                const MicroKernelOperands &operands);
  // The same of weights without a layout.
  int64_t plainWidth();
  void multiplyPlain(const RowRange &range, mlir::Value firstPanel,
                     mlir::Value count, mlir::Value kBlock, mlir::Value rows);
  // All blocks of a task, if it has so few rows.
  static constexpr int64_t kFewRows = 2;
  int64_t fewBlocks();
  void multiplyStreams(const RowRange &range, mlir::Value firstPanel,
                       mlir::Value count, mlir::Value rows);

  // A task of few rows on weights without a layout.
  void planInPlace(const CpuKernelOptions &options);
  void allocateInPlace(bool both);
  void emitInPlace(const InPlace &way, const RowRange &range,
                   mlir::Value firstPanel, mlir::Value count);
  void emitInPlaceSums(const InPlace &way, const RowRange &range,
                       mlir::Value firstPanel, mlir::Value count);
  void copyFewRows(const InPlaceShape &shape, const InPlaceOperands &operands,
                   const MatrixView &source, const RowRange &range);
  void keepSums(const RowRange &range, mlir::Value firstPanel,
                mlir::Value count);
  mlir::Value keptSums(mlir::Value first, mlir::Value rows,
                       mlir::Value firstPanel, mlir::Value count);

  // The epilogue.
  void emitEpilogue(mlir::Value group, mlir::Value first, mlir::Value rows,
                    mlir::Value firstPanel, mlir::Value count,
                    const Sums &sums);
  mlir::Value targetRow(mlir::Value row);
  void emitVector(mlir::Value group, mlir::Value row, mlir::Value target,
                  mlir::Value bufferRow, mlir::Value panel, mlir::Value column,
                  int64_t shift, bool masked, const Sums &sums);
  mlir::Value loadVector(mlir::Value memref, mlir::ValueRange at,
                         mlir::Value mask);

  KernelBuilder &b;
  moek::GemmOp op;
  Tile tile;
  int64_t k, n, accumulators, kBlocks, panels, chunkPanels, chunks, columns;
  mlir::Type leftType;            ///< element of the copied rows
  mlir::Value left, sums, packed; ///< buffers of a task
  PlainWeights plain;
  int64_t aheadL2, aheadL1;  ///< elements ahead that are asked for, 0: none
  InPlace inPlace, streamed; ///< no rows: weights are always copied
};

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_GEMMEMITTER_H
