//===- SerializeTasks.cpp - tasks that need buffers one after the other ---===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/Remarks.h"

namespace moe {
#define GEN_PASS_DEF_MOESERIALIZETASKS
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;

namespace {
struct SerializeTasksPass
    : moe::impl::MoESerializeTasksBase<SerializeTasksPass> {
  void runOnOperation() override {
    SmallVector<scf::ForallOp> serial;
    getOperation()->walk([&](scf::ForallOp forall) {
      if (forall.getBody()
              ->walk([](memref::AllocOp) { return WalkResult::interrupt(); })
              .wasInterrupted())
        serial.push_back(forall);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ForallOp forall : serial) {
      remark::missed(forall.getLoc(), remark::RemarkOpts::name("not parallel")
                                          .category("moe-serialize-tasks"))
          << "its body needs buffers, which tasks would share";
      if (failed(scf::forallToForLoop(rewriter, forall)))
        return signalPassFailure();
      ++numSerial;
    }
  }
};
} // namespace
