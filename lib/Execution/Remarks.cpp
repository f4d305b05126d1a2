//===- Remarks.cpp - what optimisations have to say -----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"
#include "Callbacks.h"
#include "Diagnostics.h"

#include "mlir/IR/Remarks.h"

namespace moe {

namespace {

/// Hands remarks to a function instead of a file.
class Forwarder : public mlir::remark::detail::MLIRRemarkStreamerBase {
public:
  Forwarder(RemarkHandler handler, std::string &thrown)
      : handler(std::move(handler)), thrown(thrown) {}

  void streamOptimizationRemark(
      const mlir::remark::detail::Remark &remark) override {
    Remark copy;
    switch (remark.getRemarkType()) {
    case llvm::remarks::Type::Passed:
      copy.kind = Remark::Kind::Passed;
      break;
    case llvm::remarks::Type::Missed:
    case llvm::remarks::Type::Failure:
      copy.kind = Remark::Kind::Missed;
      break;
    default:
      copy.kind = Remark::Kind::Analysis;
      break;
    }
    copy.pass = remark.getCombinedCategoryName();
    copy.function = remark.getFunction();
    copy.location = describe(remark.getLocation());
    copy.name = remark.getRemarkName();
    for (const auto &argument : remark.getArgs())
      copy.message += argument.val;
    if (thrown.empty())
      thrown = callHandler(handler, copy);
  }

private:
  RemarkHandler handler;
  std::string &thrown;
};

} // namespace

RemarkForwarder::RemarkForwarder(mlir::MLIRContext *where,
                                 RemarkHandler handler)
    : context(handler && !where->getRemarkEngine() ? where : nullptr) {
  if (!context)
    return;
  mlir::remark::RemarkCategories all; // `all` alone would enable no kind
  all.passed = all.missed = all.analysis = all.failed = ".*";
  // It fails only for an engine that is there already.
  (void)mlir::remark::enableOptimizationRemarks(
      *context, std::make_unique<Forwarder>(std::move(handler), thrown),
      std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), all);
}

RemarkForwarder::~RemarkForwarder() {
  if (context)
    context->setRemarkEngine(nullptr);
}

llvm::Error RemarkForwarder::checkHandler() const {
  if (thrown.empty())
    return llvm::Error::success();
  return makeError("the handler of remarks has thrown: " +
                   llvm::StringRef(thrown).split('\n').first);
}

} // namespace moe
