// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize --cse | FileCheck %s

// A loop over experts; their offsets are checked, and clamped wherever they lead.

// CHECK-LABEL: @grouped_matmul
// CHECK-SAME: %{{.+}}: tensor<?x4xbf16>, %{{.+}}: tensor<3x4x8xbf16>, %[[OFFSETS:.+]]: tensor<4xi32>
func.func @grouped_matmul(%rows: tensor<?x4xbf16>, %w: tensor<3x4x8xbf16>, %offsets: tensor<4xi32>) -> tensor<?x8xbf16> {
  // CHECK: %[[NAN:.+]] = arith.constant 0x7FC00000 : f32
  // CHECK: linalg.fill ins(%[[NAN]]
  // CHECK: moek.check_offsets %[[OFFSETS]] to %{{.+}}, "offsets of moe.grouped_matmul"
  // CHECK: scf.for
  // CHECK:   tensor.extract %[[OFFSETS]]
  // CHECK:   arith.maxsi
  // CHECK:   arith.minsi
  // CHECK:   linalg.matmul {{.*}} -> tensor<{{.*}}x8xf32>
  // CHECK: arith.truncf %{{.+}} : f32 to bf16
  %y = moe.grouped_matmul %rows, %w, %offsets : tensor<?x4xbf16>, tensor<3x4x8xbf16>, tensor<4xi32> -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// An op of a dialect's own is left for others.

// CHECK-LABEL: @others
func.func @others(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: tosa.abs
  %y = tosa.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
