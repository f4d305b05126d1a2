// RUN: moe-opt %s --moe-decompose --canonicalize --cse | FileCheck %s

// Two products into f32, one element-wise op between them that rounds once.

// CHECK-LABEL: @gated
// CHECK-SAME: %[[ROWS:.+]]: tensor<?x4xbf16>, %[[OFFSETS:.+]]: tensor<3xi32>, %[[GATE:[a-z0-9]+]]: tensor<2x4x8xbf16>, %[[UP:[a-z0-9]+]]: tensor<2x4x8xbf16>, %[[DOWN:.+]]: tensor<2x8x4xbf16>
func.func @gated(%rows: tensor<?x4xbf16>, %offsets: tensor<3xi32>, %gate: tensor<2x4x8xbf16>,
                 %up: tensor<2x4x8xbf16>, %down: tensor<2x8x4xbf16>) -> tensor<?x4xf32> {
  // CHECK-NOT: moe.expert_ffn
  // CHECK-DAG: %[[U:.+]] = moe.grouped_matmul %[[ROWS]], %[[UP]], %[[OFFSETS]] : {{.*}} -> tensor<?x8xf32>
  // CHECK-DAG: %[[G:.+]] = moe.grouped_matmul %[[ROWS]], %[[GATE]], %[[OFFSETS]] : {{.*}} -> tensor<?x8xf32>
  // CHECK: %[[HIDDEN:.+]] = linalg.generic {{.*}} ins(%[[G]], %[[U]]
  // CHECK:   math.exp
  // CHECK:   arith.divf
  // CHECK:   arith.mulf
  // CHECK:   arith.truncf %{{.+}} : f32 to bf16
  // CHECK: %[[Y:.+]] = moe.grouped_matmul %[[HIDDEN]], %[[DOWN]], %[[OFFSETS]] : {{.*}} -> tensor<?x4xf32>
  // CHECK: return %[[Y]]
  %y = moe.expert_ffn %rows, %offsets gate(%gate : tensor<2x4x8xbf16>) up(%up : tensor<2x4x8xbf16>)
      down(%down : tensor<2x8x4xbf16>) activation(silu) : tensor<?x4xbf16>, tensor<3xi32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Without offsets one dense layer; a limit clamps before the activation.

// CHECK-LABEL: @dense
func.func @dense(%rows: tensor<5x4xf32>, %up: tensor<4x8xf32>, %bias: tensor<8xf32>, %down: tensor<8x4xf32>) -> tensor<5x4xf32> {
  // CHECK: linalg.matmul
  // CHECK: arith.addf
  // CHECK: arith.minimumf
  // CHECK: arith.maximumf
  // CHECK: linalg.matmul
  // CHECK-NOT: moe.
  %y = moe.expert_ffn %rows up(%up : tensor<4x8xf32> bias %bias : tensor<8xf32>) down(%down : tensor<8x4xf32>)
      activation(relu) {limit = 7.0 : f64} : tensor<5x4xf32> -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}
