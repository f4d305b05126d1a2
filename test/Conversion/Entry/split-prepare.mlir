// RUN: moe-opt %s --moe-split-prepare --canonicalize --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-split-prepare=enabled=false --canonicalize --split-input-file | FileCheck %s --check-prefix=COPY

// A value computed from weights moves; one that both halves read crosses over.

// CHECK-LABEL: func.func @both(
// CHECK-SAME: %[[X:.+]]: tensor<2x3xf32>, %[[T:.+]]: tensor<2x3xf32>, %[[U:.+]]: tensor<2x3xf32>)
// CHECK-SAME: moe.entry = {arguments = [
// CHECK-SAME: {dims = array<i64: 2, 3>, element = f32, name = "argument0", role = 0 : i64}
// CHECK-SAME: {dims = array<i64: 3, 2>, element = f32, name = "w", role = 1 : i64}
// CHECK-SAME: {dims = array<i64: 2, 3>, element = f32, name = "result0", role = 2 : i64}
// CHECK-SAME: symbols = []
// CHECK-NEXT: %[[SUM:.+]] = arith.addf %[[X]], %[[T]]
// CHECK-NEXT: return %[[SUM]], %[[U]]
// CHECK: func.func private @both.prepare(%[[W:.+]]: tensor<3x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[W]]
// CHECK: %[[U:.+]] = math.exp %[[T]]
// CHECK: return %[[T]], %[[U]]

// COPY-LABEL: func.func @both(
// COPY: linalg.transpose
// COPY: func.func private @both.prepare(%[[W:.+]]: tensor<3x2xf32>) -> tensor<3x2xf32>
// COPY-NEXT: return %[[W]]

func.func @both(%x: tensor<2x3xf32>, %w: tensor<3x2xf32> {moe.weight, moe.name = "w"})
    -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
  %u = math.exp %t : tensor<2x3xf32>
  %sum = arith.addf %x, %t : tensor<2x3xf32>
  return %sum, %u : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// What also depends on an input stays, and so does what depends on no weight.

// CHECK-LABEL: func.func @stays(
// CHECK-SAME: %[[X:.+]]: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>)
// CHECK: %[[C:.+]] = arith.constant dense<2.0
// CHECK: arith.mulf %[[X]], %[[W]]
// CHECK: arith.addf %{{.+}}, %[[C]]
// CHECK: func.func private @stays.prepare(%[[W:.+]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %[[W]]
func.func @stays(%w: tensor<4xf32> {moe.weight}, %x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<2.0> : tensor<4xf32>
  %y = arith.mulf %x, %w : tensor<4xf32>
  %z = arith.addf %y, %c : tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

// A weight that is read inside of a region crosses over; an op with a region that
// reads weights alone moves as a whole.

// CHECK-LABEL: func.func @regions(
// CHECK-SAME: %{{.+}}: i1, %{{.+}}: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>, %[[V:.+]]: tensor<4xf32>)
// CHECK: scf.if
// CHECK: math.exp %[[W]]
// CHECK: return %{{.+}}, %[[V]]
// CHECK: func.func private @regions.prepare
// CHECK: linalg.map
func.func @regions(%c: i1, %x: tensor<4xf32>, %w: tensor<4xf32> {moe.weight}) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = scf.if %c -> tensor<4xf32> {
    %a = math.exp %w : tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %e = tensor.empty() : tensor<4xf32>
  %v = linalg.map { math.sqrt } ins(%w : tensor<4xf32>) outs(%e : tensor<4xf32>)
  return %y, %v : tensor<4xf32>, tensor<4xf32>
}

// -----

// Dimensions: one symbol a name, one for each that has none.

// CHECK-LABEL: func.func @symbols(
// CHECK-SAME: dims = array<i64: -1, -2>
// CHECK-SAME: dims = array<i64: -1, 4>
// CHECK-SAME: dims = array<i64: -1>
// CHECK-SAME: symbols = ["T", "x.1"]
func.func @symbols(%x: tensor<?x?xf32> {moe.name = "x", moe.dims = ["T", ""]},
                   %y: tensor<?x4xf32> {moe.dims = ["T", ""]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %z = tensor.extract_slice %y[0, 0] [%c0, 1] [1, 1] : tensor<?x4xf32> to tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

// Entries without arguments or results; helpers are none; names of any kind.

// CHECK: func.func @nothing() attributes {moe.entry = {arguments = [], symbols = []}}
// CHECK: func.func private @nothing.prepare()
// CHECK: func.func @"a b"(
// CHECK: func.func private @"a b.prepare"()
// CHECK: func.func private @helper()
// CHECK-NOT: helper.prepare
func.func @nothing() {
  return
}
func.func @"a b"(%x: f32) -> f32 {
  return %x : f32
}
func.func private @helper() {
  return
}
