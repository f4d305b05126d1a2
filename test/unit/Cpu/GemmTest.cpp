//===- GemmTest.cpp - expert products, on weights packed or as they lie ---===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Packed weights are multiplied by tiles of registers, whose heights share out
// the rows of an expert. Weights that are not packed are read in place, as dot
// products or as scaled sums, or copied block by block, depending on how many
// rows an expert has and on how the weights lie.

#include "Twins.h"

#include "llvm/ADT/StringExtras.h"

using namespace moe;
using namespace moe::test;
using moe::reference::Random;

namespace {

/// How weights of gate and up lie in the arguments.
enum class Lie {
  InOut,             ///< [E,in,out], one argument each
  OutIn,             ///< [E,out,in], one argument each
  InOutConcatenated, ///< [E,in,2 out], gate then up
  OutInConcatenated, ///< [E,2 out,in]
  InOutInterleaved,  ///< [E,in,2 out], gate and up in turns
  OutInInterleaved,  ///< [E,2 out,in]
  EveryThird,        ///< [E,in,3 out], of which each third column is used
};

constexpr Lie kLies[] = {Lie::InOut,
                         Lie::OutIn,
                         Lie::InOutConcatenated,
                         Lie::OutInConcatenated,
                         Lie::InOutInterleaved,
                         Lie::OutInInterleaved,
                         Lie::EveryThird};

constexpr MoertDType kFloats[] = {MOERT_F32, MOERT_BF16, MOERT_F16};

struct Experts {
  /// Without a hidden width: one product.
  int64_t experts, in, hidden, out;
  Lie lie;
  MoertDType rows, weights, results;
  bool gated, biased;
  /// Slots of a token, whose rows are gathered and combined; 0: the rows come
  /// with their offsets.
  int64_t slots;
  /// Weights are packed before the call.
  bool packed = false;
};

/// Writes @main, and remembers its arguments.
class Writer {
public:
  explicit Writer(const Experts &e) : e(e) {}

  std::string write() {
    std::string x = type({-1, e.in}, e.rows), y = type({-1, e.out}, e.results);
    std::string offsets = type({e.experts + 1}, MOERT_I32);
    std::string indices = type({-1, e.slots}, MOERT_I32),
                factors = type({-1, e.slots}, MOERT_F32);
    arguments = "%x: " + x + kDims;
    if (e.slots)
      arguments +=
          ", %indices: " + indices + kDims + ", %factors: " + factors + kDims;
    else
      arguments += ", %offsets: " + offsets;
    std::string rows = "%x", sorted = type({-1, e.out}, e.results);
    if (e.slots) {
      body +=
          "  %row_slot, %slot_row, %offsets = moe.group %indices : " + indices +
          " -> tensor<?xi32>, " + indices + ", " + offsets +
          "\n  %rows = moe.dispatch %x[%row_slot by " +
          std::to_string(e.slots) + "] : " + x + ", tensor<?xi32> -> " + x +
          "\n";
      rows = "%rows";
    }
    if (e.hidden) {
      std::string pair = gateAndUp();
      body += "  %sorted = moe.expert_ffn " + rows + ", %offsets" + pair +
              " down(" + down() + ") activation(" +
              (e.gated ? "silu" : "relu") + ") : " + x + ", " + offsets +
              " -> " + sorted + "\n";
    } else {
      std::string weights = matrix("weights", e.in, e.out, e.lie);
      llvm::StringRef name(weights), type;
      std::tie(name, type) = name.split(" : ");
      body += "  %sorted = moe.grouped_matmul " + rows + ", " + name.str() +
              ", %offsets : " + x + ", " + type.str() + ", " + offsets +
              " -> " + sorted + "\n";
    }
    std::string result = "%sorted";
    if (e.slots) {
      body += "  %y = moe.combine %sorted[%slot_row] weights(%factors : " +
              factors + ") : " + sorted + ", " + indices + " -> " + y + "\n";
      result = "%y";
    }
    return "func.func @main(" + arguments + ") -> (" + y + kDims + ") {\n" +
           body + "  return " + result + " : " + y + "\n}\n";
  }

  /// Shapes of the weights and biases, in order.
  std::vector<std::vector<int64_t>> shapes;

private:
  static constexpr const char *kDims = " {moe.dims = [\"T\", \"\"]}";

  static std::string type(llvm::ArrayRef<int64_t> shape, MoertDType dtype) {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += (size < 0 ? "?" : std::to_string(size)) + "x";
    return text + elementName(dtype) + ">";
  }

