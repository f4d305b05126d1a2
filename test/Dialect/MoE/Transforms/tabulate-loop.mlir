// RUN: moe-opt %s --moe-tabulate-loop --canonicalize --split-input-file | FileCheck %s

#vector = affine_map<(t, d) -> (d)>
#matrix = affine_map<(t, d) -> (t, d)>

// The transpose is of a weight alone, the product of it and the iteration. A row of a
// weight is no more than a view: it needs no table.

// CHECK-LABEL: func.func @weights_and_iteration(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<8x4xf32> {moe.weight}, %[[S:.*]]: tensor<3x4xf32> {moe.weight})
// CHECK-DAG:     %[[THREE:.*]] = arith.constant 3 : index
// CHECK:         %[[T:.*]] = linalg.transpose ins(%[[W]]
// CHECK:         %[[TABLE:.*]] = scf.for %[[I:.*]] = %{{.*}} to %[[THREE]] {{.*}} iter_args(%[[OLD:.*]] = %{{.*}}) -> (tensor<3x4xf32>)
// CHECK:           %[[CODE:.*]] = moe.iter_encode %[[I]]
// CHECK:           %[[PRODUCT:.*]] = linalg.matvec ins(%[[T]], %[[CODE]] :
// CHECK:           tensor.insert_slice %[[PRODUCT]] into %[[OLD]][%[[I]], 0] [1, 4]
// CHECK:         moe.loop %[[THREE]] init(%[[X]]
// CHECK:         ^bb0(%[[K:.*]]: index,
// CHECK:           %[[V:.*]] = tensor.extract_slice %[[TABLE]][%[[K]], 0] [1, 4]
// CHECK:           %[[ROW:.*]] = tensor.extract_slice %[[S]][%[[K]], 0] [1, 4]
// CHECK-NOT:       moe.iter_encode
// CHECK:           linalg.generic {{.*}} ins(%[[V]], %[[ROW]] :
func.func @weights_and_iteration(%x: tensor<?x4xf32>, %w: tensor<8x4xf32> {moe.weight},
                                 %s: tensor<3x4xf32> {moe.weight}) -> tensor<?x4xf32> {
  %three = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %y = moe.loop %three init(%x : tensor<?x4xf32>) {
  ^bb0(%k: index, %h: tensor<?x4xf32>):
    %empty = tensor.empty() : tensor<4x8xf32>
    %t = linalg.transpose ins(%w : tensor<8x4xf32>) outs(%empty : tensor<4x8xf32>) permutation = [1, 0]
    %code = moe.iter_encode %k : tensor<8xf32>
    %v = linalg.matvec ins(%t, %code : tensor<4x8xf32>, tensor<8xf32>)
                       outs(%zero : tensor<4xf32>) -> tensor<4xf32>
    %row = tensor.extract_slice %s[%k, 0] [1, 4] [1, 1] : tensor<3x4xf32> to tensor<4xf32>
    %next = linalg.generic {indexing_maps = [#vector, #vector, #matrix],
                            iterator_types = ["parallel", "parallel"]}
        ins(%v, %row : tensor<4xf32>, tensor<4xf32>) outs(%h : tensor<?x4xf32>) {
    ^bb0(%a: f32, %b: f32, %old: f32):
      %0 = arith.mulf %a, %b : f32
      %1 = arith.addf %0, %old : f32
      linalg.yield %1 : f32
    } -> tensor<?x4xf32>
    moe.yield %next : tensor<?x4xf32>
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// As many entries as there can be iterations.

// CHECK-LABEL: func.func @bounded(
// CHECK:         scf.for {{.*}} -> (tensor<6x4xf32>)
// CHECK:         moe.loop %{{.*}} max 6
func.func @bounded(%x: tensor<4xf32>, %n: index, %w: tensor<8x4xf32> {moe.weight})
    -> tensor<4xf32> {
  %y = moe.loop %n max 6 init(%x : tensor<4xf32>) {
  ^bb0(%k: index, %h: tensor<4xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %zero = arith.constant dense<0.0> : tensor<4xf32>
    %v = linalg.vecmat ins(%code, %w : tensor<8xf32>, tensor<8x4xf32>)
                       outs(%zero : tensor<4xf32>) -> tensor<4xf32>
    %next = linalg.add ins(%v, %h : tensor<4xf32>, tensor<4xf32>)
                       outs(%h : tensor<4xf32>) -> tensor<4xf32>
    moe.yield %next : tensor<4xf32>
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// What depends on the state, on the call, or on the iteration alone stays, and so does
// everything if nothing bounds the number of iterations.

// CHECK-LABEL: func.func @stays(
// CHECK-NOT:     scf.for
// CHECK:         moe.loop
// CHECK:           moe.iter_encode
// CHECK:           linalg.vecmat
// CHECK:           linalg.vecmat
// CHECK:         moe.loop
// CHECK:           moe.iter_encode
// CHECK:           linalg.vecmat
func.func @stays(%x: tensor<8xf32>, %m: tensor<8x8xf32>, %w: tensor<8x8xf32> {moe.weight},
                 %sized: tensor<?xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %three = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %y = moe.loop %three init(%x : tensor<8xf32>) {
  ^bb0(%k: index, %h: tensor<8xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %a = linalg.vecmat ins(%code, %m : tensor<8xf32>, tensor<8x8xf32>)
                       outs(%h : tensor<8xf32>) -> tensor<8xf32>
    %b = linalg.vecmat ins(%a, %w : tensor<8xf32>, tensor<8x8xf32>)
                       outs(%code : tensor<8xf32>) -> tensor<8xf32>
    moe.yield %b : tensor<8xf32>
  } -> tensor<8xf32>
  %n = tensor.dim %sized, %c0 : tensor<?xf32>
  %z = moe.loop %n init(%y : tensor<8xf32>) {
  ^bb0(%k: index, %h: tensor<8xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %v = linalg.vecmat ins(%code, %w : tensor<8xf32>, tensor<8x8xf32>)
                       outs(%zero : tensor<8xf32>) -> tensor<8xf32>
    %next = linalg.add ins(%v, %h : tensor<8xf32>, tensor<8xf32>)
                       outs(%h : tensor<8xf32>) -> tensor<8xf32>
    moe.yield %next : tensor<8xf32>
  } -> tensor<8xf32>
  return %z : tensor<8xf32>
}
