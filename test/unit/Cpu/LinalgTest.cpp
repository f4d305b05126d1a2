//===- LinalgTest.cpp - linalg as tasks and vectors, against its loops ----===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Twins.h"

#include "llvm/ADT/StringExtras.h"

using namespace moe;
using namespace moe::test;
using namespace moe::reference;

namespace {

/// A function of %x : tensor<?xDxf32> and %b : tensor<Dxf32>, @D@ standing for
/// D. The number of rows is %t.
struct Body {
  const char *name;
  const char *resultType; ///< "" for one of the type of %x
  const char *text;       ///< defines %y
  int64_t rows = 3001;    ///< at most: several tasks, the last one in part
};

const Body bodies[] = {
    {"broadcast", "", R"(
  %empty = tensor.empty(%t) : tensor<?x@D@xf32>
  %y = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<?x@D@xf32>, tensor<@D@xf32>) outs(%empty : tensor<?x@D@xf32>) {
  ^bb0(%p: f32, %q: f32, %old: f32):
    %s = arith.addf %p, %q : f32
    %e = math.exp %s : f32
    linalg.yield %e : f32
  } -> tensor<?x@D@xf32>)"},
    {"position", "", R"(
  %empty = tensor.empty(%t) : tensor<?x@D@xf32>
  %y = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x@D@xf32>) outs(%empty : tensor<?x@D@xf32>) {
  ^bb0(%p: f32, %old: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %row = arith.index_cast %i : index to i32
    %column = arith.index_cast %j : index to i32
    %three = arith.constant 3 : i32
    %odd = arith.remsi %row, %three : i32
    %sum = arith.addi %odd, %column : i32
    %f = arith.sitofp %sum : i32 to f32
    %s = arith.subf %p, %f : f32
    linalg.yield %s : f32
  } -> tensor<?x@D@xf32>)"},
    {"branch_by_row", "", R"(
  %empty = tensor.empty(%t) : tensor<?x@D@xf32>
  %y = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x@D@xf32>) outs(%empty : tensor<?x@D@xf32>) {
  ^bb0(%p: f32, %old: f32):
    %i = linalg.index 0 : index
    %two = arith.constant 2 : index
    %half = arith.remui %i, %two : index
    %zero = arith.constant 0 : index
    %even = arith.cmpi eq, %half, %zero : index
    %r = scf.if %even -> f32 {
      %n = arith.negf %p : f32
      scf.yield %n : f32
    } else {
      %one = arith.constant 1.0 : f32
      scf.yield %one : f32
    }
    linalg.yield %r : f32
  } -> tensor<?x@D@xf32>)"},
    {"transpose", "tensor<@D@x?xf32>", R"(
  %empty = tensor.empty(%t) : tensor<@D@x?xf32>
  %y = linalg.transpose ins(%x : tensor<?x@D@xf32>) outs(%empty : tensor<@D@x?xf32>)
      permutation = [1, 0])"},
    {"row_sum", "tensor<?xf32>", R"(
  %empty = tensor.empty(%t) : tensor<?xf32>
  %zero = arith.constant 0.5 : f32
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x@D@xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%p: f32, %old: f32):
    %q = arith.mulf %p, %p : f32
    %s = arith.addf %old, %q : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>)"},
    {"row_maximum", "tensor<?xf32>", R"(
  %empty = tensor.empty(%t) : tensor<?xf32>
  %low = arith.constant 0xFF800000 : f32
  %init = linalg.fill ins(%low : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x@D@xf32>) outs(%init : tensor<?xf32>) {
  ^bb0(%p: f32, %old: f32):
    %s = arith.maximumf %p, %old : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>)"},
    {"row_scan_of_two", "tensor<?xf32>", R"(
  %empty = tensor.empty(%t) : tensor<?xf32>
  %low = arith.constant -100.0 : f32
  %init = linalg.fill ins(%low : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %y, %second = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x@D@xf32>) outs(%init, %init : tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%p: f32, %best: f32, %next: f32):
    %more = arith.cmpf ogt, %p, %best : f32
    %a = arith.select %more, %p, %best : f32
    %c = arith.select %more, %best, %next : f32
    linalg.yield %a, %c : f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>))"},
    {"column_sum", "tensor<@D@xf32>", R"(
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
      iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x@D@xf32>) outs(%b : tensor<@D@xf32>) {
  ^bb0(%p: f32, %old: f32):
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  } -> tensor<@D@xf32>)"},
    {"sum_of_all", "tensor<f32>", R"(
  %empty = tensor.empty() : tensor<f32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
      iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x@D@xf32>) outs(%init : tensor<f32>) {
  ^bb0(%p: f32, %old: f32):
    %q = arith.mulf %p, %p : f32
    %s = arith.addf %old, %q : f32
    linalg.yield %s : f32
  } -> tensor<f32>)",
     /*rows=*/200},
    {"signs", "tensor<?x@D@xi1>", R"(
  %empty = tensor.empty(%t) : tensor<?x@D@xi1>
  %y = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x@D@xf32>) outs(%empty : tensor<?x@D@xi1>) {
  ^bb0(%p: f32, %old: i1):
    %zero = arith.constant 0.0 : f32
    %s = arith.cmpf olt, %p, %zero : f32
    linalg.yield %s : i1
  } -> tensor<?x@D@xi1>)"},
    {"rounded_columns", "tensor<?x@D@xbf16>", R"(
  %empty = tensor.empty(%t) : tensor<?x@D@xbf16>
  %columns = tensor.extract_slice %x[0, 0] [%t, 1] [1, 1]
      : tensor<?x@D@xf32> to tensor<?x1xf32>
  %y = linalg.generic {indexing_maps = [
      affine_map<(i, j) -> (i, 0)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%columns, %x : tensor<?x1xf32>, tensor<?x@D@xf32>) outs(%empty : tensor<?x@D@xbf16>) {
  ^bb0(%first: f32, %p: f32, %old: bf16):
    %s = arith.mulf %first, %p : f32
    %n = arith.truncf %s : f32 to bf16
    linalg.yield %n : bf16
  } -> tensor<?x@D@xbf16>)"},
    {"gram", "tensor<?x?xf32>", R"(
  %empty = tensor.empty(%t, %t) : tensor<?x?xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>,
      affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %x : tensor<?x@D@xf32>, tensor<?x@D@xf32>) outs(%init : tensor<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %old: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %old, %m : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>)",
     /*rows=*/150},
    {"copies_of_rows", "tensor<?x3x@D@xf32>", R"(
  %empty = tensor.empty(%t) : tensor<?x3x@D@xf32>
  %y = linalg.broadcast ins(%x : tensor<?x@D@xf32>) outs(%empty : tensor<?x3x@D@xf32>)
      dimensions = [1])"},
};

