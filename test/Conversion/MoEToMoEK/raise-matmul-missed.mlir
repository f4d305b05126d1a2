// RUN: moe-opt %s --moe-raise-matmul --remarks-filter=moe-raise-matmul 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

// CHECK-LABEL: @dynamic_width
func.func @dynamic_width(%x: tensor<?x?xf32>, %w: tensor<?x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not raised | {{.*}}Remark="its widths are dynamic"
  // CHECK: linalg.matmul
  %z = linalg.matmul ins(%x, %w : tensor<?x?xf32>, tensor<?x5xf32>) outs(%y : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// CHECK-LABEL: @f64
func.func @f64(%x: tensor<?x8xf64>, %w: tensor<8x5xf64>, %y: tensor<?x5xf64>) -> tensor<?x5xf64> {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not raised | {{.*}}Remark="it does not sum f32, bf16 or f16"
  // CHECK: linalg.matmul
  %z = linalg.matmul ins(%x, %w : tensor<?x8xf64>, tensor<8x5xf64>) outs(%y : tensor<?x5xf64>) -> tensor<?x5xf64>
  return %z : tensor<?x5xf64>
}

// CHECK-LABEL: @batch
func.func @batch(%x: tensor<3x?x8xf32>, %w: tensor<3x8x5xf32>, %y: tensor<3x?x5xf32>) -> tensor<3x?x5xf32> {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not raised | {{.*}}Remark="it has a batch"
  // CHECK: linalg.batch_matmul
  %z = linalg.batch_matmul ins(%x, %w : tensor<3x?x8xf32>, tensor<3x8x5xf32>) outs(%y : tensor<3x?x5xf32>) -> tensor<3x?x5xf32>
  return %z : tensor<3x?x5xf32>
}

// CHECK-LABEL: @two_sums
func.func @two_sums(%x: tensor<?x4x8xf32>, %w: tensor<4x8x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not raised | {{.*}}Remark="it has several loops of a kind"
  // CHECK: linalg.contract
  %z = linalg.contract indexing_maps = [affine_map<(m, n, k, l) -> (m, k, l)>, affine_map<(m, n, k, l) -> (k, l, n)>, affine_map<(m, n, k, l) -> (m, n)>]
      ins(%x, %w : tensor<?x4x8xf32>, tensor<4x8x5xf32>) outs(%y : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// Neither is a product; nothing is said.

// CHECK-LABEL: @dot
func.func @dot(%x: tensor<8xf32>, %w: tensor<8xf32>, %y: tensor<f32>) -> tensor<f32> {
  // CHECK: linalg.dot
  %z = linalg.dot ins(%x, %w : tensor<8xf32>, tensor<8xf32>) outs(%y : tensor<f32>) -> tensor<f32>
  return %z : tensor<f32>
}

// What is rounded before it is multiplied is another number.
// CHECK-LABEL: @rounded
func.func @rounded(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: linalg.generic
  %z = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%y : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %h = arith.truncf %a : f32 to bf16
    %p = arith.extf %h : bf16 to f32
    %m = arith.mulf %p, %b : f32
    %s = arith.addf %old, %m : f32
    linalg.yield %s : f32
  } -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}
