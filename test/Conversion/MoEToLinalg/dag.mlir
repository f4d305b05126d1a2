// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize | FileCheck %s

// A gather by index, converted once; 0 where a slot has no row.

// CHECK:       #[[$SLOT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK:       #[[$ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// CHECK-LABEL: func.func @collect(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x8xf16>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>)
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[MINUS_ONE:.*]] = arith.constant -1 : index
// CHECK:         %[[S:.*]] = tensor.dim %[[ROWS]], %{{.*}} : tensor<?x8xf16>
// CHECK:         moek.check_indices %[[SLOT_ROW]] in %[[MINUS_ONE]] to %[[S]], "slot_row of moe.collect" : tensor<?x2xi32>
// CHECK:         linalg.generic {indexing_maps = [#[[$SLOT]], #[[$ALL]]], iterator_types = ["parallel", "parallel", "parallel"]}
// CHECK-SAME:      ins(%[[SLOT_ROW]] : tensor<?x2xi32>)
// CHECK:           scf.if
// CHECK:             %[[X:.*]] = tensor.extract %[[ROWS]]
// CHECK:             %[[WIDE:.*]] = arith.extf %[[X]] : f16 to f32
// CHECK:             scf.yield %[[WIDE]]
// CHECK:           } else {
// CHECK:             scf.yield %[[NONE]]
func.func @collect(%rows: tensor<?x8xf16>, %slot_row: tensor<?x2xi32>) -> tensor<?x2x8xf32> {
  %slots = moe.collect %rows[%slot_row]
    : tensor<?x8xf16>, tensor<?x2xi32> -> tensor<?x2x8xf32>
  return %slots : tensor<?x2x8xf32>
}
