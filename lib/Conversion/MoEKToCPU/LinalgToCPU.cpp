//===- LinalgToCPU.cpp - linalg on memrefs as tasks and vectors -----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinalgPlan.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

namespace moe {
#define GEN_PASS_DEF_CONVERTLINALGTOCPU
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {
struct ConvertLinalgToCPUPass
    : moe::impl::ConvertLinalgToCPUBase<ConvertLinalgToCPUPass> {
  using ConvertLinalgToCPUBase::ConvertLinalgToCPUBase;

  /// Tells the user what does not run as fast as it might, and why.
  static void missed(Operation *op, StringRef what, StringRef why) {
    remark::missed(op->getLoc(), remark::RemarkOpts::name(what).category(
                                     "convert-linalg-to-cpu"))
        << why;
  }

  void convert(linalg::LinalgOp op) {
    StringRef why;
    std::optional<LinalgPlan> plan = planLinalg(op, lanes, why);
    if (!plan) {
      missed(op, "left to loops", why);
      ++numLeft;
      return;
    }
    if (plan->vector)
      ++numVectorised;
    else {
      missed(op, "not vectorised", plan->whyScalar);
      ++numScalar;
    }
    bool alone = !op->getParentOfType<scf::ForallOp>();
    emitLinalg(op, *plan, parallel && alone);
    op.erase();
  }

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    llvm::for_each(ops, [&](linalg::LinalgOp op) { convert(op); });
  }
};

} // namespace
