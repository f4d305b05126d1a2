// RUN: moe-opt %s --moe-guard-data --canonicalize | FileCheck %s

// CHECK-LABEL: @extract
// CHECK-SAME: %[[X:.+]]: tensor<?xf32>, %[[I:.+]]: index
func.func @extract(%x: tensor<?xf32>, %i: index) -> f32 {
  // CHECK-DAG: %[[ZERO:.+]] = arith.constant 0.0
  // CHECK: %[[N:.+]] = tensor.dim %[[X]]
  // CHECK: moek.check_index %[[I]] to %[[N]], "index of tensor.extract"
  // CHECK: %[[INSIDE:.+]] = arith.cmpi ult, %[[I]], %[[N]]
  // CHECK: scf.if %[[INSIDE]] -> (f32) {
  // CHECK:   tensor.extract %[[X]][%[[I]]]
  // CHECK: } else {
  // CHECK:   scf.yield %[[ZERO]]
  %y = tensor.extract %x[%i] : tensor<?xf32>
  return %y : f32
}

// The second index is certain.

// CHECK-LABEL: @insert
// CHECK-SAME: %[[X:.+]]: tensor<4x2xf32>, %[[I:.+]]: index
func.func @insert(%x: tensor<4x2xf32>, %i: index, %f: f32) -> tensor<4x2xf32> {
  %c1 = arith.constant 1 : index
  // CHECK-COUNT-1: moek.check_index %[[I]] to
  // CHECK-NOT: moek.check_index
  // CHECK: scf.if
  // CHECK:   tensor.insert
  // CHECK: } else {
  // CHECK:   scf.yield %[[X]]
  %y = tensor.insert %f into %x[%i, %c1] : tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// Indices of loops over the tensor need no check.

// CHECK-LABEL: @loops
// CHECK-NOT: moek.check_index
func.func @loops(%x: tensor<?x4xf32>, %f: f32) -> (tensor<?x4xf32>, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %y = linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]
  } outs(%e : tensor<?x4xf32>) {
  ^bb0(%old: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %v = tensor.extract %x[%i, %j] : tensor<?x4xf32>
    linalg.yield %v : f32
  } -> tensor<?x4xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %f) -> f32 {
    %v = tensor.extract %x[%i, %c1] : tensor<?x4xf32>
    %t = arith.addf %s, %v : f32
    scf.yield %t : f32
  }
  return %y, %sum : tensor<?x4xf32>, f32
}

// CHECK-LABEL: @divisions
// CHECK-SAME: %[[A:.+]]: i32, %[[B:.+]]: i32
func.func @divisions(%a: i32, %b: i32) -> (i32, i32, i32) {
  %c3 = arith.constant 3 : i32
  // CHECK-DAG: %[[ONE:.+]] = arith.constant 1 : i32
  // CHECK-DAG: %[[ZERO:.+]] = arith.constant 0 : i32
  // CHECK-DAG: %[[MINUS:.+]] = arith.constant -1 : i32
  // CHECK-DAG: %[[LEAST:.+]] = arith.constant -2147483648 : i32
  // CHECK: %[[BYZERO:.+]] = arith.cmpi eq, %[[B]], %[[ZERO]]
  // CHECK: arith.cmpi eq, %[[A]], %[[LEAST]]
  // CHECK: arith.cmpi eq, %[[B]], %[[MINUS]]
  // CHECK: %[[SAFE:.+]] = arith.select %{{.+}}, %[[ONE]], %[[B]]
  // CHECK: arith.divsi %[[A]], %[[SAFE]]
  %quotient = arith.divsi %a, %b : i32
  // CHECK: %[[SAFE:.+]] = arith.select %{{.+}}, %[[ONE]], %[[B]]
  // CHECK: arith.remui %[[A]], %[[SAFE]]
  %rest = arith.remui %a, %b : i32
  // CHECK: arith.divsi %[[A]], %{{c3.*}}
  %third = arith.divsi %a, %c3 : i32
  return %quotient, %rest, %third : i32, i32, i32
}
