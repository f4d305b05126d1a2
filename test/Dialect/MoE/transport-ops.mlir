// RUN: moe-opt %s -verify-roundtrip | FileCheck %s
// RUN: moe-opt %s -mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s -emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: func @sinkhorn
func.func @sinkhorn(%scores: tensor<?x6xf32>, %tau: f32, %row: tensor<?xf32>, %col: tensor<6xf32>)
    -> (tensor<?x6xf32>, tensor<?x6xbf16>) {
  // CHECK: moe.sinkhorn %{{[a-z0-9]+}} temperature(%{{[a-z0-9]+}}) iterations 50 final(col) : tensor<?x6xf32> -> tensor<?x6xf32>
  %uniform = moe.sinkhorn %scores temperature(%tau) iterations 50 final(col)
      : tensor<?x6xf32> -> tensor<?x6xf32>
  // CHECK: moe.sinkhorn %{{[a-z0-9]+}} temperature(%{{[a-z0-9]+}}) row(%{{[a-z0-9]+}} : tensor<?xf32>)
  // CHECK-SAME: col(%{{[a-z0-9]+}} : tensor<6xf32>) iterations 1 final(row) : tensor<?x6xf32> -> tensor<?x6xbf16>
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<?xf32>) col(%col : tensor<6xf32>)
      iterations 1 final(row) : tensor<?x6xf32> -> tensor<?x6xbf16>
  return %uniform, %plan : tensor<?x6xf32>, tensor<?x6xbf16>
}

// The temperature is f64 for f64 scores, f32 for all others.
// CHECK-LABEL: func @sinkhorn_types
func.func @sinkhorn_types(%a: tensor<4x2xf64>, %tau: f64, %b: tensor<4x2xf16>, %tau_b: f32)
    -> (tensor<4x2xf64>, tensor<4x2xf32>) {
  // CHECK: : tensor<4x2xf64> -> tensor<4x2xf64>
  %0 = moe.sinkhorn %a temperature(%tau) iterations 3 final(col) : tensor<4x2xf64> -> tensor<4x2xf64>
  // CHECK: : tensor<4x2xf16> -> tensor<4x2xf32>
  %1 = moe.sinkhorn %b temperature(%tau_b) iterations 3 final(col) : tensor<4x2xf16> -> tensor<4x2xf32>
  return %0, %1 : tensor<4x2xf64>, tensor<4x2xf32>
}

// Sums of constant marginals may differ by their rounding.
// CHECK-LABEL: func @sinkhorn_marginals
func.func @sinkhorn_marginals(%scores: tensor<4x3xf32>, %tau: f32) -> tensor<4x3xf32> {
  %col = arith.constant dense<[1.333, 1.333, 1.333]> : tensor<3xf32>
  // CHECK: moe.sinkhorn
  %plan = moe.sinkhorn %scores temperature(%tau) col(%col : tensor<3xf32>) iterations 3 final(col)
      : tensor<4x3xf32> -> tensor<4x3xf32>
  return %plan : tensor<4x3xf32>
}

// CHECK-LABEL: func @assign
func.func @assign(%plan: tensor<?x3xf32>, %capacity: tensor<3xi32>, %scores: tensor<12x3xf32>)
    -> (tensor<?xi32>, tensor<12xi32>) {
  // CHECK: moe.assign %{{[a-z0-9]+}}, %{{[a-z0-9]+}} method(greedy) : tensor<?x3xf32>, tensor<3xi32> -> tensor<?xi32>
  %greedy = moe.assign %plan, %capacity method(greedy) : tensor<?x3xf32>, tensor<3xi32> -> tensor<?xi32>
  %fives = arith.constant dense<[5, 5, 2]> : tensor<3xi32>
  // CHECK: moe.assign %{{[a-z0-9]+}}, %{{[a-z0-9_]+}} method(exact) : tensor<12x3xf32>, tensor<3xi32> -> tensor<12xi32>
  %exact = moe.assign %scores, %fives method(exact) : tensor<12x3xf32>, tensor<3xi32> -> tensor<12xi32>
  return %greedy, %exact : tensor<?xi32>, tensor<12xi32>
}

// CHECK-LABEL: func @straight_through
func.func @straight_through(%hard: tensor<?x6xf32>, %soft: tensor<?x6xf32>, %a: tensor<f32>, %b: tensor<f32>)
    -> (tensor<?x6xf32>, tensor<f32>) {
  // CHECK: moe.straight_through %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
  %mask = moe.straight_through %hard, %soft : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
  // CHECK: moe.straight_through %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<f32>, tensor<f32> -> tensor<f32>
  %scalar = moe.straight_through %a, %b : tensor<f32>, tensor<f32> -> tensor<f32>
  return %mask, %scalar : tensor<?x6xf32>, tensor<f32>
}

// CHECK-LABEL: func @one_hot
func.func @one_hot(%indices: tensor<?x2xi32>, %member: tensor<12xi32>, %n: index)
    -> (tensor<?x8xf32>, tensor<12x?xbf16>) {
  // CHECK: moe.one_hot %{{[a-z0-9]+}} : tensor<?x2xi32> -> tensor<?x8xf32>
  %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x8xf32>
  // CHECK: moe.one_hot %{{[a-z0-9]+}} size(%{{[a-z0-9]+}}) : tensor<12xi32> -> tensor<12x?xbf16>
  %rows = moe.one_hot %member size(%n) : tensor<12xi32> -> tensor<12x?xbf16>
  return %mask, %rows : tensor<?x8xf32>, tensor<12x?xbf16>
}
