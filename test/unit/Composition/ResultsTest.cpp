//===- ResultsTest.cpp - results that are computed in each other ----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The buffer of a result may serve another one first. Neither the order of the
// results nor what they share may show.

#include "../Property/Draw.h"

using namespace moe;
using namespace moe::test;

namespace {

/// %0 = 2 x, %1 = %0 + x, %2 = x, returned in the order `results`.
std::string program(const std::string &results) {
  std::string type = "tensor<?xf32>", types, annotated;
  for (size_t i = 0, n = results.size() / 4 + 1; i < n; ++i) {
    types += (i ? ", " : "") + type;
    annotated += (i ? ", " : "") + type + " {moe.dims = [\"T\"]}";
  }
  return "func.func @main(%x: tensor<?xf32> {moe.dims = [\"T\"]}) -> (" +
         annotated + ") {\n" + R"(
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.add ins(%x, %x : tensor<?xf32>, tensor<?xf32>)
                  outs(%start : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.add ins(%0, %x : tensor<?xf32>, tensor<?xf32>)
                  outs(%0 : tensor<?xf32>) -> tensor<?xf32>
  %2 = linalg.add ins(%start, %x : tensor<?xf32>, tensor<?xf32>)
                  outs(%start : tensor<?xf32>) -> tensor<?xf32>
  return )" +
         results + " : " + types + "\n}\n";
}

} // namespace

TEST(ResultsTest, AnyOrder) {
  for (const char *results :
       {"%0, %1, %2", "%2, %1, %0", "%1, %0, %2", "%0, %2, %1", "%1, %1, %0",
        "%0, %0, %0", "%2, %x, %0", "%x, %x, %1"}) {
    SCOPED_TRACE(results);
    std::optional<Executable> executable =
        Executable::compile(program(results));
    ASSERT_TRUE(executable);
    Draw draw(5);
    Tensor x = draw.numbers({9}, MOERT_F32);
    std::vector<Wanted> wanted;
    for (const char *name = results; *name; name += name[2] ? 4 : 2) {
      double factor = name[1] == '0' ? 2 : name[1] == '1' ? 3 : 1;
      Tensor value = x;
      for (double &number : value.data)
        number *= factor;
      wanted.push_back({asView(value, MOERT_F64), 1e-6});
    }
    executable->expect({asView(x, MOERT_F32)}, wanted);
  }
}
