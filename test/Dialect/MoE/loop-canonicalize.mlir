// RUN: moe-opt %s -canonicalize -split-input-file | FileCheck %s

// No iteration: the state is the init, and the sizes of the empty stacks are
// traced through the body.
// CHECK-LABEL: func @no_iteration
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8x6xf32>)
func.func @no_iteration(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>)
    -> (tensor<?x8xf32>, tensor<0x?x6xf32>, tensor<?x?x2xi32>, tensor<0xindex>, tensor<0x?xi32>) {
  %n = arith.constant 0 : index
  // CHECK: %[[T:.*]] = tensor.dim %[[X]]
  // CHECK: %[[LOGITS:.*]] = tensor.empty(%[[T]]) : tensor<0x?x6xf32>
  // CHECK: %[[T1:.*]] = tensor.dim %[[X]]
  // CHECK: %[[E:.*]] = tensor.empty(%[[T1]]) : tensor<0x?x2xi32>
  // CHECK: %[[INDICES:.*]] = tensor.cast %[[E]] : tensor<0x?x2xi32> to tensor<?x?x2xi32>
  // CHECK: %[[KS:.*]] = tensor.empty() : tensor<0xindex>
  // CHECK: %[[T2:.*]] = tensor.dim %[[X]]
  // CHECK: %[[S:.*]] = affine.apply #{{.*}}()[%[[T2]]]
  // CHECK: %[[ROWS:.*]] = tensor.empty(%[[S]]) : tensor<0x?xi32>
  // CHECK: return %[[X]], %[[LOGITS]], %[[INDICES]], %[[KS]], %[[ROWS]]
  %y, %s:4 = moe.loop %n init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %t = tensor.dim %h, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%t) : tensor<?x6xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
    %z = linalg.matmul ins(%h, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
    %i, %p = moe.route %z score(softmax) weights(score) : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %row_slot, %slot_row, %off = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<7xi32>
    moe.yield %h : tensor<?x8xf32>
        stack(%z, %i, %k, %row_slot : tensor<?x6xf32>, tensor<?x2xi32>, index, tensor<?xi32>)
  } -> tensor<?x8xf32> stack(tensor<0x?x6xf32>, tensor<?x?x2xi32>, tensor<0xindex>, tensor<0x?xi32>)
  return %y, %s#0, %s#1, %s#2, %s#3
      : tensor<?x8xf32>, tensor<0x?x6xf32>, tensor<?x?x2xi32>, tensor<0xindex>, tensor<0x?xi32>
}

// -----

// A size that only a call in the body knows: the loop stays.
// CHECK-LABEL: func @no_iteration_unknown_size
func.func @no_iteration_unknown_size(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<0x?x8xf32>) {
  %n = arith.constant 0 : index
  // CHECK-NOT: tensor.dim
  // CHECK: moe.loop
  %y, %s:2 = moe.loop %n init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %z = func.call @f(%h) : (tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %h : tensor<?x8xf32> stack(%h, %z : tensor<?x8xf32>, tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<0x?x8xf32>, tensor<0x?x8xf32>)
  return %y, %s#1 : tensor<?x8xf32>, tensor<0x?x8xf32>
}
func.func private @f(tensor<?x8xf32>) -> tensor<?x8xf32>

// -----

// One iteration is the body with k = 0.
// CHECK-LABEL: func @one_iteration
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[S:.*]]: f32, %[[R0:.*]]: tensor<f32>)
func.func @one_iteration(%x: tensor<?x8xf32>, %s: f32, %r0: tensor<f32>)
    -> (tensor<?x8xf32>, tensor<1x?x8xf32>, tensor<?xf32>, tensor<1xf32>) {
  %n = arith.constant 1 : index
  // CHECK-NOT: moe.loop
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : index
  // CHECK: %[[G:.*]] = call @f(%[[ZERO]], %[[X]])
  // CHECK: %[[T:.*]] = tensor.dim %[[G]], %[[ZERO]]
  // CHECK: %[[STACK:.*]] = tensor.expand_shape %[[G]] {{\[\[}}0, 1], [2]] output_shape [1, %[[T]], 8]
  // CHECK: %[[SCALAR:.*]] = tensor.from_elements %[[S]] : tensor<1xf32>
  // CHECK: %[[SCALARS:.*]] = tensor.cast %[[SCALAR]] : tensor<1xf32> to tensor<?xf32>
  // CHECK: %[[ONE:.*]] = tensor.expand_shape %[[R0]] [] output_shape [1] : tensor<f32> into tensor<1xf32>
  // CHECK: return %[[G]], %[[STACK]], %[[SCALARS]], %[[ONE]]
  %y, %stacks:3 = moe.loop %n init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %g = func.call @f(%k, %h) : (index, tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %g : tensor<?x8xf32> stack(%g, %s, %r0 : tensor<?x8xf32>, f32, tensor<f32>)
  } -> tensor<?x8xf32> stack(tensor<1x?x8xf32>, tensor<?xf32>, tensor<1xf32>)
  return %y, %stacks#0, %stacks#1, %stacks#2 : tensor<?x8xf32>, tensor<1x?x8xf32>, tensor<?xf32>, tensor<1xf32>
}
func.func private @f(index, tensor<?x8xf32>) -> tensor<?x8xf32>

// -----

// The state has the sizes of the init.
// CHECK-LABEL: func @size_of_state
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
func.func @size_of_state(%x: tensor<?x8xf32>) -> tensor<3xindex> {
  %n = arith.constant 3 : index
  %c0 = arith.constant 0 : index
  // CHECK: moe.loop
  %y, %sizes = moe.loop %n init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    // CHECK: %[[T:.*]] = tensor.dim %[[X]]
    // CHECK: stack(%[[T]] : index)
    %t = tensor.dim %h, %c0 : tensor<?x8xf32>
    moe.yield %h : tensor<?x8xf32> stack(%t : index)
  } -> tensor<?x8xf32> stack(tensor<3xindex>)
  return %sizes : tensor<3xindex>
}

// -----

// cos, then sin, of k * 10000^(-i/2), rounded from f64.
// CHECK-LABEL: func @iter_encode
func.func @iter_encode(%k: index) -> (tensor<4xf32>, tensor<2xf64>, tensor<4xbf16>, tensor<4xf32>) {
  // CHECK-DAG: arith.constant dense<[-0.416146845, 9.998000e-01, 0.909297406, 0.0199986659]> : tensor<4xf32>
  // CHECK-DAG: arith.constant dense<[-0.41614683654714241, 0.90929742682568171]> : tensor<2xf64>
  // CHECK-DAG: arith.constant dense<[-4.160160e-01, 9.804680e-01, 9.101560e-01, 1.982420e-01]> : tensor<4xbf16>
  // CHECK-COUNT-1: moe.iter_encode
  %two = arith.constant 2 : index
  %0 = moe.iter_encode %two : tensor<4xf32>
  %1 = moe.iter_encode %two : tensor<2xf64>
  %2 = moe.iter_encode %two {max_period = 100.0 : f64} : tensor<4xbf16>
  %3 = moe.iter_encode %k : tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<2xf64>, tensor<4xbf16>, tensor<4xf32>
}
