// RUN: moe-opt %s --convert-moek-to-cpu='lanes=8 prefetch-l2=8192 unroll=4' --canonicalize --cse | FileCheck %s
// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16 panel=16' --canonicalize --cse | FileCheck %s --check-prefix=PLAIN

// CHECK: #[[$FULL:.+]] = #llvm.loop_unroll<full = true>
// CHECK: #[[$NOT:.+]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[$UNROLLED:.+]] = #llvm.loop_annotation<unroll = #[[$FULL]]>
// CHECK: #[[$AS_IT_IS:.+]] = #llvm.loop_annotation<unroll = #[[$NOT]]>

// Blocks of 128 x 16 of packed weights.
// CHECK-LABEL: @packed
// PLAIN-LABEL: @packed
func.func @packed(%x: memref<?x256xf32>, %w: memref<1x24576xf32>, %y: memref<?x96xf32>) {
  // CHECK: scf.forall
  // Rows of a buffer.
  // CHECK: scf.for {{.+}} step %c48
  // The blocks of a task are one line, which one or two rows take in two or four streams:
  // two rows two blocks at once, half of the line apart, one row four. They ask for
  // nothing. All of K is copied before: two rows of each block.
  // CHECK: %[[FEW:.+]] = arith.cmpi slt, %[[ROWS:.+]], %c3
  // CHECK: scf.if %[[FEW]]
  // CHECK-NOT: memref.prefetch
  // CHECK:   %[[BLOCKS:.+]] = arith.muli %[[COUNT:.+]], %c2
  // CHECK:   scf.for {{.+}} step %c2
  // CHECK:     %[[HALF:.+]] = arith.divui %[[BLOCKS]], %c2
  // CHECK:     scf.for %[[BLOCK:.+]] = %c0 to %[[HALF]] step %c1
  // CHECK:       %[[OTHER:.+]] = arith.addi %[[BLOCK]], %[[HALF]]
  // CHECK:       arith.divui %[[OTHER]], %[[COUNT]]
  // CHECK:       %[[PANEL:.+]] = arith.remui %[[OTHER]], %[[COUNT]]
  // CHECK:       arith.muli %[[OTHER]], %c2048
  // CHECK:       %[[COLUMN:.+]] = arith.muli %[[PANEL]], %c16
  // CHECK:       %[[SUMS:.+]]:8 = scf.for {{.+}} = %c0 to %c128 step %c1
  // CHECK-COUNT-8: vector.fma
  // CHECK-NOT:     vector.fma
  // The sums of both may be of the same columns: they are added one after the other.
  // CHECK:       arith.addf %{{.+}}, %[[SUMS]]#0
  // CHECK:       %[[OLD:.+]] = vector.load %[[MEMORY:.+]][%{{.+}}, %[[COLUMN]]]
  // CHECK:       %[[NEW:.+]] = arith.addf %[[OLD]], %[[SUMS]]#2
  // CHECK:       vector.store %[[NEW]], %[[MEMORY]]
  // What does not make two streams comes alone.
  // CHECK:     scf.for {{.+}} = %{{.+}} to %[[BLOCKS]] step %c1
  // CHECK-COUNT-4: vector.fma
  // CHECK-NOT:     vector.fma
  // CHECK:     arith.divui %[[BLOCKS]], %c4
  // CHECK-COUNT-8: vector.fma
  // CHECK-NOT:     vector.fma
  // CHECK:     scf.for {{.+}} = %{{.+}} to %[[BLOCKS]] step %c1
  // CHECK-COUNT-2: vector.fma
  // CHECK-NOT:     vector.fma
  // CHECK: } else {
  // Block of K, panel of the chunk.
  // CHECK: scf.for
  // CHECK: %[[NEXT:.+]] = arith.addi %[[HERE:.+]], %c2048
  // CHECK: %[[MORE:.+]] = arith.addi %[[ROWS]], %c5
  // CHECK: %[[TILES:.+]] = arith.divui %[[MORE]], %c6
  // CHECK: %[[HEIGHT:.+]] = arith.divui %[[ROWS]], %[[TILES]]
  // CHECK: %[[HIGHER:.+]] = arith.remui %[[ROWS]], %[[TILES]]
  // Each asks for a part of the next block, 2048 words on.
  // CHECK: %[[SHARE:.+]] = arith.divui %c2048, %[[TILES]]
  // CHECK: %[[LARGE:.+]] = arith.cmpi slt, %[[TILES]], %c4
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
  // It asks for one line, or for all four if there are less than four tiles.
  // CHECK:   default {
  // CHECK:     %[[ADVANCE:.+]] = arith.divui %[[SHARE]], %c32
  // CHECK:     %[[FOURTH:.+]] = arith.divui %[[ADVANCE]], %c4
  // CHECK:     %[[STRIDE:.+]] = arith.select %[[LARGE]], %[[FOURTH]], %[[ADVANCE]]
  // CHECK:     scf.for {{.+}} = %c0 to %c128 step %c4
  // CHECK:     %[[LINE:.+]] = arith.addi %[[NEXT]], %[[PLACE:.+]] : index
  // CHECK:     memref.prefetch %arg1[%c0, %[[LINE]]], read, locality<2>, data
  // CHECK-NEXT: %[[SECOND:.+]] = arith.addi %[[PLACE]], %[[STRIDE]]
  // CHECK-NEXT: scf.if %[[LARGE]] {
  // CHECK-NEXT:  %[[LINE_2:.+]] = arith.addi %[[NEXT]], %[[SECOND]]
  // CHECK-NEXT:  memref.prefetch %arg1[%c0, %[[LINE_2]]]
  // CHECK-COUNT-2: memref.prefetch
  // CHECK-NOT: memref.prefetch
  // CHECK:     }
  // CHECK:     arith.addi %[[PLACE]], %[[ADVANCE]]
  // CHECK-NOT: memref.prefetch
  // CHECK:       scf.for {{.+}} = %c0 to %c4 step %c1
  // CHECK-COUNT-12: vector.fma
  // CHECK-NOT: vector.fma
  // CHECK: } {llvm.loop_annotation = #[[$UNROLLED]]}
  // CHECK: } {llvm.loop_annotation = #[[$AS_IT_IS]]}
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
