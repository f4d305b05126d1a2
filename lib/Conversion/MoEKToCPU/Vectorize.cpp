//===- Vectorize.cpp - a scalar body on vectors ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;

bool moe::isElementwise(Block &body) {
  return llvm::all_of(body.without_terminator(), [](Operation &op) {
    return isa<arith::ConstantOp>(op) ||
           OpTrait::hasElementwiseMappableTraits(&op);
  });
}

SmallVector<Value> moe::cloneOnVectors(ImplicitLocOpBuilder &b, Block &body,
                                       ValueRange arguments, int64_t lanes) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  auto vectorOf = [&](Type type) { return VectorType::get(lanes, type); };
  for (Operation &op : body.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto splat = DenseElementsAttr::get(vectorOf(constant.getType()),
                                          constant.getValue());
      mapping.map(constant.getResult(),
                  arith::ConstantOp::create(b, splat).getResult());
      continue;
    }
    Operation *clone = b.clone(op, mapping);
    for (auto [before, after] :
         llvm::zip(op.getResults(), clone->getResults())) {
      after.setType(vectorOf(before.getType()));
      mapping.map(before, after);
    }
  }
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookup(value); });
}
