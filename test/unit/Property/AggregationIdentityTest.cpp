//===- AggregationIdentityTest.cpp - graphs, loops and plans, said twice --===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Identity.h"

using namespace moe::test;

// In place or not, an iteration computes what its text says.
TEST(IdentityTest, LoopIsItsUnrolledBody) {
  std::string weights = R"( project(%p : tensor<5x4xf32>)
        modulate(%m, %b : tensor<4x10xf32>, tensor<10xf32>) act(silu) norm(rms)
        {epsilon = 1.0e-6 : f64} : tensor<?x5xf32>, tensor<4xf32> -> tensor<?x5xf32>
      )";
  std::string unrolled;
  for (int k = 0; k < 3; ++k) {
    std::string n = std::to_string(k), from = k ? "%h" + n : "%x",
                to = "%h" + std::to_string(k + 1);
    unrolled += "%k" + n + " = arith.constant " + n + " : index\n      %code" +
                n + " = moe.iter_encode %k" + n + " : tensor<4xf32>\n      " +
                to + " = moe.iter_adaln " + from + ", %code" + n + weights;
  }
  expectIdentity(R"(
    func.func @main(%x: tensor<?x5xf32> {moe.dims = ["T", ""]}, %p: tensor<5x4xf32>,
                    %m: tensor<4x10xf32> {moe.weight}, %b: tensor<10xf32> {moe.weight})
        -> (tensor<?x5xf32> {moe.dims = ["T", ""]}, tensor<?x5xf32> {moe.dims = ["T", ""]}) {
      %three = arith.constant 3 : index
      %last = moe.loop %three init(%x : tensor<?x5xf32>) {
      ^bb0(%k: index, %h: tensor<?x5xf32>):
        %code = moe.iter_encode %k : tensor<4xf32>
        %next = moe.iter_adaln %h, %code)" +
                 weights + R"(
        moe.yield %next : tensor<?x5xf32>
      } -> tensor<?x5xf32>
      )" + unrolled +
                 R"(
      return %last, %h3 : tensor<?x5xf32>, tensor<?x5xf32>
    })");
}

/// A graph of two nodes on `slots`.
static std::string aggregate(const std::string &result,
                             const std::string &slots) {
  return result + " = moe.dag_aggregate " + slots + R"(
        norm rms(%gamma : tensor<2x5xf32>) down(%down : tensor<2x5x3xf32>)
        message silu(%message : tensor<2x3x12xf32>) up(%up : tensor<2x3x5xf32>)
        {epsilon = 1.0e-3 : f64} : tensor<?x2x5xf32> -> tensor<?x5xf32>
      )";
}

TEST(IdentityTest, GraphDoesNotKnowTheOrderOfItsNodes) {
  expectIdentity(R"(
    func.func @main(%a: tensor<?x5xf32> {moe.dims = ["T", ""]},
                    %b: tensor<?x5xf32> {moe.dims = ["T", ""]},
                    %gamma: tensor<2x5xf32>, %down: tensor<2x5x3xf32>,
                    %message: tensor<2x3x12xf32>, %up: tensor<2x3x5xf32>)
        -> (tensor<?x5xf32> {moe.dims = ["T", ""]}, tensor<?x5xf32> {moe.dims = ["T", ""]}) {
      %c0 = arith.constant 0 : index
      %tokens = tensor.dim %a, %c0 : tensor<?x5xf32>
      %empty = tensor.empty(%tokens) : tensor<?x2x5xf32>
      %a_0 = tensor.insert_slice %a into %empty[0, 0, 0] [%tokens, 1, 5] [1, 1, 1]
        : tensor<?x5xf32> into tensor<?x2x5xf32>
      %ab = tensor.insert_slice %b into %a_0[0, 1, 0] [%tokens, 1, 5] [1, 1, 1]
        : tensor<?x5xf32> into tensor<?x2x5xf32>
      %b_0 = tensor.insert_slice %b into %empty[0, 0, 0] [%tokens, 1, 5] [1, 1, 1]
        : tensor<?x5xf32> into tensor<?x2x5xf32>
      %ba = tensor.insert_slice %a into %b_0[0, 1, 0] [%tokens, 1, 5] [1, 1, 1]
        : tensor<?x5xf32> into tensor<?x2x5xf32>
      )" + aggregate("%y", "%ab") +
                     aggregate("%z", "%ba") + R"(
      return %y, %z : tensor<?x5xf32>, tensor<?x5xf32>
    })",
                 1e-4);
}

TEST(IdentityTest, PlanIgnoresAConstantAddedToARow) {
  expectIdentity(R"(
    func.func @main(%scores: tensor<?x3xf32> {moe.dims = ["N", ""]},
                    %shift: tensor<?xf32> {moe.dims = ["N"]})
        -> (tensor<?x3xf32> {moe.dims = ["N", ""]}, tensor<?x3xf32> {moe.dims = ["N", ""]}) {
      %c0 = arith.constant 0 : index
      %rows = tensor.dim %scores, %c0 : tensor<?x3xf32>
      %tau = arith.constant 0.5 : f32
      %empty = tensor.empty(%rows) : tensor<?x3xf32>
      %shifted = linalg.generic {
          indexing_maps = [affine_map<(n, e) -> (n, e)>, affine_map<(n, e) -> (n)>,
                           affine_map<(n, e) -> (n, e)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%scores, %shift : tensor<?x3xf32>, tensor<?xf32>) outs(%empty : tensor<?x3xf32>) {
      ^bb0(%s: f32, %c: f32, %out: f32):
        %sum = arith.addf %s, %c : f32
        linalg.yield %sum : f32
      } -> tensor<?x3xf32>
      %plan = moe.sinkhorn %scores temperature(%tau) iterations 6 final(col)
        : tensor<?x3xf32> -> tensor<?x3xf32>
      %same = moe.sinkhorn %shifted temperature(%tau) iterations 6 final(col)
        : tensor<?x3xf32> -> tensor<?x3xf32>
      return %plan, %same : tensor<?x3xf32>, tensor<?x3xf32>
    })",
                 1e-4);
}
