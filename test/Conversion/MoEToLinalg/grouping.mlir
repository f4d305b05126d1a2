// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize --cse | FileCheck %s

// Count, scan, place; T*K must fit in i32, and foreign indices are reported.

// CHECK-LABEL: @group
// CHECK-SAME: %[[INDICES:.+]]: tensor<?x2xi32>
func.func @group(%indices: tensor<?x2xi32>) -> (tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>) {
  // CHECK-DAG: %[[MAX:.+]] = arith.constant 2147483647 : index
  // CHECK-DAG: %[[LOWER:.+]] = arith.constant -1 : index
  // CHECK-DAG: %[[UPPER:.+]] = arith.constant 4 : index
  // CHECK: %[[ROWS:.+]] = arith.muli
  // CHECK: moek.require %[[ROWS]] le %[[MAX]], "T*K of moe.group"
  // CHECK: moek.check_indices %[[INDICES]] in %[[LOWER]] to %[[UPPER]], "indices of moe.group"
  // CHECK-COUNT-3: scf.for
  // CHECK-NOT: scf.for
  %row_slot, %slot_row, %offsets = moe.group %indices
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
  return %row_slot, %slot_row, %offsets : tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
}

// A row without a slot is NaN; a bad index is reported and counts as none.

// CHECK-LABEL: @dispatch
func.func @dispatch(%x: tensor<?x4xf32>, %row_slot: tensor<?xi32>) -> tensor<?x4xf32> {
  // CHECK: %[[NAN:.+]] = arith.constant 0x7FC00000 : f32
  // CHECK: moek.check_indices %{{.+}} in %{{.+}} to %{{.+}}, "row_slot of moe.dispatch"
  // CHECK: linalg.generic
  // CHECK:   scf.if
  // CHECK:     arith.divui
  // CHECK:     tensor.extract
  // CHECK:   } else {
  // CHECK:     scf.yield %[[NAN]]
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  return %rows : tensor<?x4xf32>
}

// A sum of bf16 rows runs in f32 and is rounded once.

// CHECK-LABEL: @combine
func.func @combine(%rows: tensor<?x4xbf16>, %slot_row: tensor<?x2xi32>) -> tensor<?x4xbf16> {
  // CHECK: moek.check_indices %{{.+}} in %{{.+}} to %{{.+}}, "slot_row of moe.combine"
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
  // CHECK:   scf.if {{.*}} -> (f32)
  // CHECK:     arith.extf
  // CHECK:     arith.addf
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
  // CHECK:   arith.truncf %{{.+}} : f32 to bf16
  %y = moe.combine %rows[%slot_row] : tensor<?x4xbf16>, tensor<?x2xi32> -> tensor<?x4xbf16>
  return %y : tensor<?x4xbf16>
}
