// RUN: moe-opt %s --moe-expand-linalg | FileCheck %s

// CHECK-LABEL: @softmax
func.func @softmax(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // The maximum, the powers, their sum, the quotient.
  // CHECK-NOT: linalg.softmax
  // CHECK: arith.maxnumf
  // CHECK: math.exp
  // CHECK: arith.addf
  // CHECK: arith.divf
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: @pack
func.func @pack(%x: tensor<8x6xf32>, %e: tensor<2x3x4x2xf32>, %f: tensor<8x6xf32>) -> (tensor<2x3x4x2xf32>, tensor<8x6xf32>) {
  // CHECK-NOT: linalg.pack
  // CHECK: tensor.expand_shape
  // CHECK: linalg.transpose
  %y = linalg.pack %x inner_dims_pos = [0, 1] inner_tiles = [4, 2] into %e : tensor<8x6xf32> -> tensor<2x3x4x2xf32>
  // CHECK-NOT: linalg.unpack
  // CHECK: linalg.transpose
  // CHECK: tensor.collapse_shape
  %z = linalg.unpack %y inner_dims_pos = [0, 1] inner_tiles = [4, 2] into %f : tensor<2x3x4x2xf32> -> tensor<8x6xf32>
  return %y, %z : tensor<2x3x4x2xf32>, tensor<8x6xf32>
}

// A result of its own: no operand is overwritten.

// CHECK-LABEL: @elementwise
// CHECK-SAME: %[[C:.+]]: i1, %[[X:.+]]: tensor<?x4xf32>, %[[Y:.+]]: tensor<?x4xf32>
func.func @elementwise(%c: i1, %x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (tensor<?x4xi1>, tensor<?x4xf32>) {
  // CHECK: %[[EMPTY:.+]] = tensor.empty(%{{.+}}) : tensor<?x4xi1>
  // CHECK: linalg.generic {{.*}} ins(%[[X]], %[[Y]] : {{.*}}) outs(%[[EMPTY]]
  // CHECK:   arith.cmpf olt, %{{.+}}, %{{.+}} fastmath<nnan> : f32
  %less = arith.cmpf olt, %x, %y fastmath<nnan> : tensor<?x4xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[C]], %[[X]], %[[Y]] : i1,
  // CHECK:   arith.select
  %z = arith.select %c, %x, %y : tensor<?x4xf32>
  return %less, %z : tensor<?x4xi1>, tensor<?x4xf32>
}

// Constants stay.

// CHECK-LABEL: @constant
// CHECK-NEXT: arith.constant dense<1.0{{.*}}> : tensor<4xf32>
func.func @constant() -> tensor<4xf32> {
  %c = arith.constant dense<1.0> : tensor<4xf32>
  return %c : tensor<4xf32>
}
