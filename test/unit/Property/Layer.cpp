//===- Layer.cpp - a random mixture-of-experts layer ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

using namespace moe::reference;

namespace moe::test {

Layer::Layer(uint64_t seed, bool mayDrop)
    : draw(seed), dtypes(draw, seed, /*mayMix=*/false), dtype(dtypes.next()),
      router(draw, seed), width(draw.width()),
      experts(draw, dtypes, seed, router.experts, width, draw.width(), width) {
  if (mayDrop && draw.chance(0.5))
    capacity = draw.between(0, 4);
  if (draw.chance(0.2))
    tokens = draw.between(0, 9);
  drawWeights();
}

void Layer::drawWeights() {
  routerWeight = eighths({width, router.experts}, 1);
  // With sigmoid(x) + sigmoid(-x) = 1 groups would tie that do not tie when the
  // sum is rounded; the bias keeps them apart.
  bias = router.options.score == Score::Sigmoid
             ? draw.numbers({router.experts}, accumulator())
             : eighths({router.experts}, 1);
  experts.drawValues(draw);
}

Tensor Layer::eighths(Shape shape, double bound) {
  Tensor tensor(std::move(shape));
  for (double &x : tensor.data)
    x = draw.between(-8 * bound, 8 * bound) / 8.0;
  return tensor;
}

Tensor Layer::drawTokens(int64_t tokens) { return eighths({tokens, width}, 2); }

MoertDType Layer::accumulator() const {
  return dtype == MOERT_F64 ? MOERT_F64 : MOERT_F32;
}

std::string Layer::text() {
  Dim numTokens = tokens ? Dim(*tokens) : Dim("T"),
      numRows = tokens ? Dim(*tokens * router.slots) : Dim("S");
  Type x(dtype, {numTokens, width}), rows(dtype, {numRows, width}),
      logits(accumulator(), {numTokens, router.experts}),
      routerType(dtype, {width, router.experts}),
      biasType(accumulator(), {router.experts}),
      indices(MOERT_I32, {numTokens, router.slots}),
      weights(accumulator(), {numTokens, router.slots}),
      rowSlot(MOERT_I32, {numRows}), offsets(MOERT_I32, {router.experts + 1});
  Program program;
  program.input("x", x);
  program.weight("w_router", routerType);
  program.weight("bias", biasType);
  experts.declare(program);

  program.line("%c0 = arith.constant 0 : index");
  program.line("%zero = arith.constant 0.0 : " + elementName(accumulator()));
  if (!tokens)
    program.line("%tokens = tensor.dim %x, %c0 : " + x.str());
  program.line("%empty = tensor.empty(" + std::string(tokens ? "" : "%tokens") +
               ") : " + logits.str());
  program.line(
      "%zeros = linalg.fill ins(%zero : " + elementName(accumulator()) +
      ") outs(" + typed("empty", logits) + ") -> " + logits.str());
  program.line("%logits = linalg.matmul ins(%x, %w_router : " + x.str() + ", " +
               routerType.str() + ") outs(" + typed("zeros", logits) + ") -> " +
               logits.str());
  program.line("%indices, %weights = moe.route %logits bias(" +
               typed("bias", biasType) + ")" + router.text() + " : " +
               logits.str() + " -> " + indices.str() + ", " + weights.str());
  if (capacity)
    program.line("%capacity = arith.constant " + std::to_string(*capacity) +
                 " : index");
  program.line("%row_slot, %slot_row, %offsets = moe.group %indices" +
               std::string(capacity ? " capacity(%capacity)" : "") + " : " +
               indices.str() + " -> " + rowSlot.str() + ", " + indices.str() +
               ", " + offsets.str());
  program.line("%rows = moe.dispatch %x[%row_slot by " +
               std::to_string(router.slots) + "] : " + x.str() + ", " +
               rowSlot.str() + " -> " + rows.str());
  program.line("%outputs = moe.expert_ffn %rows, %offsets" + experts.text() +
               " : " + rows.str() + ", " + offsets.str() + " -> " + rows.str());
  program.line("%y = moe.combine %outputs[%slot_row] weights(" +
               typed("weights", weights) + ") : " + rows.str() + ", " +
               indices.str() + " -> " + x.str());
  program.result("indices", indices);
  program.result("weights", weights);
  program.result("y", x);
  return program.text();
}

std::vector<TensorView> Layer::arguments(const Tensor &x) {
  std::vector<TensorView> arguments = {asView(x, dtype),
                                       asView(routerWeight, dtype),
                                       asView(bias, accumulator())};
  experts.append(arguments);
  return arguments;
}

std::vector<Wanted> Layer::wanted(const Tensor &x) const {
  Routing routing =
      route(matmul(x, routerWeight), router.slots, router.options, &bias);
  Grouping grouping = group(routing.indices, router.experts, capacity);
  Tensor rows = dispatch(x, grouping.rowSlot, router.slots);
  Tensor y = combine(expertFFN(rows, grouping.offsets, experts.options()),
                     grouping.slotRow, &routing.weights);
  double weightsError = dtypes.rtol(accumulator()),
         error = dtypes.rtol(dtype, dtype);
  return {exactly(routing.indices),
          {asView(routing.weights, MOERT_F64), weightsError},
          {asView(y, MOERT_F64), error, error * router.slots}};
}

} // namespace moe::test