  std::string argument(const std::string &name, std::vector<int64_t> shape) {
    std::string text = type(shape, e.weights);
    arguments += ", %" + name + ": " + text + (e.packed ? " {moe.weight}" : "");
    shapes.push_back(std::move(shape));
    return text;
  }

  /// "%name : type" of [E,in,out] out of an argument that is [E,out,in].
  std::string transposed(const std::string &name, const std::string &from,
                         int64_t in, int64_t out) {
    std::string want = type({e.experts, in, out}, e.weights);
    body += "  %" + name + "_empty = tensor.empty() : " + want + "\n  %" +
            name + "_t = linalg.transpose ins(%" + name + " : " + from +
            ") outs(%" + name + "_empty : " + want +
            ") permutation = [0, 2, 1]\n";
    return "%" + name + "_t : " + want;
  }

  std::string biasOf(const std::string &name, int64_t out) {
    if (!e.biased)
      return "";
    return " bias %" + name +
           "_bias : " + argument(name + "_bias", {e.experts, out});
  }

  std::string matrix(const std::string &name, int64_t in, int64_t out,
                     Lie lie) {
    std::string text;
    if (lie == Lie::OutIn) {
      std::string from = argument(name, {e.experts, out, in});
      text = transposed(name, from, in, out);
    } else {
      text = "%" + name + " : " + argument(name, {e.experts, in, out});
    }
    return text + biasOf(name, out);
  }

  /// One of `of` parts of an argument's columns, or of its rows if that is
  /// transposed: every `of`-th, or neighbours.
  std::string slice(const std::string &name, int64_t part, int64_t of,
                    bool isTransposed, bool every) {
    int64_t size[2] = {e.in, e.hidden};
    int64_t whole[2] = {e.in, e.hidden * of};
    std::string stride = every ? std::to_string(of) : "1";
    std::string offset = std::to_string(every ? part : part * e.hidden);
    std::string offsets = "0, " + offset, strides = "1, " + stride;
    if (isTransposed) {
      std::swap(size[0], size[1]);
      std::swap(whole[0], whole[1]);
      offsets = offset + ", 0";
      strides = stride + ", 1";
    }
    std::string to = type({e.experts, size[0], size[1]}, e.weights);
    body += "  %" + name + " = tensor.extract_slice %both[0, " + offsets +
            "] [" + std::to_string(e.experts) + ", " + std::to_string(size[0]) +
            ", " + std::to_string(size[1]) + "] [1, " + strides +
            "] : " + type({e.experts, whole[0], whole[1]}, e.weights) + " to " +
            to + "\n";
    std::string text = isTransposed ? transposed(name, to, e.in, e.hidden)
                                    : "%" + name + " : " + to;
    return text + biasOf(name, e.hidden);
  }

  std::string down() {
    return matrix("down", e.hidden, e.out,
                  e.lie == Lie::OutIn ? Lie::OutIn : Lie::InOut);
  }

  std::string gateAndUp() {
    if (e.lie == Lie::InOut || e.lie == Lie::OutIn) {
      std::string gate =
          e.gated ? " gate(" + matrix("gate", e.in, e.hidden, e.lie) + ")" : "";
      return gate + " up(" + matrix("up", e.in, e.hidden, e.lie) + ")";
    }
    bool isTransposed =
        e.lie == Lie::OutInConcatenated || e.lie == Lie::OutInInterleaved;
    bool every = e.lie == Lie::InOutInterleaved ||
                 e.lie == Lie::OutInInterleaved || e.lie == Lie::EveryThird;
    int64_t of = e.lie == Lie::EveryThird ? 3 : 2;
    if (isTransposed)
      argument("both", {e.experts, e.hidden * of, e.in});
    else
      argument("both", {e.experts, e.in, e.hidden * of});
    std::string gate =
        e.gated ? " gate(" + slice("gate", 0, of, isTransposed, every) + ")"
                : "";
    return gate + " up(" + slice("up", of - 1, of, isTransposed, every) + ")";
  }

  const Experts &e;
  std::string arguments, body;
};

/// Draws inputs for the experts.
class Inputs {
public:
  Inputs(const Experts &e, const Writer &writer, Random &random)
      : e(e), writer(writer), random(random) {}

