// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16 prefetch-l2=65536 prefetch-l1=4096' --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16' --canonicalize --cse | FileCheck %s --check-prefix=NONE

// Weights are asked for twice: 64 KiB ahead into L2, 4 KiB ahead into L1, by
// whatever tiles there are.
// CHECK-LABEL: @blocks
// NONE-LABEL: @blocks
// NONE-NOT: memref.prefetch
// NONE: return
func.func @blocks(%x: memref<?x256xf32>, %o: memref<9xi32>, %w: memref<8x65536xf32>, %y: memref<?x256xf32>) {
  // What lies behind a task's weights is the next task's.
  // CHECK:     scf.for {{.+}} step %c1 {
  // CHECK:       %[[FAR:.+]] = arith.addi %[[HERE:.+]], %c16384
  // CHECK-NOT:   arith.select
  // CHECK:       %[[NEAR:.+]] = arith.addi %[[HERE]], %c1024
  // CHECK:       scf.index_switch
  // CHECK:       default {
  // CHECK:         %[[FAR_LINE:.+]] = arith.addi %[[FAR]], %[[LINE:[^ ]+]]
  // CHECK:         memref.prefetch %arg2[%[[GROUP:.+]], %[[FAR_LINE]]], read, locality<2>, data
  // CHECK:         %[[NEAR_LINE:.+]] = arith.addi %[[NEAR]], %[[LINE]]
  // CHECK:         memref.prefetch %arg2[%[[GROUP]], %[[NEAR_LINE]]], read, locality<3>, data
  // CHECK:         arith.addi %[[LINE]], %{{.+}}
  moek.gemm ins(%x : memref<?x256xf32>) offsets(%o : memref<9xi32>) weights(%w : memref<8x65536xf32>)
      as <panel = 64, block = 128, chunk = 2, pair = 1> outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Where a task goes from group to group, the next group's weights come behind, or the
// same ones if there are more rows.
// CHECK-LABEL: @owned_columns
func.func @owned_columns(%x: memref<?x256xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %w: memref<8x65536xf32>, %y: memref<?x256xf32>) {
  // CHECK: scf.for %[[GROUP:.+]] = %c0 to %c8 step %c1
  // CHECK:   %[[FOLLOWING:.+]] = arith.addi %[[GROUP]], %c1
  // CHECK:   %[[NEXT:.+]] = arith.minsi %[[FOLLOWING]], %c7
  // CHECK:   %[[IS_LAST:.+]] = arith.cmpi slt
  // CHECK:   %[[THEN:.+]] = arith.select %[[IS_LAST]], %[[NEXT]], %[[GROUP]]
  // CHECK:   %[[FAR:.+]] = arith.addi %{{.+}}, %c16384
  // CHECK:   %[[INSIDE:.+]] = arith.cmpi slt, %[[FAR]]
  // CHECK:   %[[OF:.+]] = arith.select %[[INSIDE]], %[[GROUP]], %[[THEN]]
  // CHECK:   %[[AGAIN:.+]] = arith.subi %[[FAR]]
  // CHECK:   %[[AT:.+]] = arith.select %[[INSIDE]], %[[FAR]], %[[AGAIN]]
  // CHECK:   default {
  // CHECK:     %[[LINE:.+]] = arith.addi %[[AT]]
  // CHECK:     memref.prefetch %arg3[%[[OF]], %[[LINE]]], read, locality<2>, data
  moek.gemm ins(%x : memref<?x256xf32>) offsets(%o : memref<9xi32>) weights(%w : memref<8x65536xf32>)
      as <panel = 64, block = 128, chunk = 2, pair = 1> outs(%y : memref<?x256xf32>) rows(%r by 2 : memref<?xi32>) {
  ^bb0(%acc: f32, %old: f32):
    %1 = arith.addf %acc, %old : f32
    moek.yield %1 : f32
  }
  return
}

// Weights [out,in], as they lie: where a tile of three rows multiplies a line of each of 8
// columns, it asks for a line of each of the next 8 if rows are six or less, else of 2.
// Up to three rows ask for nothing.
// CHECK-LABEL: @out_in
func.func @out_in(%x: memref<?x128xf32>, %w: memref<256x128xf32>, %y: memref<?x256xf32>) {
  // CHECK: %[[FEW:.+]] = arith.cmpi slt, %[[ROWS:.+]], %c7
  // CHECK: %[[STREAMED:.+]] = arith.cmpi slt, %[[ROWS]], %c4
  // CHECK: scf.if %[[STREAMED]]
  // CHECK-NOT: memref.prefetch
  // CHECK: scf.if %[[FEW]]
  // CHECK:   scf.for {{.+}} step %c8
  // CHECK:     scf.for {{.+}} step %c3
  // CHECK:       scf.for {{.+}} step %c16
  // CHECK-COUNT-8: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK-COUNT-24: vector.fma
  // CHECK: } else {
  // CHECK:   scf.for {{.+}} step %c8
  // CHECK:     scf.for {{.+}} step %c3
  // CHECK:       scf.for {{.+}} step %c16
  // CHECK-COUNT-2: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK: vector.fma
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<256x128xf32>) transposed outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Weights [in,out]: up to four rows take four of K, a quarter of K apart; with more rows
// eight of K at a time ask for the next eight.
// CHECK-LABEL: @in_out
func.func @in_out(%x: memref<?x128xf32>, %w: memref<128x256xf32>, %y: memref<?x256xf32>) {
  // CHECK: scf.for %[[K:.+]] = %c0 to %c32 step %c1
  // CHECK-NOT: memref.prefetch
  // CHECK:   arith.addi %[[K]], %c96
  // CHECK-NOT: memref.prefetch
  // CHECK: scf.for {{.+}} step %c8
  // CHECK:   scf.for {{.+}} step %c4
  // CHECK-COUNT-32: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK:   scf.for {{.+}} step %c2
  // CHECK-COUNT-32: memref.prefetch
  // CHECK-NOT: memref.prefetch
  // CHECK:   scf.for {{.+}} step %c1
  // CHECK-COUNT-32: memref.prefetch
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<128x256xf32>) outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Columns that alternate with those of another matrix: a line has half as many.
// CHECK-LABEL: @alternating
func.func @alternating(%x: memref<?x128xf32>, %w: memref<128x128xf32, strided<[256, 2]>>, %y: memref<?x128xf32>) {
  // CHECK: scf.for {{.+}} step %c4
  // CHECK-COUNT-64: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK:   scf.for {{.+}} step %c2
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<128x128xf32, strided<[256, 2]>>) outs(%y : memref<?x128xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}
