// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize | FileCheck %s

// An expert at a time, over the rows that it has after the offsets are clamped; summed in
// f32, in place.

// CHECK-LABEL: func.func @wgrad(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xbf16>, %[[DY:.*]]: tensor<?x6xbf16>, %[[OFFSETS:.*]]: tensor<3xi32>)
// CHECK:         moek.check_offsets %[[OFFSETS]] to %[[S:.*]], "offsets of moe.grouped_matmul_wgrad"
// CHECK:         scf.for %[[E:.*]] = {{.*}} iter_args(%[[SUMS:.*]] = %{{.*}}) -> (tensor<2x4x6xf32>)
// CHECK:           %[[BEGIN:.*]] = arith.minsi %{{.*}}, %[[S]]
// CHECK:           %[[ROOM:.*]] = arith.maxsi %{{.*}}, %[[BEGIN]]
// CHECK:           %[[END:.*]] = arith.minsi %[[ROOM]], %[[S]]
// CHECK:           %[[COUNT:.*]] = arith.subi %[[END]], %[[BEGIN]]
// CHECK-DAG:       %[[OLD:.*]] = tensor.extract_slice %[[SUMS]][%[[E]], 0, 0]
// CHECK-DAG:       %[[ROWS:.*]] = tensor.extract_slice %[[X]][%[[BEGIN]], 0] [%[[COUNT]], 4]
// CHECK-DAG:       %[[DROWS:.*]] = tensor.extract_slice %[[DY]][%[[BEGIN]], 0] [%[[COUNT]], 6]
// CHECK:           %[[NEW:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME:        ins(%[[ROWS]], %[[DROWS]] : {{.*}}) outs(%[[OLD]] : tensor<4x6xf32>)
// CHECK:           tensor.insert_slice %[[NEW]] into %[[SUMS]][%[[E]], 0, 0]
func.func @wgrad(%x: tensor<?x4xbf16>, %dy: tensor<?x6xbf16>, %offsets: tensor<3xi32>)
    -> tensor<2x4x6xbf16> {
  %dw = moe.grouped_matmul_wgrad %x, %dy, %offsets
    : tensor<?x4xbf16>, tensor<?x6xbf16>, tensor<3xi32> -> tensor<2x4x6xbf16>
  return %dw : tensor<2x4x6xbf16>
}