  std::vector<TensorView> draw(llvm::ArrayRef<int64_t> rowsOfExperts) {
    int64_t rows = 0;
    std::vector<int64_t> offsets{0};
    for (int64_t count : rowsOfExperts)
      offsets.push_back(rows += count);
    std::vector<TensorView> inputs{numbers(e.rows, {rows, e.in}, 1)};
    size_t next = 0;
    inputs.push_back(makeTensor(MOERT_I32, {e.experts + 1}, [&] {
      return static_cast<double>(offsets[next++]);
    }));
    return withWeights(std::move(inputs));
  }

  /// Tokens that choose their slots' experts below `used`.
  std::vector<TensorView> drawTokens(int64_t tokens, int64_t used) {
    std::vector<TensorView> inputs{numbers(e.rows, {tokens, e.in}, 1)};
    inputs.push_back(makeTensor(MOERT_I32, {tokens, e.slots}, [&] {
      return static_cast<double>(random.below(used + 1) - 1);
    }));
    inputs.push_back(numbers(MOERT_F32, {tokens, e.slots}, 1));
    return withWeights(std::move(inputs));
  }

private:
  TensorView numbers(MoertDType dtype, llvm::ArrayRef<int64_t> shape,
                     double scale) {
    return makeTensor(dtype, shape,
                      [&] { return scale * (2 * random.unit() - 1); });
  }

  std::vector<TensorView> withWeights(std::vector<TensorView> inputs) {
    for (const std::vector<int64_t> &shape : writer.shapes)
      inputs.push_back(numbers(e.weights, shape, 0.5));
    return inputs;
  }

  const Experts &e;
  const Writer &writer;
  Random &random;
};

/// The CPUs that this machine can run code for.
std::vector<std::string> cpus() { return {"native", "x86-64-v3"}; }

/// Compiles the experts and compares them for each number of rows.
void check(const Experts &e, uint64_t seed,
           llvm::ArrayRef<std::vector<int64_t>> rows) {
  Random random(seed);
  Writer writer(e);
  std::string text = writer.write();
  std::string cpu = cpus()[seed % cpus().size()];
  SCOPED_TRACE(cpu + "\n" + text);
  std::optional<Twins> twins = Twins::compile(text, cpu);
  if (!twins)
    return;
  Inputs inputs(e, writer, random);
  for (const std::vector<int64_t> &counts : rows) {
    SCOPED_TRACE(
        "rows " +
        llvm::join(llvm::map_range(counts,
                                   [](int64_t n) { return std::to_string(n); }),
                   ", "));
    if (e.slots)
      twins->expectGuardedAgreement(inputs.drawTokens(counts[0], counts[1]));
    else
      twins->expectGuardedAgreement(inputs.draw(counts));
    if (testing::Test::HasFailure())
      return;
  }
}

} // namespace

// Groups of any number of rows beside each other: none, one, up to what is read
// in place, a tile more, more than a task holds. Products of narrow numbers are
// exact in f32, so that results must be too.
TEST(CpuGemmTest, EveryNumberOfRows) {
  uint64_t seed = 0;
  for (Lie lie : {Lie::InOut, Lie::OutIn})
    for (MoertDType weights : kFloats) {
      MoertDType rows = kFloats[++seed % 3];
      check({4, 48, 0, 33, lie, rows, weights, MOERT_F32, false, false, 0},
            seed,
            {{0, 0, 0, 0},
             {1, 0, 2, 3},
             {4, 5, 0, 6},
             {7, 8, 9, 1},
             {0, 13, 1, 24},
             {47, 1, 0, 49},
             {2, 100, 12, 25}});
    }
}

// Remainders of K and of N, for each way in which weights can lie.
TEST(CpuGemmTest, EveryLayoutAndWidth) {
  uint64_t seed = 100;
  for (Lie lie : kLies) {
    MoertDType rows = kFloats[++seed % 3], weights = kFloats[seed / 3 % 3];
    bool odd = seed % 3 != 0;
    check({2, odd ? 37 : 64, odd ? 21 : 64, odd ? 5 : 64, lie, rows, weights,
           rows, seed % 4 != 0, seed % 2 == 0, 0},
          seed, {{1, 2}, {3, 0}, {5, 17}});
  }
}

// Tokens gathered and combined: a task owns its columns, and goes through the
// experts.
TEST(CpuGemmTest, GatheredAndCombined) {
  uint64_t seed = 300;
  for (Lie lie : {Lie::OutIn, Lie::InOutInterleaved})
    check({5, 72, 136, 200, lie, MOERT_F32, MOERT_BF16, MOERT_F32, true, false,
           2},
          ++seed, {{0, 5}, {1, 5}, {6, 5}, {9, 1}, {60, 5}});
}