std::string programOf(const Body &body, int64_t width) {
  std::string matrix = "tensor<?x@D@xf32>",
              result = *body.resultType ? body.resultType : matrix, dims;
  // Sizes that the call gives are all those of %x.
  for (size_t at = result.find('<'); at != std::string::npos;
       at = result.find('x', at + 1)) {
    size_t end = result.find('x', at + 1);
    if (end == std::string::npos)
      break;
    dims += (dims.empty() ? "\"" : ", \"");
    dims += result.substr(at + 1, end - at - 1) == "?" ? "T\"" : "\"";
  }
  std::string text = "func.func @main(%x: " + matrix +
                     " {moe.dims = [\"T\", \"\"]}, %b: tensor<@D@xf32>) -> (" +
                     result + " {moe.dims = [" + dims +
                     "]}) {\n  %c0 = arith.constant 0 : index\n"
                     "  %t = tensor.dim %x, %c0 : " +
                     matrix + body.text + "\n  return %y : " + result + "\n}\n";
  size_t at;
  while ((at = text.find("@D@")) != std::string::npos)
    text.replace(at, 3, std::to_string(width));
  return text;
}

class CpuLinalgTest : public testing::TestWithParam<Body> {};

} // namespace

// Widths around the number of lanes.
TEST_P(CpuLinalgTest, EverySize) {
  const Body &body = GetParam();
  Random random(7);
  int64_t number = 0;
  for (int64_t width : {1, 3, 8, 16, 19, 70}) {
    std::string text = programOf(body, width);
    SCOPED_TRACE(text);
    std::optional<Twins> twins =
        Twins::compile(text, number++ % 2 ? "x86-64-v3" : "native");
    if (!twins)
      return;
    auto next = [&] { return 2 * random.unit() - 1; };
    for (int64_t rows :
         {int64_t(0), int64_t(1), int64_t(2), int64_t(18), body.rows})
      twins->expectAgreement({makeTensor(MOERT_F32, {rows, width}, next),
                              makeTensor(MOERT_F32, {width}, next)});
  }
}

INSTANTIATE_TEST_SUITE_P(, CpuLinalgTest, testing::ValuesIn(bodies),
                         [](const testing::TestParamInfo<Body> &info) {
                           return info.param.name;
                         });
