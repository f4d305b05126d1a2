// RUN: moe-opt %s -canonicalize -split-input-file | FileCheck %s

// A weighted sum over collected slots is a combine, whatever the order of loops
// and factors.
// CHECK-LABEL: func @weighted_sum
// CHECK-SAME: (%[[ROWS:.*]]: tensor<?x64xbf16>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>
func.func @weighted_sum(%rows: tensor<?x64xbf16>, %slot_row: tensor<?x2xi32>, %w: tensor<?x2xf32>,
    %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[Y:.*]] = moe.combine %[[ROWS]][%[[SLOT_ROW]]] weights(%[[W]] : tensor<?x2xf32>) : tensor<?x64xbf16>, tensor<?x2xi32> -> tensor<?x64xf32>
  // CHECK-NEXT: return %[[Y]]
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xbf16>, tensor<?x2xi32> -> tensor<?x2x64xbf16>
  %zero = arith.constant 0.0 : f32
  %start = linalg.fill ins(%zero : f32) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(t, k, d) -> (t, k, d)>, affine_map<(t, k, d) -> (t, k)>,
                       affine_map<(t, k, d) -> (t, d)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%slots, %w : tensor<?x2x64xbf16>, tensor<?x2xf32>) outs(%start : tensor<?x64xf32>) {
  ^bb0(%s: bf16, %v: f32, %sum: f32):
    %e = arith.extf %s : bf16 to f32
    %p = arith.mulf %v, %e : f32
    %r = arith.addf %p, %sum : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

#slots = affine_map<(t, d, k) -> (t, k, d)>
#td = affine_map<(t, d, k) -> (t, d)>

// CHECK-LABEL: func @plain_sum
func.func @plain_sum(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>, %out: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  // CHECK: moe.combine %{{.*}}[%{{.*}}] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  // CHECK-NOT: linalg.generic
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  %zero = arith.constant 0.0 : f32
  %start = linalg.fill ins(%zero : f32) outs(%out : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [#slots, #td], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%slots : tensor<?x2x64xf32>) outs(%start : tensor<?x64xf32>) {
  ^bb0(%s: f32, %sum: f32):
    %r = arith.addf %sum, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// A sum that does not start from 0, one that is no sum over k, one that rounds.
// CHECK-LABEL: func @no_combine
// CHECK-NOT: moe.combine
func.func @no_combine(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>, %out: tensor<?x64xf32>,
    %max: tensor<?x64xf32>, %half: tensor<?x64xf16>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf16>) {
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  // CHECK-COUNT-3: linalg.generic
  %0 = linalg.generic {indexing_maps = [#slots, #td], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%slots : tensor<?x2x64xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%s: f32, %sum: f32):
    %r = arith.addf %sum, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %zero = arith.constant 0.0 : f32
  %start = linalg.fill ins(%zero : f32) outs(%max : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = linalg.generic {indexing_maps = [#slots, #td], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%slots : tensor<?x2x64xf32>) outs(%start : tensor<?x64xf32>) {
  ^bb0(%s: f32, %best: f32):
    %r = arith.maximumf %best, %s : f32
    linalg.yield %r : f32
  } -> tensor<?x64xf32>
  %half_slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf16>
  %half_zero = arith.constant 0.0 : f16
  %half_start = linalg.fill ins(%half_zero : f16) outs(%half : tensor<?x64xf16>) -> tensor<?x64xf16>
  %2 = linalg.generic {indexing_maps = [#slots, #td], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%half_slots : tensor<?x2x64xf16>) outs(%half_start : tensor<?x64xf16>) {
  ^bb0(%s: f16, %sum: f16):
    %r = arith.addf %sum, %s : f16
    linalg.yield %r : f16
  } -> tensor<?x64xf16>
  return %0, %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf16>
}

// -----

// CHECK-LABEL: func @depth_zero_is_combine
// CHECK-SAME: (%[[ROWS:.*]]: tensor<?x64xf32>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>
func.func @depth_zero_is_combine(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>, %w: tensor<?x2xf32>,
    %gamma: tensor<0x64xf32>, %down: tensor<0x64x16xf32>, %message: tensor<0x16x64xf32>,
    %up: tensor<0x16x64xf32>) -> tensor<?x64xf16> {
  // CHECK-NEXT: %[[Y:.*]] = moe.combine %[[ROWS]][%[[SLOT_ROW]]] weights(%[[W]] : tensor<?x2xf32>) : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf16>
  // CHECK-NEXT: return %[[Y]]
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  %y = moe.dag_aggregate %slots weights(%w : tensor<?x2xf32>) mask(%slot_row : tensor<?x2xi32>)
      norm rms(%gamma : tensor<0x64xf32>) down(%down : tensor<0x64x16xf32>)
      message silu(%message : tensor<0x16x64xf32>) up(%up : tensor<0x16x64xf32>)
      {epsilon = 0.0 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf16>
  return %y : tensor<?x64xf16>
}

// The residual is added once a live node.
// CHECK-LABEL: func @depth_zero_residual_mask
func.func @depth_zero_residual_mask(%rows: tensor<?x64xf32>, %slot_row: tensor<?x4xi32>, %x: tensor<?x64xbf16>,
    %gamma: tensor<0x64xf32>, %down: tensor<0x64x16xf32>, %message: tensor<0x16x64xf32>,
    %up: tensor<0x16x64xf32>) -> tensor<?x64xf32> {
  // CHECK-DAG: %[[QUARTER:.*]] = arith.constant 2.500000e-01 : f32
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK: %[[SUM:.*]] = moe.combine %{{.*}}[%[[SLOT_ROW:.*]]] :
  // CHECK: linalg.generic
  // CHECK-SAME: ["parallel", "parallel", "reduction"]
  // CHECK-SAME: ins(%{{.*}}, %[[SLOT_ROW]] : tensor<?x64xbf16>, tensor<?x4xi32>) outs(%[[SUM]] : tensor<?x64xf32>)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: bf16, %[[ROW:.*]]: i32, %[[ACC:.*]]: f32):
  // CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[X]] : bf16 to f32
  // CHECK-NEXT: %[[SHARE:.*]] = arith.mulf %[[WIDE]], %[[QUARTER]]
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addf %[[ACC]], %[[SHARE]]
  // CHECK-NEXT: %[[LIVE:.*]] = arith.cmpi sge, %[[ROW]], %[[ZERO]]
  // CHECK-NEXT: arith.select %[[LIVE]], %[[NEXT]], %[[ACC]]
  // CHECK-NOT: moe.dag_aggregate
  %slots = moe.collect %rows[%slot_row] : tensor<?x64xf32>, tensor<?x4xi32> -> tensor<?x4x64xf32>
  %y = moe.dag_aggregate %slots residual(%x : tensor<?x64xbf16>) mask(%slot_row : tensor<?x4xi32>)
      norm rms(%gamma : tensor<0x64xf32>) down(%down : tensor<0x64x16xf32>)
      message silu(%message : tensor<0x16x64xf32>) up(%up : tensor<0x16x64xf32>)
      {epsilon = 0.0 : f64} : tensor<?x4x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// Slots of another origin, summed by linalg; without a mask all shares of the
// residual are one sum.
// CHECK-LABEL: func @depth_zero_no_collect
func.func @depth_zero_no_collect(%slots: tensor<7x2x64xbf16>, %w: tensor<7x2xbf16>, %x: tensor<7x64xbf16>,
    %mask: tensor<7x2xi32>, %gamma: tensor<0x64xf32>, %down: tensor<0x64x16xf32>,
    %message: tensor<0x16x64xf32>, %up: tensor<0x16x64xf32>) -> (tensor<7x64xbf16>, tensor<?x64xf32>) {
  // CHECK-DAG: %[[THREE:.*]] = arith.constant 3.000000e+00 : f32
  // CHECK: %[[START:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<7x64xf32>)
  // CHECK: %[[SUM:.*]] = linalg.generic
  // CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<7x2x64xbf16>, tensor<7x2xbf16>) outs(%[[START]]
  // CHECK: linalg.generic
  // CHECK-SAME: ["parallel", "parallel"]
  // CHECK-SAME: outs(%[[SUM]] : tensor<7x64xf32>)
  // CHECK: %[[SHARES:.*]] = arith.mulf %{{.*}}, %[[THREE]]
  // CHECK: arith.addf %{{.*}}, %[[SHARES]]
  // CHECK: arith.truncf %{{.*}} : f32 to bf16
  %a = moe.dag_aggregate %slots weights(%w : tensor<7x2xbf16>) residual(%x : tensor<7x64xbf16>)
      norm rms(%gamma : tensor<0x64xf32>) down(%down : tensor<0x64x16xf32>)
      message silu(%message : tensor<0x16x64xf32>) up(%up : tensor<0x16x64xf32>)
      {epsilon = 0.0 : f64, residual_scale = 1.5 : f64} : tensor<7x2x64xbf16> -> tensor<7x64xbf16>
  // CHECK: linalg.generic
  // CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<7x2x64xbf16>, tensor<7x2xi32>)
  // CHECK: arith.select
  // CHECK: tensor.cast %{{.*}} : tensor<7x64xf32> to tensor<?x64xf32>
  // CHECK-NOT: moe.dag_aggregate
  %b = moe.dag_aggregate %slots mask(%mask : tensor<7x2xi32>)
      norm rms(%gamma : tensor<0x64xf32>) down(%down : tensor<0x64x16xf32>)
      message silu(%message : tensor<0x16x64xf32>) up(%up : tensor<0x16x64xf32>)
      {epsilon = 0.0 : f64} : tensor<7x2x64xbf16> -> tensor<?x64xf32>
  return %a, %b : tensor<7x64xbf16>, tensor<?x64xf32>
}

// -----

// CHECK-LABEL: func @neutral_operands
func.func @neutral_operands(%slots: tensor<?x4x8xf32>, %x: tensor<?x8xf32>, %gamma: tensor<1x8xf32>,
    %down: tensor<1x8x3xf32>, %message: tensor<1x3x12xf32>, %up: tensor<1x3x8xf32>, %t: index) -> tensor<?x8xf32> {
  %edges = arith.constant dense<1.0> : tensor<4x4xf32>
  // CHECK: moe.dag_aggregate
  // CHECK-NOT: edges
  // CHECK-NOT: residual_scale
  %y = moe.dag_aggregate %slots residual(%x : tensor<?x8xf32>) edges(%edges : tensor<4x4xf32>)
      norm rms(%gamma : tensor<1x8xf32>) down(%down : tensor<1x8x3xf32>)
      message silu(%message : tensor<1x3x12xf32>) up(%up : tensor<1x3x8xf32>)
      {epsilon = 0.0 : f64, residual_scale = 0.25 : f64} : tensor<?x4x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func @neutral_weights
func.func @neutral_weights(%slots: tensor<5x4x8xf32>, %gamma: tensor<1x8xf32>, %down: tensor<1x8x3xf32>,
    %message: tensor<1x3x12xf32>, %up: tensor<1x3x8xf32>) -> (tensor<5x8xf32>, tensor<5x8xf32>) {
  %ones = arith.constant dense<1.0> : tensor<5x4xf32>
  // CHECK: moe.dag_aggregate %{{[a-z0-9]+}} norm
  %y = moe.dag_aggregate %slots weights(%ones : tensor<5x4xf32>)
      norm rms(%gamma : tensor<1x8xf32>) down(%down : tensor<1x8x3xf32>)
      message silu(%message : tensor<1x3x12xf32>) up(%up : tensor<1x3x8xf32>)
      {epsilon = 0.0 : f64} : tensor<5x4x8xf32> -> tensor<5x8xf32>
  // Weights in f64 make the sums f64.
  %wide = arith.constant dense<1.0> : tensor<5x4xf64>
  // CHECK: moe.dag_aggregate %{{[a-z0-9]+}} weights(
  %z = moe.dag_aggregate %slots weights(%wide : tensor<5x4xf64>)
      norm rms(%gamma : tensor<1x8xf32>) down(%down : tensor<1x8x3xf32>)
      message silu(%message : tensor<1x3x12xf32>) up(%up : tensor<1x3x8xf32>)
      {epsilon = 0.0 : f64} : tensor<5x4x8xf32> -> tensor<5x8xf32>
  return %y, %z : tensor<5x8xf32>, tensor<5x8xf32>
}