// So few rows of many experts that memory decides: tasks as wide as there is
// work for threads, and a phase of its own for the sums that are combined, up
// to 128 rows of at most two each in the mean.
TEST(CpuGemmTest, FewRowsOfManyExperts) {
  uint64_t seed = 350;
  for (Lie lie : {Lie::InOut, Lie::InOutInterleaved, Lie::OutIn}) {
    MoertDType weights = kFloats[++seed % 3];
    check({200, 43, 75, 101, lie, MOERT_F32, weights, MOERT_F32, true, true, 2},
          seed, {{0, 200}, {1, 200}, {2, 1}, {7, 3}, {64, 200}, {65, 200}});
  }
}

// Tasks wider than a chunk, on several numbers of threads; one expert with too
// many rows for that, whose task goes through its chunks.
TEST(CpuGemmTest, WideTasks) {
  uint64_t seed = 380;
  for (MoertDType weights : {MOERT_F32, MOERT_BF16}) {
    std::vector<int64_t> ones(12, 1), twos{1, 2, 3, 4, 1, 0, 1, 2, 1, 3, 1, 0},
        five = ones, many = ones;
    five[3] = 5;
    many[7] = 33;
    for (Lie lie : {Lie::InOut, Lie::InOutConcatenated})
      check({12, 45, 300, 420, lie, MOERT_F32, weights, MOERT_F32, true, false,
             0},
            ++seed, {ones, twos, five, many});
  }
}

// Many rows on weights that are packed by tasks, a few panels together: those
// at the end are not there, and tasks begin in the middle of some.
TEST(CpuGemmTest, PartsOfWhatIsPackedTogether) {
  uint64_t seed = 390;
  for (int64_t columns : {384, 320})
    for (Lie lie : {Lie::InOut, Lie::OutIn})
      check({2, 150, 0, columns, lie, MOERT_F32,
             lie == Lie::InOut ? MOERT_F32 : MOERT_BF16, MOERT_F32, false,
             false, 0},
            ++seed, {{20, 20}, {1, 50}});
  for (int64_t columns : {1536, 1000})
    for (Lie lie : {Lie::InOut, Lie::OutIn})
      check({2, 40, 30, columns, lie, MOERT_F32, MOERT_BF16, MOERT_F32, false,
             false, 2},
            ++seed, {{60, 2}});
  for (Lie lie : {Lie::InOutInterleaved, Lie::OutInInterleaved})
    check({2, 150, 200, 90, lie, MOERT_F32, MOERT_BF16, MOERT_F32, true, false,
           0},
          ++seed, {{20, 30}});
}

// K in several blocks, of which the last is shorter; tasks of several chunks.
TEST(CpuGemmTest, LongSums) {
  check({1, 8219, 0, 1032, Lie::InOut, MOERT_F32, MOERT_BF16, MOERT_F32, false,
         false, 0},
        400, {{1}, {3}, {9}});
  check({1, 8219, 0, 40, Lie::OutIn, MOERT_F32, MOERT_BF16, MOERT_F32, false,
         false, 0},
        401, {{1}, {3}, {9}});
}

// Every number of rows that tiles share out in another way, more than a buffer
// holds, and one panel more than whole chunks, two, and three.
TEST(CpuGemmTest, PackedEveryNumberOfRows) {
  uint64_t seed = 500;
  for (int64_t columns : {256 + 16, 512 + 21, 256 + 48}) {
    MoertDType rows = kFloats[++seed % 3], weights = kFloats[seed / 2 % 3];
    check({13, 135, 0, columns, Lie::InOut, rows, weights, MOERT_F32, false,
           false, 0, true},
          seed,
          {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
           {19, 0, 0, 1, 47, 0, 0, 49, 0, 0, 2, 97, 0}});
  }
}

// One and two rows, whose K are copied at once, up to 16384.
TEST(CpuGemmTest, PackedLongSums) {
  for (int64_t in : {16384, 16500})
    check({3, in, 0, 40, Lie::InOut, MOERT_F32, MOERT_BF16, MOERT_F32, false,
           false, 0, true},
          550 + in % 2, {{1, 2, 3}});
}

// Packed out of other layouts, gathered and combined.
TEST(CpuGemmTest, PackedGatheredAndCombined) {
  uint64_t seed = 600;
  for (Lie lie : {Lie::OutIn, Lie::InOutInterleaved})
    check({5, 72, 136, 200, lie, MOERT_F32, MOERT_BF16, MOERT_F32, true, false,
           2, true},
          ++seed, {{1, 5}, {9, 1}, {60, 5}});
}
