// RUN: moe-opt %s --moe-require-shapes --canonicalize --cse --canonicalize | FileCheck %s

// CHECK: #[[$PLUS_TWO:.+]] = affine_map<()[s0] -> (s0 + 2)>

// CHECK-LABEL: @linalg
// CHECK-SAME: %[[A:.+]]: tensor<?x4xf32>, %[[B:.+]]: tensor<4x?xf32>, %[[C:.+]]: tensor<?x?xf32>
func.func @linalg(%a: tensor<?x4xf32>, %b: tensor<4x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK-DAG: %[[C0:.+]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.+]] = arith.constant 1 : index
  // CHECK-DAG: %[[M:.+]] = tensor.dim %[[A]], %[[C0]]
  // CHECK-DAG: %[[N:.+]] = tensor.dim %[[B]], %[[C1]]
  // CHECK-DAG: %[[CM:.+]] = tensor.dim %[[C]], %[[C0]]
  // CHECK-DAG: %[[CN:.+]] = tensor.dim %[[C]], %[[C1]]
  // CHECK-DAG: moek.require %[[M]] eq %[[CM]], "sizes of linalg.matmul"
  // CHECK-DAG: moek.require %[[N]] eq %[[CN]], "sizes of linalg.matmul"
  %d = linalg.matmul ins(%a, %b : tensor<?x4xf32>, tensor<4x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %d : tensor<?x?xf32>
}

// What is plain costs nothing.

// CHECK-LABEL: @plain
// CHECK-NOT: moek.require
func.func @plain(%a: tensor<?x4xf32>, %s: tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<2x4xf32>, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %a, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %b = linalg.exp ins(%a : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %c = tensor.extract_slice %s[1, 0] [2, 4] [1, 1] : tensor<4x4xf32> to tensor<2x4xf32>
  %d = tensor.concat dim(1) %a, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  return %b, %c, %d : tensor<?x4xf32>, tensor<2x4xf32>, tensor<?x8xf32>
}

// The last element that a window reads is inside.

// CHECK-LABEL: @window
// CHECK-SAME: %[[X:.+]]: tensor<?xf32>, %{{.+}}: tensor<3xf32>, %[[Y:.+]]: tensor<?xf32>
func.func @window(%x: tensor<?xf32>, %k: tensor<3xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK-DAG: %[[N:.+]] = tensor.dim %[[X]]
  // CHECK-DAG: %[[M:.+]] = tensor.dim %[[Y]]
  // CHECK: %[[END:.+]] = affine.apply #[[$PLUS_TWO]]()[%[[M]]]
  // CHECK: moek.require %[[END]] le %[[N]], "sizes of linalg.conv_1d"
  %z = linalg.conv_1d ins(%x, %k : tensor<?xf32>, tensor<3xf32>) outs(%y : tensor<?xf32>) -> tensor<?xf32>
  return %z : tensor<?xf32>
}

// CHECK-LABEL: @tensors
// CHECK-SAME: %[[X:.+]]: tensor<?xf32>, %[[Y:.+]]: tensor<?xf32>
func.func @tensors(%x: tensor<?xf32>, %y: tensor<?xf32>) -> (tensor<8xf32>, tensor<2xf32>, tensor<?xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK-DAG: %[[N:.+]] = tensor.dim %[[X]]
  // CHECK-DAG: %[[M:.+]] = tensor.dim %[[Y]]
  %m = tensor.dim %y, %c0 : tensor<?xf32>
  // CHECK: moek.require %[[N]] eq %{{.*}}, "sizes of tensor.cast"
  %cast = tensor.cast %x : tensor<?xf32> to tensor<8xf32>
  // The third element from the last one read: 3 + 4 + 1.
  // CHECK: moek.require %{{.*}} le %[[N]], "sizes of tensor.extract_slice"
  %slice = tensor.extract_slice %x[3] [2] [4] : tensor<?xf32> to tensor<2xf32>
  // CHECK: moek.require %[[M]] le %[[N]], "sizes of tensor.insert_slice"
  %inserted = tensor.insert_slice %y into %x[0] [%m] [1] : tensor<?xf32> into tensor<?xf32>
  // CHECK: %[[PRODUCT:.+]] = arith.muli %[[M]], %{{.+}}
  // CHECK: moek.require %[[PRODUCT]] eq %[[N]], "sizes of tensor.expand_shape"
  %expanded = tensor.expand_shape %x [[0, 1]] output_shape [%m, 3] : tensor<?xf32> into tensor<?x3xf32>
  return %cast, %slice, %inserted, %expanded : tensor<8xf32>, tensor<2xf32>, tensor<?xf32>, tensor<?x3xf32>
}

// A slice at an offset that is data is trusted.

// CHECK-LABEL: @trusted
// CHECK-NOT: moek.require
func.func @trusted(%x: tensor<?xf32>, %i: index, %n: index) -> tensor<?xf32> {
  %y = tensor.extract_slice %x[%i] [%n] [1] : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}

// CHECK-LABEL: @moe
// CHECK-SAME: %[[INDICES:.+]]: tensor<?x2xi32>, %[[ROWS:.+]]: tensor<?x4xf32>, %[[WEIGHTS:.+]]: tensor<?x2xf32>
func.func @moe(%slots: tensor<?x2xi32>, %rows: tensor<?x4xf32>, %weights: tensor<?x2xf32>) -> tensor<6x4xf32> {
  // CHECK-DAG: %[[T:.+]] = tensor.dim %[[INDICES]]
  // CHECK-DAG: %[[U:.+]] = tensor.dim %[[WEIGHTS]]
  // CHECK-DAG: moek.require %[[T]] eq %[[U]], "sizes of moe.combine"
  // CHECK-DAG: moek.require %[[T]] eq %{{.*}}, "sizes of moe.combine"
  %y = moe.combine %rows[%slots] weights(%weights : tensor<?x2xf32>) : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<6x4xf32>
  return %y : tensor<6x4xf32>
}
