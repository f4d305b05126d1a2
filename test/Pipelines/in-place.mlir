// RUN: moe-opt %s --moe-pipeline=reference --compile-to=buffers | FileCheck %s

// The state of a loop: its init is copied once, then it is updated where it is; what is
// stacked is written into the result. What depends on weights alone, balanced assignment
// included, is done when they are bound.

// CHECK-LABEL: func.func @looped(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[T:.*]]: index, %[[X:[^:]*]]: memref<?x4xf32>, %[[Y:[^:]*]]: memref<?x4xf32>, %[[ALL:[^:]*]]: memref<3x?x4xf32>,
// CHECK-NOT:     memref.alloc
// CHECK:         memref.copy %[[X]], %[[H:.*]] :
// CHECK-NOT:     memref.copy
// CHECK:         scf.for %[[K:.*]] =
// CHECK-NOT:       memref.copy
// CHECK:           linalg.generic {{.*}} outs(%[[H]] : memref<?x4xf32>)
// CHECK:           %[[PLACE:.*]] = memref.subview %[[ALL]][%[[K]], 0, 0]
// CHECK:           linalg.generic {{.*}} ins(%[[H]] : {{.*}}) outs(%[[PLACE]] :
// CHECK-NOT:       memref.copy
// CHECK:         }
// CHECK:         memref.copy %[[H]], %[[Y]]
// CHECK-NOT:     moek.assign
// CHECK-LABEL: func.func private @looped.prepare(
// CHECK-DAG:     math.powf
// CHECK-DAG:     moek.assign
func.func @looped(%x: tensor<?x4xf32> {moe.dims = ["T", ""]}, %w: tensor<8x4xf32> {moe.weight},
                  %scores: tensor<4x2xf32> {moe.weight}, %capacity: tensor<2xi32> {moe.weight})
    -> (tensor<?x4xf32> {moe.dims = ["T", ""]}, tensor<3x?x4xf32> {moe.dims = ["", "T", ""]},
        tensor<4xi32>) {
  %three = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %member = moe.assign %scores, %capacity method(greedy)
    : tensor<4x2xf32>, tensor<2xi32> -> tensor<4xi32>
  %y, %all = moe.loop %three init(%x : tensor<?x4xf32>) {
  ^bb0(%k: index, %h: tensor<?x4xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %v = linalg.vecmat ins(%code, %w : tensor<8xf32>, tensor<8x4xf32>)
                       outs(%zero : tensor<4xf32>) -> tensor<4xf32>
    %next = linalg.generic {
        indexing_maps = [affine_map<(t, d) -> (d)>, affine_map<(t, d) -> (t, d)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%v : tensor<4xf32>) outs(%h : tensor<?x4xf32>) {
    ^bb0(%a: f32, %old: f32):
      %0 = arith.addf %a, %old : f32
      linalg.yield %0 : f32
    } -> tensor<?x4xf32>
    moe.yield %next : tensor<?x4xf32> stack(%next : tensor<?x4xf32>)
  } -> tensor<?x4xf32> stack(tensor<3x?x4xf32>)
  return %y, %all, %member : tensor<?x4xf32>, tensor<3x?x4xf32>, tensor<4xi32>
}
