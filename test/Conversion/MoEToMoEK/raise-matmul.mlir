// RUN: moe-opt %s --moe-raise-matmul --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: @from_zero
// CHECK-SAME: %[[X:.+]]: tensor<?x8xf32>, %[[W:.+]]: tensor<8x5xf32>
func.func @from_zero(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %n: index) -> tensor<?x5xf32> {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[EMPTY:.+]] = tensor.empty
  %empty = tensor.empty(%n) : tensor<?x5xf32>
  // CHECK-NOT: linalg.fill
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  // CHECK: moek.gemm ins(%[[X]] : tensor<?x8xf32>) weights(%[[W]] : tensor<8x5xf32>) outs(%[[EMPTY]] : tensor<?x5xf32>) {
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %{{.+}}: f32):
  // CHECK-NEXT: moek.yield %[[SUM]] : f32
  %y = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%zeros : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: @added_to
func.func @added_to(%x: tensor<?x8xbf16>, %w: tensor<8x5xbf16>, %y: tensor<?x5xbf16>) -> tensor<?x5xbf16> {
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xbf16>) weights(%arg1 : tensor<8x5xbf16>) outs(%arg2 : tensor<?x5xbf16>) {
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[OLD:.+]]: bf16):
  // CHECK-NEXT: %[[WIDE:.+]] = arith.extf %[[OLD]]
  // CHECK-NEXT: %[[NEW:.+]] = arith.addf %[[WIDE]], %[[SUM]] : f32
  // CHECK-NEXT: %[[ROUNDED:.+]] = arith.truncf %[[NEW]]
  // CHECK-NEXT: moek.yield %[[ROUNDED]] : bf16
  %z = linalg.matmul ins(%x, %w : tensor<?x8xbf16>, tensor<8x5xbf16>) outs(%y : tensor<?x5xbf16>) -> tensor<?x5xbf16>
  return %z : tensor<?x5xbf16>
}

// -----

// CHECK-LABEL: @weights_transposed
func.func @weights_transposed(%x: tensor<?x8xf32>, %w: tensor<5x8xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%arg1 : tensor<5x8xf32>) transposed outs(%arg2
  %z = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x8xf32>, tensor<5x8xf32>) outs(%y : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: @rows_transposed
func.func @rows_transposed(%x: tensor<8x?xf32>, %w: tensor<8x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: %[[ROWS:.+]] = linalg.transpose ins(%arg0 : tensor<8x?xf32>) {{.+}} permutation = [1, 0]
  // CHECK: moek.gemm ins(%[[ROWS]] : tensor<?x8xf32>) weights(%arg1 : tensor<8x5xf32>) outs(%arg2
  %z = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<8x?xf32>, tensor<8x5xf32>) outs(%y : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// -----

// y = (w @ x^T)^T: the rows are the first dimension of the result.
// CHECK-LABEL: @weights_first
func.func @weights_first(%w: tensor<5x8xf32>, %x: tensor<?x8xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: moek.gemm ins(%arg1 : tensor<?x8xf32>) weights(%arg0 : tensor<5x8xf32>) transposed outs(%arg2
  %z = linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (n, m)>]
      ins(%w, %x : tensor<5x8xf32>, tensor<?x8xf32>) outs(%y : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: @generic
func.func @generic(%x: tensor<?x8xbf16>, %w: tensor<5x8xbf16>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xbf16>) weights(%arg1 : tensor<5x8xbf16>) transposed outs(%arg2
  %z = linalg.generic {indexing_maps = [affine_map<(m, k, n) -> (m, k)>, affine_map<(m, k, n) -> (n, k)>, affine_map<(m, k, n) -> (m, n)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<?x8xbf16>, tensor<5x8xbf16>) outs(%y : tensor<?x5xf32>) {
  ^bb0(%a: bf16, %b: bf16, %old: f32):
    %p = arith.extf %a : bf16 to f32
    %q = arith.extf %b : bf16 to f32
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %m, %old : f32
    linalg.yield %s : f32
  } -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// -----

// CHECK-LABEL: @vecmat
func.func @vecmat(%x: tensor<8xf32>, %w: tensor<8x5xf32>, %y: tensor<5xf32>) -> tensor<5xf32> {
  // CHECK: %[[ROW:.+]] = tensor.expand_shape %arg0 {{\[\[}}0, 1]] {{.+}} : tensor<8xf32> into tensor<1x8xf32>
  // CHECK: %[[Y:.+]] = moek.gemm ins(%[[ROW]] : tensor<1x8xf32>) weights(%arg1 : tensor<8x5xf32>) outs({{.+}} : tensor<1x5xf32>)
  // CHECK: tensor.collapse_shape %[[Y]] {{\[\[}}0, 1]] : tensor<1x5xf32> into tensor<5xf32>
  %z = linalg.vecmat ins(%x, %w : tensor<8xf32>, tensor<8x5xf32>) outs(%y : tensor<5xf32>) -> tensor<5xf32>
  return %z : tensor<5xf32>
}

// -----

// CHECK-LABEL: @matvec
func.func @matvec(%w: tensor<5x8xf32>, %x: tensor<8xf32>, %y: tensor<5xf32>) -> tensor<5xf32> {
  // CHECK: %[[ROW:.+]] = tensor.expand_shape %arg1
  // CHECK: moek.gemm ins(%[[ROW]] : tensor<1x8xf32>) weights(%arg0 : tensor<5x8xf32>) transposed
  %z = linalg.matvec ins(%w, %x : tensor<5x8xf32>, tensor<8xf32>) outs(%y : tensor<5xf32>) -> tensor<5xf32>
  return %z : tensor<5xf32>
}

// -----

// CHECK-LABEL: @batch_of_one
func.func @batch_of_one(%x: tensor<1x?x8xf32>, %w: tensor<1x8x5xf32>, %n: index) -> tensor<1x?x5xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%n) : tensor<1x?x5xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x?x5xf32>) -> tensor<1x?x5xf32>
  // CHECK-DAG: %[[X:.+]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1], [2]] : tensor<1x?x8xf32> into tensor<?x8xf32>
  // CHECK-DAG: %[[W:.+]] = tensor.collapse_shape %arg1 {{\[\[}}0, 1], [2]] : tensor<1x8x5xf32> into tensor<8x5xf32>
  // CHECK: %[[Y:.+]] = moek.gemm ins(%[[X]] : tensor<?x8xf32>) weights(%[[W]] : tensor<8x5xf32>)
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %{{.+}}: f32):
  // CHECK-NEXT: moek.yield %[[SUM]] : f32
  // CHECK: tensor.expand_shape %[[Y]]
  // CHECK-NOT: linalg.batch_matmul
  %y = linalg.batch_matmul ins(%x, %w : tensor<1x?x8xf32>, tensor<1x8x5xf32>) outs(%zeros : tensor<1x?x5xf32>) -> tensor<1x?x5xf32>
  return %y : tensor<1x?x5xf32>
}
