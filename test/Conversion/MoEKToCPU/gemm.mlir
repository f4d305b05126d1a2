// RUN: moe-opt %s --convert-moek-to-cpu='lanes=8 prefetch-l2=8192 prefetch-tiles=3 unroll=4' --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16 panel=16' --canonicalize --cse | FileCheck %s --check-prefix=PLAIN

// CHECK: #loop_unroll = #llvm.loop_unroll<full = true>

// Blocks of 128 x 16 of packed weights.
// CHECK-LABEL: @packed
// PLAIN-LABEL: @packed
func.func @packed(%x: memref<?x256xf32>, %w: memref<1x24576xf32>, %y: memref<?x96xf32>) {
  // CHECK: scf.forall
  // Rows of a buffer, block of K, panel of the chunk.
  // CHECK: scf.for {{.+}} step %c48
  // CHECK: scf.for
  // One or two rows take two panels at once, as far as there are two, and ask for
  // nothing.
  // CHECK: %[[FEW:.+]] = arith.cmpi slt, %{{.+}}, %c3
  // CHECK: %[[TWOS:.+]] = arith.select %[[FEW]], %{{.+}}, %c0
  // CHECK: scf.for {{.+}} = %c0 to %[[TWOS]] step %c2
  // CHECK-NOT: memref.prefetch
  // CHECK:   default {
  // CHECK:     scf.for {{.+}} = %c0 to %c128 step %c4 iter_args({{.+}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:       scf.for {{.+}} = %c0 to %c4 step %c1
  // CHECK-COUNT-8: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: scf.for {{.+}} = %[[TWOS]] to
  // CHECK: %[[NEXT:.+]] = arith.addi %[[HERE:.+]], %c2048
  // CHECK: %[[MORE:.+]] = arith.addi %[[ROWS:.+]], %c5
  // CHECK: %[[TILES:.+]] = arith.divui %[[MORE]], %c6
  // CHECK: %[[HEIGHT:.+]] = arith.divui %[[ROWS]], %[[TILES]]
  // CHECK: %[[HIGHER:.+]] = arith.remui %[[ROWS]], %[[TILES]]
  // Three tiles or more ask for the next block, 2048 words on; each for a part.
  // CHECK: %[[MANY:.+]] = arith.cmpi sgt, %[[TILES]], %c2
  // CHECK: arith.select %[[MANY]], %[[NEXT]], %[[HERE]]
  // CHECK: %[[STRIDE:.+]] = arith.select %[[MANY]]
  // CHECK: scf.for %[[I:.+]] = %c0 to %[[TILES]] step %c1 iter_args(%[[ROW:.+]] = %c0)
  // CHECK:   %[[LONG:.+]] = arith.cmpi slt, %[[I]], %[[HIGHER]]
  // CHECK:   %[[SIZE:.+]] = arith.select %[[LONG]], %{{.+}}, %[[HEIGHT]]
  // CHECK:   scf.index_switch %[[SIZE]]
  // A low tile takes one of K at a time, and one line with it.
  // CHECK:   case 1 {
  // CHECK:     scf.for {{.+}} = %c0 to %c128 step %c1 iter_args({{.+}}) -> (vector<8xf32>, vector<8xf32>, index)
  // CHECK-COUNT-1: memref.prefetch %arg1[%c0, %{{.+}}], read, locality<2>, data
  // CHECK-COUNT-2: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK:   case 2 {
  // A tile of six rows takes four, in a loop that LLVM unrolls.
  // CHECK:   default {
  // CHECK:     scf.for {{.+}} = %c0 to %c128 step %c4
  // CHECK:     arith.addi %{{.+}}, %[[PLACE:.+]] : index
  // CHECK:     memref.prefetch %arg1[%c0, %{{.+}}], read, locality<2>, data
  // CHECK:     arith.addi %[[PLACE]], %[[STRIDE]]
  // CHECK-NOT: memref.prefetch
  // CHECK:       scf.for {{.+}} = %c0 to %c4 step %c1
  // CHECK-COUNT-12: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: } {llvm.loop_annotation = #loop_annotation}
  // CHECK:   arith.addi %[[ROW]], %[[SIZE]]

  // PLAIN-NOT: memref.prefetch
  // PLAIN: scf.index_switch
  // PLAIN: default
  // PLAIN: scf.for {{.+}} = %c0 to %c128 step %c1 iter_args
  moek.gemm ins(%x : memref<?x256xf32>) weights(%w : memref<1x24576xf32>)
      as <panel = 16, block = 128, chunk = 4, pair = 1> outs(%y : memref<?x96xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}
