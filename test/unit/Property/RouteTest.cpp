//===- RouteTest.cpp - moe.route and moe.top_k on random programs ---------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Router.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

// Ten seeds meet all rules; the next ones meet them in other dtypes and with
// other extra operands.
TEST(PropertyTest, Route) {
  forEachSeed(20, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed + seed / 10 + seed / 40);
    Router router(draw, seed);
    enum {
      None,
      Bias,
      PackedBias,
      Keys
    } extra =
        std::array{None, Bias, PackedBias, Keys}[(seed / 3 + seed / 40) % 4];
    MoertDType logitsType = dtypes.next(),
               extraType = extra == None ? MOERT_F32 : dtypes.next(),
               weightsType = dtypes.next();
    Type logits(logitsType, {"T", router.experts}),
        keys(extraType, {"T", router.experts}),
        bias(extraType, {router.experts}),
        indices(MOERT_I32, {"T", router.slots}),
        weights(weightsType, {"T", router.slots});
    Program program;
    program.input("logits", logits);
    std::string operand;
    if (extra == Keys) {
      program.input("keys", keys);
      operand = " keys(" + typed("keys", keys) + ")";
    } else if (extra != None) {
      extra == Bias ? program.input("bias", bias)
                    : program.weight("bias", bias);
      operand = " bias(" + typed("bias", bias) + ")";
    }
    program.line("%indices, %weights = moe.route %logits" + operand +
                 router.text() + " : " + logits.str() + " -> " + indices.str() +
                 ", " + weights.str());
    program.result("indices", indices);
    program.result("weights", weights);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    if (!executable)
      return;

    for (int64_t tokens : {0, 1, 2, 5, 19}) {
      Tensor input = draw.logits({tokens, router.experts}, logitsType), other;
      std::vector<TensorView> arguments = {asView(input, logitsType)};
      if (extra != None) {
        other = draw.logits(
            extra == Keys ? input.shape : Shape{1, router.experts}, extraType);
        if (extra != Keys)
          other = other.reshaped({router.experts});
        arguments.push_back(asView(other, extraType));
      }
      Routing wanted =
          route(input, router.slots, router.options,
                extra == Bias || extra == PackedBias ? &other : nullptr,
                extra == Keys ? &other : nullptr);
      executable->expect(arguments, {exactly(wanted.indices),
                                     {asView(wanted.weights, MOERT_F64),
                                      dtypes.rtol(weightsType)}});
    }
  });
}

// M may be smaller than K where it is dynamic, and 0.
TEST(PropertyTest, TopK) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    bool isDynamic = draw.chance(0.5), hasValues = draw.chance(0.5);
    MoertDType keysType = dtypes.next(), valuesType = dtypes.next(),
               selectedType = dtypes.next();
    int64_t width = draw.pick<int64_t>({1, 2, 5, 17, 40});
    int64_t slots = draw.chance(0.3) ? width : draw.between(1, width);
    Dim m = isDynamic ? Dim("M") : Dim(width);
    Type keys(keysType, {"N", m}), values(valuesType, {"N", m}),
        selected(selectedType, {"N", slots}), indices(MOERT_I32, {"N", slots});
    Program program;
    program.input("keys", keys);
    if (hasValues)
      program.input("values", values);
    program.line("%indices, %selected = moe.top_k %keys" +
                 (hasValues ? " values(" + typed("values", values) + ")" : "") +
                 " : " + keys.str() + " -> " + indices.str() + ", " +
                 selected.str());
    program.result("indices", indices);
    program.result("selected", selected);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    if (!executable)
      return;

    for (int64_t n : {0, 1, 2, 5, 19}) {
      Shape shape = {n, isDynamic ? draw.between(0, 2 * width) : width};
      Tensor key = draw.logits(shape, keysType),
             value = draw.wildNumbers(shape, valuesType);
      std::vector<TensorView> arguments = {asView(key, keysType)};
      if (hasValues)
        arguments.push_back(asView(value, valuesType));
      Selection wanted = topK(key, slots, hasValues ? &value : nullptr);
      executable->expect(arguments, {exactly(wanted.indices),
                                     {asView(wanted.values, selectedType)}});
    }
  });
}
