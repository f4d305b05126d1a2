// RUN: moe-opt %s -verify-roundtrip | FileCheck %s
// RUN: moe-opt %s -mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s -emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: func @collect
func.func @collect(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) -> tensor<?x2x64xf32> {
  // CHECK: moe.collect %{{[a-z0-9]+}}[%{{[a-z0-9]+}}] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  return %slots : tensor<?x2x64xf32>
}

// CHECK-LABEL: func @dag_aggregate
func.func @dag_aggregate(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>, %x: tensor<?x64xf32>,
    %slot_row: tensor<?x2xi32>, %edges: tensor<2x2xf32>, %gamma: tensor<3x64xf32>,
    %w_down: tensor<3x64x16xf32>, %w_message: tensor<3x16x64xf32>, %w_up: tensor<3x16x64xf32>)
    -> tensor<?x64xbf16> {
  // CHECK: moe.dag_aggregate %{{[a-z0-9]+}} weights(%{{[a-z0-9]+}} : tensor<?x2xf32>)
  // CHECK-SAME: residual(%{{[a-z0-9]+}} : tensor<?x64xf32>) mask(%{{[a-z0-9]+}} : tensor<?x2xi32>)
  // CHECK-SAME: edges(%{{[a-z0-9]+}} : tensor<2x2xf32>) norm layer(%{{[a-z0-9]+}} : tensor<3x64xf32>)
  // CHECK-SAME: down(%{{[a-z0-9]+}} : tensor<3x64x16xf32>) message gelu_tanh(%{{[a-z0-9]+}} : tensor<3x16x64xf32>)
  // CHECK-SAME: up(%{{[a-z0-9]+}} : tensor<3x16x64xf32>)
  // CHECK-SAME: {epsilon = 1.000000e-05 : f64, residual_scale = 1.000000e+00 : f64}
  // CHECK-SAME: : tensor<?x2x64xf32> -> tensor<?x64xbf16>
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%slot_row : tensor<?x2xi32>)
      edges(%edges : tensor<2x2xf32>) norm layer(%gamma : tensor<3x64xf32>)
      down(%w_down : tensor<3x64x16xf32>) message gelu_tanh(%w_message : tensor<3x16x64xf32>)
      up(%w_up : tensor<3x16x64xf32>) {epsilon = 1.0e-5 : f64, residual_scale = 1.0 : f64}
      : tensor<?x2x64xf32> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// CHECK-LABEL: func @dag_aggregate_plain
func.func @dag_aggregate_plain(%slots: tensor<5x2x8xbf16>, %gamma: tensor<1x8xbf16>,
    %w_down: tensor<1x8x3xbf16>, %w_message: tensor<1x3x12xbf16>, %w_up: tensor<1x3x8xbf16>)
    -> tensor<5x8xbf16> {
  // CHECK: moe.dag_aggregate %{{[a-z0-9]+}} norm rms(%{{[a-z0-9]+}} : tensor<1x8xbf16>)
  // CHECK-SAME: message sigmoid(
  // CHECK-SAME: {epsilon = 0.000000e+00 : f64} : tensor<5x2x8xbf16> -> tensor<5x8xbf16>
  %y = moe.dag_aggregate %slots norm rms(%gamma : tensor<1x8xbf16>)
      down(%w_down : tensor<1x8x3xbf16>) message sigmoid(%w_message : tensor<1x3x12xbf16>)
      up(%w_up : tensor<1x3x8xbf16>) {epsilon = 0.0 : f64} : tensor<5x2x8xbf16> -> tensor<5x8xbf16>
  return %y : tensor<5x8xbf16>
}
