//===- GroupingTest.cpp - group, dispatch and combine on random programs --===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Draw.h"

#include "moe/Reference/Routing.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// A random moe.group.
class GroupProgram {
public:
  GroupProgram(uint64_t seed) : draw(seed) {
    experts = draw.pick<int64_t>({1, 2, 3, 5, 8, 13});
    slots = draw.pick<int64_t>({1, 2, 3, 5});
    if (draw.chance(0.4))
      candidates = experts + draw.between(0, 4);
    if (seed % 3 != 0)
      capacity = drawCapacity();
    isConstant = capacity && draw.chance(0.5);
  }

  std::string text() const;
  void check(const Executable &executable, int64_t tokens);

private:
  /// Mostly small; 0, negative and huge ones are legal, too.
  int64_t drawCapacity() {
    return draw.chance(0.7) ? draw.between(1, 6)
                            : draw.pick<int64_t>({0, -1, INT64_MIN, INT64_MAX,
                                                  int64_t(1) << 32});
  }
  IndexTensor drawIndices(Shape shape);

  Draw draw;
  int64_t experts, slots, candidates = 0;
  std::optional<int64_t> capacity;
  bool isConstant;
};

} // namespace

std::string GroupProgram::text() const {
  Type indices(MOERT_I32, {"T", slots}), rowSlot(MOERT_I32, {"S"}),
      offsets(MOERT_I32, {experts + 1});
  Program program;
  program.input("indices", indices);
  std::string option;
  if (isConstant)
    program.line("%capacity = arith.constant " + std::to_string(*capacity) +
                 " : index");
  else if (capacity)
    program.scalar("capacity", "index");
  if (capacity)
    option = " capacity(%capacity)";
  if (candidates)
    option += " {num_candidates = " + std::to_string(candidates) + "}";
  program.line("%flat, %slot_row, %offsets = moe.group %indices" + option +
               " : " + indices.str() + " -> " + rowSlot.str() + ", " +
               indices.str() + ", " + offsets.str());
  // Results have sizes that arguments have: T and K, not their product.
  program.line("%zero = arith.constant 0 : index");
  program.line("%tokens = tensor.dim %indices, %zero : " + indices.str());
  program.line("%row_slot = tensor.expand_shape %flat [[0, 1]] output_shape "
               "[%tokens, " +
               std::to_string(slots) + "] : " + rowSlot.str() + " into " +
               indices.str());
  program.result("row_slot", indices);
  program.result("slot_row", indices);
  program.result("offsets", offsets);
  return program.text();
}

/// Legal ones, mostly; or all tokens on one expert, or anything at all.
IndexTensor GroupProgram::drawIndices(Shape shape) {
  int64_t last = std::max(experts, candidates) - 1;
  double kind = draw.uniform(0, 1);
  if (kind < 0.5)
    return draw.indices(shape, -1, last);
  if (kind < 0.7) {
    int64_t expert = draw.between(0, last);
    return draw.indices(shape, expert, expert);
  }
  IndexTensor indices = draw.indices(shape, -3, last + 3);
  for (int32_t &index : indices.data)
    if (draw.chance(0.05))
      index = draw.pick({INT32_MIN, INT32_MAX});
  return indices;
}

void GroupProgram::check(const Executable &executable, int64_t tokens) {
  IndexTensor indices = drawIndices({tokens, slots});
  std::vector<TensorView> arguments = {asView(indices)};
  if (capacity && !isConstant) {
    capacity = drawCapacity();
    TensorView scalar = asScalar(0);
    *reinterpret_cast<int64_t *>(const_cast<char *>(scalar.data)) = *capacity;
    arguments.push_back(scalar);
  }
  Grouping wanted = group(indices, experts, capacity, candidates);
  executable.expect(arguments,
                    {exactly(wanted.rowSlot.reshaped(indices.shape)),
                     exactly(wanted.slotRow), exactly(wanted.offsets)},
                    wanted.foreign ? MOERT_INDEX_OUT_OF_RANGE : MOERT_OK);
}

