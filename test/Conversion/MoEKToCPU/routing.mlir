// RUN: moe-opt %s --convert-moek-to-cpu --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --convert-moek-to-cpu=lanes=8 --canonicalize --cse | FileCheck %s --check-prefix=LANES8

// A softmax of 20 experts: one vector of 16 and one of which 4 are read.
// CHECK-LABEL: @softmax
// LANES8-LABEL: @softmax
func.func @softmax(%x: memref<?x20xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // Tokens go to tasks.
  // CHECK: %[[TASKS:.+]] = arith.divui
  // CHECK: scf.forall (%{{.+}}) in (%[[TASKS]])
  // CHECK: %[[ROW:.+]] = memref.alloca() {alignment = 64 : i64} : memref<32xf32>
  // CHECK: scf.for
  // CHECK: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<?x20xf32>, vector<16xf32>
  // CHECK: vector.maskedload %arg0[%{{.+}}, %{{.+}}], %{{.+}} : memref<?x20xf32>, vector<16xi1>
  // CHECK: vector.reduction <maximumf>
  // CHECK: vector.reduction <add>, %{{.+}} fastmath<reassoc>
  // Two slots, each a pass over the row, and its winner.
  // CHECK: scf.for
  // CHECK: scf.for {{.+}} iter_args({{.+}}) -> (vector<16xf32>, vector<16xi32>)
  // CHECK: vector.load %[[ROW]]
  // CHECK: vector.reduction <maxnumf>, %{{.+}} fastmath<nnan>
  // CHECK: vector.reduction <minsi>
  // CHECK: vector.store %{{.+}}, %arg1[%{{.+}}, %{{.+}}] : memref<?x2xi32>, vector<2xi32>
  // CHECK: vector.store %{{.+}}, %arg2[%{{.+}}, %{{.+}}] : memref<?x2xf32>, vector<2xf32>
  // CHECK-NOT: moek
  // CHECK-NOT: math.
  // LANES8: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<?x20xf32>, vector<8xf32>
  moek.route %x score(softmax) weights(normalized) outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x20xf32>
  return
}

// Elements with gaps between them are read one by one.
// CHECK-LABEL: @gaps
func.func @gaps(%x: memref<?x8xf32, strided<[16, 2]>>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // CHECK: memref.load %arg0
  // CHECK-NOT: vector.load %arg0
  moek.route %x score(identity) weights(unit) outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>)
      : memref<?x8xf32, strided<[16, 2]>>
  return
}

// Rows of unknown length are read where they lie, a row a task.
// CHECK-LABEL: @top_k
func.func @top_k(%x: memref<4x?xbf16>, %i: memref<4x8xi32>, %v: memref<4x8xf32>) {
  // CHECK: scf.forall (%{{.+}}) in (4)
  // CHECK-NOT: memref.alloca
  // CHECK: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<4x?xbf16>, vector<16xbf16>
  // CHECK: vector.create_mask
  // CHECK: vector.maskedload %arg0
  moek.top_k %x outs(%i, %v : memref<4x8xi32>, memref<4x8xf32>) : memref<4x?xbf16>
  return
}

// Count, scan, place.
// CHECK-LABEL: @group
func.func @group(%i: memref<?x2xi32>, %s: memref<65x16xi32>, %r: memref<?xi32>, %m: memref<?x2xi32>, %o: memref<9xi32>) {
  // CHECK: scf.forall (%{{.+}}) in (%[[BLOCKS:.+]]) {
  // CHECK: memref.store %{{.+}}, %arg1
  // CHECK: scf.for {{.+}} to %[[BLOCKS]]
  // CHECK: vector.load %arg1
  // CHECK: memref.store %{{.+}}, %arg4
  // CHECK: scf.forall (%{{.+}}) in (%[[BLOCKS]]) {
  // CHECK: memref.store %{{.+}}, %arg2
  // CHECK: memref.store %{{.+}}, %arg3
  moek.group %i scratch(%s : memref<65x16xi32>) outs(%r, %m, %o : memref<?xi32>, memref<?x2xi32>, memref<9xi32>) : memref<?x2xi32>
  return
}
