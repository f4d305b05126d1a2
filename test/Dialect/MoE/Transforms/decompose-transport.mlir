// RUN: moe-opt %s --moe-decompose --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @several(
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:         ^bb0(%[[INDEX:.*]]: i32, %[[OLD:.*]]: f32):
// CHECK:           %[[COLUMN:.*]] = linalg.index 1
// CHECK:           %[[WANTED:.*]] = arith.index_cast %[[INDEX]] : i32 to index
// CHECK:           %[[HIT:.*]] = arith.cmpi eq, %[[WANTED]], %[[COLUMN]]
// CHECK:           arith.select %[[HIT]], %[[ONE]], %[[OLD]]
func.func @several(%indices: tensor<?x2xi32>) -> tensor<?x4xf32> {
  %0 = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// A width of the call, which counts as 0 below 0.

// CHECK-LABEL: func.func @dynamic_width(
// CHECK-SAME:    %{{.*}}: tensor<5xi32>, %[[WIDTH:.*]]: index)
// CHECK:         %[[SIZE:.*]] = arith.maxsi %[[WIDTH]], %{{.*}}
// CHECK:         tensor.empty(%[[SIZE]]) : tensor<5x?xbf16>
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
func.func @dynamic_width(%indices: tensor<5xi32>, %width: index) -> tensor<5x?xbf16> {
  %0 = moe.one_hot %indices size(%width) : tensor<5xi32> -> tensor<5x?xbf16>
  return %0 : tensor<5x?xbf16>
}
