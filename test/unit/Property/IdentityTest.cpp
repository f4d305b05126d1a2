//===- IdentityTest.cpp - two ways to say the same ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Each program computes the same in two ways: no reference is needed to know
// what is right.

#include "Identity.h"

using namespace moe::test;

/// @main(%logits[T,6]) -> indices and weights of the routes %i, %w and %j, %v.
static std::string twoRoutes(const std::string &body) {
  return R"(
    func.func @main(%logits: tensor<?x6xf32> {moe.dims = ["T", ""]})
        -> (tensor<?x2xi32> {moe.dims = ["T", ""]}, tensor<?x2xi32> {moe.dims = ["T", ""]},
            tensor<?x2xf32> {moe.dims = ["T", ""]}, tensor<?x2xf32> {moe.dims = ["T", ""]}) {
      )" +
         body +
         R"(
      return %i, %j, %w, %v : tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x2xf32>
    })";
}

TEST(IdentityTest, NormalizedSoftmaxIsSoftmaxOfSelected) {
  expectIdentity(twoRoutes(R"(
      %i, %w = moe.route %logits score(softmax) weights(normalized)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.route %logits score(identity) weights(softmax_selected)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"),
                 2e-5);
}

TEST(IdentityTest, ScaleIsLinear) {
  expectIdentity(twoRoutes(R"(
      %c0 = arith.constant 0 : index
      %tokens = tensor.dim %logits, %c0 : tensor<?x6xf32>
      %i, %w = moe.route %logits score(sigmoid) weights(normalized) scale 2.0
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %half = moe.route %logits score(sigmoid) weights(normalized)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %empty = tensor.empty(%tokens) : tensor<?x2xf32>
      %v = linalg.add ins(%half, %half : tensor<?x2xf32>, tensor<?x2xf32>)
                      outs(%empty : tensor<?x2xf32>) -> tensor<?x2xf32>)"));
}

TEST(IdentityTest, ZeroBiasIsNone) {
  expectIdentity(twoRoutes(R"(
      %zero = arith.constant dense<0.0> : tensor<6xf32>
      %i, %w = moe.route %logits bias(%zero : tensor<6xf32>) score(softmax) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.route %logits score(softmax) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"));
}

TEST(IdentityTest, SameBiasForAllSelectsTheSame) {
  expectIdentity(twoRoutes(R"(
      %one = arith.constant dense<1.0> : tensor<6xf32>
      %i, %w = moe.route %logits bias(%one : tensor<6xf32>) score(sigmoid) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.route %logits score(sigmoid) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"));
}

TEST(IdentityTest, KeysThatAreTheScores) {
  expectIdentity(twoRoutes(R"(
      %i, %w = moe.route %logits keys(%logits : tensor<?x6xf32>) score(softmax) weights(normalized)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.route %logits score(softmax) weights(normalized)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"));
}

TEST(IdentityTest, AllGroupsKeptIsNoGroups) {
  expectIdentity(twoRoutes(R"(
      %i, %w = moe.route %logits score(sigmoid) weights(score) groups(3 keep 3 by top_sum 2)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.route %logits score(sigmoid) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"));
}

TEST(IdentityTest, RouteOfPlainScoresIsTopK) {
  expectIdentity(twoRoutes(R"(
      %i, %w = moe.route %logits score(identity) weights(score)
        : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %j, %v = moe.top_k %logits : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>)"));
}

/// @main(%logits[T,3], %x[T,5]) -> two of [T,5], %y and %z.
static std::string twoLayers(const std::string &arguments,
                             const std::string &body) {
  return R"(
    func.func @main(%logits: tensor<?x3xf32> {moe.dims = ["T", ""]},
                    %x: tensor<?x5xf32> {moe.dims = ["T", ""]})" +
         arguments + R"()
        -> (tensor<?x5xf32> {moe.dims = ["T", ""]}, tensor<?x5xf32> {moe.dims = ["T", ""]}) {
      %c0 = arith.constant 0 : index
      %tokens = tensor.dim %x, %c0 : tensor<?x5xf32>
      )" +
         body +
         R"(
      return %y, %z : tensor<?x5xf32>, tensor<?x5xf32>
    })";
}

TEST(IdentityTest, CombineOfDispatchIsTheToken) {
  expectIdentity(twoLayers("", R"(
      %i, %w = moe.route %logits score(softmax) weights(unit)
        : tensor<?x3xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
      %row_slot, %slot_row, %offsets = moe.group %i
        : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<4xi32>
      %rows = moe.dispatch %x[%row_slot by 1]
        : tensor<?x5xf32>, tensor<?xi32> -> tensor<?x5xf32>
      %y = moe.combine %rows[%slot_row] : tensor<?x5xf32>, tensor<?x1xi32> -> tensor<?x5xf32>
      %z = tensor.cast %x : tensor<?x5xf32> to tensor<?x5xf32>)"));
}

TEST(IdentityTest, UnitWeightsAreNone) {
  expectIdentity(twoLayers("", R"(
      %i, %ones = moe.route %logits score(softmax) weights(unit)
        : tensor<?x3xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      %row_slot, %slot_row, %offsets = moe.group %i
        : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
      %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x5xf32>, tensor<?xi32> -> tensor<?x5xf32>
      %y = moe.combine %rows[%slot_row] weights(%ones : tensor<?x2xf32>)
        : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
      %z = moe.combine %rows[%slot_row] : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>)"));
}

TEST(IdentityTest, LargeCapacityIsNone) {
  std::string body;
  for (std::string name : {"y", "z"}) {
    body +=
        "%row_slot_" + name + ", %slot_row_" + name + ", %offsets_" + name +
        " = moe.group %i" + (name == "y" ? " capacity(%tokens)" : "") +
        R"( : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
      %rows_)" +
        name + " = moe.dispatch %x[%row_slot_" + name + R"( by 2]
        : tensor<?x5xf32>, tensor<?xi32> -> tensor<?x5xf32>
      %)" +
        name + " = moe.combine %rows_" + name + "[%slot_row_" + name +
        R"(] weights(%w : tensor<?x2xf32>)
        : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
      )";
  }
  expectIdentity(twoLayers("", R"(
      %i, %w = moe.route %logits score(softmax) weights(score)
        : tensor<?x3xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
      )" + body));
}

TEST(IdentityTest, OneExpertIsADenseNetwork) {
  expectIdentity(
      twoLayers(R"(, %up: tensor<1x5x7xf32>, %down: tensor<1x7x5xf32>)", R"(
      %first = arith.constant 0 : i32
      %empty = tensor.empty(%tokens) : tensor<?x1xi32>
      %i = linalg.fill ins(%first : i32) outs(%empty : tensor<?x1xi32>) -> tensor<?x1xi32>
      %row_slot, %slot_row, %offsets = moe.group %i
        : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<2xi32>
      %y = moe.expert_ffn %x, %offsets up(%up : tensor<1x5x7xf32>) down(%down : tensor<1x7x5xf32>)
        activation(gelu) : tensor<?x5xf32>, tensor<2xi32> -> tensor<?x5xf32>
      %up_dense = tensor.collapse_shape %up [[0, 1], [2]] : tensor<1x5x7xf32> into tensor<5x7xf32>
      %down_dense = tensor.collapse_shape %down [[0, 1], [2]] : tensor<1x7x5xf32> into tensor<7x5xf32>
      %z = moe.expert_ffn %x up(%up_dense : tensor<5x7xf32>) down(%down_dense : tensor<7x5xf32>)
        activation(gelu) : tensor<?x5xf32> -> tensor<?x5xf32>)"));
}

// All experts for every token: the sum over the dense networks, weighted by the
// scores.
TEST(IdentityTest, AllExpertsIsAWeightedSumOfDenseNetworks) {
  std::string dense = "%sum_0 = linalg.fill ins(%zero : f32) outs(%empty : "
                      "tensor<?x5xf32>) -> tensor<?x5xf32>\n";
  for (int e = 0; e < 3; ++e) {
    std::string n = std::to_string(e), next = std::to_string(e + 1);
    dense +=
        "%up_" + n + " = tensor.extract_slice %up[" + n +
        R"(, 0, 0] [1, 5, 7] [1, 1, 1] : tensor<3x5x7xf32> to tensor<5x7xf32>
      %down_)" +
        n + " = tensor.extract_slice %down[" + n +
        R"(, 0, 0] [1, 7, 5] [1, 1, 1] : tensor<3x7x5xf32> to tensor<7x5xf32>
      %out_)" +
        n + " = moe.expert_ffn %x up(%up_" + n +
        " : tensor<5x7xf32>) down(%down_" + n +
        R"( : tensor<7x5xf32>) activation(silu) : tensor<?x5xf32> -> tensor<?x5xf32>
      %column_)" +
        n + " = tensor.extract_slice %logits[0, " + n +
        R"(] [%tokens, 1] [1, 1] : tensor<?x3xf32> to tensor<?xf32>
      %sum_)" +
        next + R"( = linalg.generic {
          indexing_maps = [affine_map<(t, d) -> (t, d)>, affine_map<(t, d) -> (t)>,
                           affine_map<(t, d) -> (t, d)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%out_)" +
        n + ", %column_" + n + " : tensor<?x5xf32>, tensor<?xf32>) outs(%sum_" +
        n +
        R"( : tensor<?x5xf32>) {
      ^bb0(%o: f32, %s: f32, %sum: f32):
        %p = arith.mulf %o, %s : f32
        %q = arith.addf %sum, %p : f32
        linalg.yield %q : f32
      } -> tensor<?x5xf32>
      )";
  }
  expectIdentity(
      twoLayers(
          R"(, %up: tensor<3x5x7xf32> {moe.weight}, %down: tensor<3x7x5xf32>)",
          R"(
      %i, %w = moe.route %logits score(identity) weights(score)
        : tensor<?x3xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
      %row_slot, %slot_row, %offsets = moe.group %i
        : tensor<?x3xi32> -> tensor<?xi32>, tensor<?x3xi32>, tensor<4xi32>
      %rows = moe.dispatch %x[%row_slot by 3] : tensor<?x5xf32>, tensor<?xi32> -> tensor<?x5xf32>
      %outputs = moe.expert_ffn %rows, %offsets
        up(%up : tensor<3x5x7xf32>) down(%down : tensor<3x7x5xf32>)
        activation(silu) : tensor<?x5xf32>, tensor<4xi32> -> tensor<?x5xf32>
      %y = moe.combine %outputs[%slot_row] weights(%w : tensor<?x3xf32>)
        : tensor<?x5xf32>, tensor<?x3xi32> -> tensor<?x5xf32>
      %zero = arith.constant 0.0 : f32
      %empty = tensor.empty(%tokens) : tensor<?x5xf32>
      )" + dense +
              "%z = tensor.cast %sum_3 : tensor<?x5xf32> to tensor<?x5xf32>"),
      1e-4);
}
