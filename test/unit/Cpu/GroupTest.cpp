//===- GroupTest.cpp - grouping as a kernel, against its definition -------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Twins.h"

using namespace moe;
using namespace moe::test;
using moe::reference::Random;

namespace {

struct Shape {
  int64_t experts, candidates, slots;
  bool hasCapacity;
};

std::string programOf(Shape shape) {
  std::string slots = std::to_string(shape.slots),
              indices = "tensor<?x" + slots + "xi32>",
              offsets = "tensor<" + std::to_string(shape.experts + 1) + "xi32>";
  std::string dims = " {moe.dims = [\"T\", \"\"]}";
  return "func.func @main(%indices: " + indices + dims +
         (shape.hasCapacity ? ", %capacity: index" : "") + ") -> (" + indices +
         dims + ", " + indices + dims + ", " + offsets + ") {\n" +
         "  %row_slot, %slot_row, %offsets = moe.group %indices" +
         (shape.hasCapacity ? " capacity(%capacity)" : "") +
         " {num_candidates = " + std::to_string(shape.candidates) +
         "} : " + indices + " -> tensor<?xi32>, " + indices + ", " + offsets +
         "\n  %zero = arith.constant 0 : index\n  %tokens = tensor.dim "
         "%indices, "
         "%zero : " +
         indices +
         "\n  %rows = tensor.expand_shape %row_slot [[0, 1]] "
         "output_shape [%tokens, " +
         slots + "] : tensor<?xi32> into " + indices +
         "\n  return %rows, %slot_row, %offsets : " + indices + ", " + indices +
         ", " + offsets + "\n}\n";
}

} // namespace

// From no token to as many as fill all blocks, the last one in part.
TEST(CpuGroupTest, EverySize) {
  uint64_t seed = 0;
  for (Shape shape : {Shape{1, 1, 1, false}, Shape{8, 8, 2, false},
                      Shape{7, 9, 3, true}, Shape{128, 128, 8, false},
                      Shape{17, 20, 1, true}, Shape{512, 513, 4, true}}) {
    Random random(++seed);
    std::string text = programOf(shape);
    SCOPED_TRACE(text);
    std::optional<Twins> twins =
        Twins::compile(text, seed % 2 ? "native" : "x86-64-v3");
    if (!twins)
      return;
    for (int64_t tokens : {0, 1, 2, 100, 2049, 70001}) {
      if (tokens * shape.slots > 200000)
        continue;
      SCOPED_TRACE("T = " + std::to_string(tokens));
      // Even, or nearly all for one expert.
      bool skewed = random.below(2);
      TensorView indices =
          makeTensor(MOERT_I32, {tokens, shape.slots}, [&]() -> double {
            if (skewed && random.below(8))
              return shape.experts / 2;
            return random.below(shape.candidates + 1) - 1;
          });
      if (!shape.hasCapacity) {
        twins->expectAgreement(indices);
        continue;
      }
      for (int64_t capacity :
           {int64_t(-3), int64_t(0), int64_t(1),
            tokens * shape.slots / shape.experts, int64_t(1) << 40})
        twins->expectAgreement(
            {indices, makeTensor(MOERT_I64, {}, [&]() -> double {
               return static_cast<double>(capacity);
             })});
    }
  }
}

TEST(CpuGroupTest, ReportsForeignIndices) {
  CompilerOptions options;
  options.target = Target::Cpu;
  Compiler compiler = llvm::cantFail(Compiler::create(options));
  Module module = llvm::cantFail(
      compiler.compile(programOf({4, 5, 2, false}), "program.mlir"));
  BoundFunction function =
      llvm::cantFail(llvm::cantFail(module.lookup("main")).bind());
  for (int32_t foreign : {-2, 5, std::numeric_limits<int32_t>::max()}) {
    int64_t next = 0;
    auto zero = [] { return 0.0; };
    TensorView indices = makeTensor(MOERT_I32, {3, 2}, [&]() -> double {
      return next++ == 3 ? foreign : 1;
    });
    TensorView rows = makeTensor(MOERT_I32, {3, 2}, zero),
               slotRow = makeTensor(MOERT_I32, {3, 2}, zero),
               offsets = makeTensor(MOERT_I32, {5}, zero);
    llvm::Error error =
        function.call(asTensor(indices),
                      {asTensor(rows), asTensor(slotRow), asTensor(offsets)});
    std::string message = llvm::toString(std::move(error));
    EXPECT_NE(message.find("indices of moe.group: element 3 is " +
                           std::to_string(foreign)),
              std::string::npos)
        << message;
  }
}