TEST(PropertyTest, Group) {
  forEachSeed(8, [](uint64_t seed) {
    GroupProgram program(seed);
    SCOPED_TRACE(program.text());
    if (std::optional<Executable> executable =
            Executable::compile(program.text()))
      for (int64_t tokens : {0, 1, 2, 3, 7, 12, 40})
        program.check(*executable, tokens);
  });
}

/// Draws indices in [-1, size); `isForeign`: others, too. Says which.
static IndexTensor drawRows(Draw &draw, Shape shape, int64_t size,
                            MoertStatus &status) {
  bool mayBeForeign = draw.chance(0.3);
  IndexTensor indices = draw.indices(std::move(shape), mayBeForeign ? -2 : -1,
                                     mayBeForeign ? size : size - 1);
  status = MOERT_OK;
  for (int32_t index : indices.data)
    if (index < -1 || index >= size)
      status = MOERT_INDEX_OUT_OF_RANGE;
  return indices;
}

TEST(PropertyTest, Dispatch) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    MoertDType xType = dtypes.next(), rowsType = dtypes.next();
    int64_t width = draw.width(), slots = draw.between(1, 4);
    Type x(xType, {"T", width}), rowSlot(MOERT_I32, {"S"}),
        rows(rowsType, {"S", width});
    Program program;
    program.input("x", x);
    program.input("row_slot", rowSlot);
    program.line("%rows = moe.dispatch %x[%row_slot by " +
                 std::to_string(slots) + "] : " + x.str() + ", " +
                 rowSlot.str() + " -> " + rows.str());
    program.result("rows", rows);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 8; ++call) {
      int64_t tokens = call ? draw.size() : 0;
      MoertStatus status;
      Tensor input = draw.wildNumbers({tokens, width}, xType);
      IndexTensor slot = drawRows(draw, {draw.size()}, tokens * slots, status);
      // A row without a slot is unspecified. The reference makes it NaN; so
      // does this pipeline, by which a test would notice a use of it.
      Tensor wanted = dispatch(input, slot, slots);
      executable->expect({asView(input, xType), asView(slot)},
                         {{asView(wanted, rowsType)}}, status);
    }
  });
}

TEST(PropertyTest, Combine) {
  forEachSeed(8, [](uint64_t seed) {
    Draw draw(seed);
    DTypes dtypes(draw, seed);
    bool hasWeights = draw.chance(0.7);
    MoertDType rowsType = dtypes.next(),
               weightsType = hasWeights ? dtypes.next() : MOERT_F32,
               yType = dtypes.next();
    int64_t width = draw.width(), slots = draw.between(1, 5);
    Type rows(rowsType, {"S", width}), slotRow(MOERT_I32, {"T", slots}),
        weights(weightsType, {"T", slots}), y(yType, {"T", width});
    Program program;
    program.input("rows", rows);
    program.input("slot_row", slotRow);
    if (hasWeights)
      program.input("weights", weights);
    program.line(
        "%y = moe.combine %rows[%slot_row]" +
        (hasWeights ? " weights(" + typed("weights", weights) + ")" : "") +
        " : " + rows.str() + ", " + slotRow.str() + " -> " + y.str());
    program.result("y", y);
    SCOPED_TRACE(program.text());
    std::optional<Executable> executable = Executable::compile(program.text());
    for (int call = 0; executable && call < 8; ++call) {
      int64_t numRows = draw.size(), tokens = call ? draw.size() : 0;
      MoertStatus status;
      IndexTensor row = drawRows(draw, {tokens, slots}, numRows, status);
      bool isWild = draw.chance(0.3);
      auto drawTensor = [&](Shape shape, MoertDType dtype) {
        return isWild ? draw.wildNumbers(shape, dtype)
                      : draw.numbers(shape, dtype);
      };
      Tensor input = drawTensor({numRows, width}, rowsType),
             weight = drawTensor({tokens, slots}, weightsType);
      std::vector<TensorView> arguments = {asView(input, rowsType),
                                           asView(row)};
      if (hasWeights)
        arguments.push_back(asView(weight, weightsType));
      Tensor wanted = combine(input, row, hasWeights ? &weight : nullptr);
      double rtol = dtypes.rtol(yType);
      executable->expect(arguments, {{asView(wanted, MOERT_F64), rtol, rtol}},
                         status);
    }
  });
}
