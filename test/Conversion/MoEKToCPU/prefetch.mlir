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
  // CHECK:       %[[NEAR:.+]] = arith.addi %[[HERE]], %c1024
  // CHECK-NOT:   arith.select %{{.+}}, %[[FAR]]
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

// Where a task goes from group to group, the next group's weights come behind.
// CHECK-LABEL: @owned_columns
func.func @owned_columns(%x: memref<?x256xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %w: memref<8x65536xf32>, %y: memref<?x256xf32>) {
  // CHECK: scf.for %[[GROUP:.+]] = %c0 to %c8 step %c1
  // CHECK:   %[[FOLLOWING:.+]] = arith.addi %[[GROUP]], %c1
  // CHECK:   %[[NEXT:.+]] = arith.minsi %[[FOLLOWING]], %c7
  // CHECK:   %[[FAR:.+]] = arith.addi %{{.+}}, %c16384
  // CHECK:   %[[INSIDE:.+]] = arith.cmpi slt, %[[FAR]]
  // CHECK:   %[[OF:.+]] = arith.select %[[INSIDE]], %[[GROUP]], %[[NEXT]]
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

// Weights [out,in], as they lie: tiles of three rows share the lines of the columns to
// come, four lines a tile up to six rows, one with more. Rows that are many are packed,
// and each block asks for the next one.
// CHECK-LABEL: @out_in
func.func @out_in(%x: memref<?x128xf32>, %w: memref<256x128xf32>, %y: memref<?x256xf32>) {
  // CHECK: %[[FEW:.+]] = arith.cmpi slt, %{{.+}}, %c7
  // CHECK: scf.if %[[FEW]]
  // CHECK:   scf.for {{.+}} step %c8
  // CHECK:     scf.for {{.+}} step %c3
  // CHECK-COUNT-4: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-COUNT-24: vector.fma
  // CHECK: } else {
  // CHECK:   scf.for {{.+}} step %c8
  // CHECK:     scf.for {{.+}} step %c3
  // CHECK:       scf.for
  // CHECK-NEXT:    arith
  // CHECK-COUNT-1: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK: vector.fma
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<256x128xf32>) transposed outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Weights [in,out]: eight of K at a time ask for the next eight, but for one row of f32.
// CHECK-LABEL: @in_out
func.func @in_out(%x: memref<?x128xf32>, %w: memref<128x256xf32>, %y: memref<?x256xf32>) {
  // CHECK: scf.for {{.+}} step %c8
  // CHECK:   scf.for {{.+}} step %c4
  // CHECK-COUNT-32: memref.prefetch %{{.+}}, read, locality<2>, data
  // CHECK-NOT: memref.prefetch
  // CHECK:   scf.for {{.+}} step %c2
  // CHECK-COUNT-32: memref.prefetch
  // CHECK-NOT: memref.prefetch
  // CHECK:   scf.for {{.+}} step %c1
  // CHECK-COUNT-8: vector.fma
  // A block that is packed asks for the next.
  // CHECK:   scf.for {{.+}} step %c16
  // CHECK:   memref.prefetch %{{.+}}, read, locality<2>, data
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<128x256xf32>) outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}
