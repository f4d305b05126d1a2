// RUN: moe-opt %s -canonicalize | FileCheck %s

// Only a value that is hard and soft at once needs no estimator; a fold of any
// other would lose the gradient.
// CHECK-LABEL: func @straight_through
// CHECK-SAME: (%[[HARD:.*]]: tensor<?x6xf32>, %[[SOFT:.*]]: tensor<?x6xf32>)
func.func @straight_through(%hard: tensor<?x6xf32>, %soft: tensor<?x6xf32>)
    -> (tensor<?x6xf32>, tensor<?x6xf16>, tensor<?x6xf32>) {
  // CHECK-NEXT: %[[NARROW:.*]] = moe.straight_through %[[HARD]], %[[HARD]]
  // CHECK-NEXT: %[[STE:.*]] = moe.straight_through %[[HARD]], %[[SOFT]]
  // CHECK-NEXT: return %[[HARD]], %[[NARROW]], %[[STE]]
  %same = moe.straight_through %hard, %hard : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
  %narrow = moe.straight_through %hard, %hard : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf16>
  %ste = moe.straight_through %hard, %soft : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
  return %same, %narrow, %ste : tensor<?x6xf32>, tensor<?x6xf16>, tensor<?x6xf32>
}

// CHECK-LABEL: func @one_hot
func.func @one_hot() -> (tensor<3x4xf32>, tensor<2x3xbf16>, tensor<0x4xf32>) {
  // CHECK-DAG{LITERAL}: dense<[[0.000000e+00, 0.000000e+00, 1.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<3x4xf32>
  %indices = arith.constant dense<[2, -1, 4]> : tensor<3xi32>
  %a = moe.one_hot %indices : tensor<3xi32> -> tensor<3x4xf32>
  // CHECK-DAG{LITERAL}: dense<[[1.000000e+00, 0.000000e+00, 1.000000e+00], [0.000000e+00, 1.000000e+00, 0.000000e+00]]> : tensor<2x3xbf16>
  %slots = arith.constant dense<[[2, 0], [1, 1]]> : tensor<2x2xi32>
  %b = moe.one_hot %slots : tensor<2x2xi32> -> tensor<2x3xbf16>
  // CHECK-DAG: dense<> : tensor<0x4xf32>
  %none = arith.constant dense<> : tensor<0xi32>
  %c = moe.one_hot %none : tensor<0xi32> -> tensor<0x4xf32>
  // CHECK-NOT: moe.one_hot
  return %a, %b, %c : tensor<3x4xf32>, tensor<2x3xbf16>, tensor<0x4xf32>
}

// A constant that is large, or of unknown size, is not made.
// CHECK-LABEL: func @one_hot_not_folded
func.func @one_hot_not_folded(%n: index) -> (tensor<65537x1xf32>, tensor<4294967296x4294967296xf32>, tensor<2x?xf32>) {
  // CHECK-COUNT-3: moe.one_hot
  %many = arith.constant dense<0> : tensor<65537xi32>
  %a = moe.one_hot %many : tensor<65537xi32> -> tensor<65537x1xf32>
  %huge = arith.constant dense<0> : tensor<4294967296xi32>
  %b = moe.one_hot %huge : tensor<4294967296xi32> -> tensor<4294967296x4294967296xf32>
  %two = arith.constant dense<0> : tensor<2xi32>
  %c = moe.one_hot %two size(%n) : tensor<2xi32> -> tensor<2x?xf32>
  return %a, %b, %c : tensor<65537x1xf32>, tensor<4294967296x4294967296xf32>, tensor<2x?xf32>
}

// Large splats are summed without walking over them.
// CHECK-LABEL: func @large_splats
func.func @large_splats(%scores: tensor<4294967296x1073741824xf32>, %tau: f32)
    -> (tensor<4294967296x1073741824xf32>, tensor<4294967296xi32>) {
  %ones = arith.constant dense<1.0> : tensor<4294967296xf32>
  %col = arith.constant dense<4.0> : tensor<1073741824xf32>
  // CHECK: moe.sinkhorn
  %plan = moe.sinkhorn %scores temperature(%tau) row(%ones : tensor<4294967296xf32>)
      col(%col : tensor<1073741824xf32>) iterations 1 final(col)
      : tensor<4294967296x1073741824xf32> -> tensor<4294967296x1073741824xf32>
  %capacity = arith.constant dense<4> : tensor<1073741824xi32>
  // CHECK: moe.assign
  %member = moe.assign %plan, %capacity method(greedy)
      : tensor<4294967296x1073741824xf32>, tensor<1073741824xi32> -> tensor<4294967296xi32>
  return %plan, %member : tensor<4294967296x1073741824xf32>, tensor<4294967296xi32>
}

// Constants without an element, written as a splat.
// CHECK-LABEL: func @empty_splats
func.func @empty_splats(%scores: tensor<0x3xf32>, %tau: f32) -> (tensor<0x3xf32>, tensor<2x3xf32>) {
  %row = arith.constant dense<1.0> : tensor<0xf32>
  // CHECK: moe.sinkhorn
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<0xf32>) iterations 1 final(col)
      : tensor<0x3xf32> -> tensor<0x3xf32>
  %none = arith.constant dense<1> : tensor<2x0xi32>
  // CHECK-NOT: moe.one_hot
  %zeros = moe.one_hot %none : tensor<2x0xi32> -> tensor<2x3xf32>
  return %plan, %zeros : tensor<0x3xf32>, tensor<2x3xf32>
}
