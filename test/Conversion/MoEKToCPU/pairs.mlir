// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16 dot prefetch-l2=16384' --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,DOT
// RUN: moe-opt %s --convert-moek-to-cpu='lanes=16 prefetch-l2=16384 unroll=4' --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,WIDE

// Pairs of bf16 along K, in blocks of 128 x 64: by vdpbf16ps, or widened by a shift
// and a mask.
// CHECK-LABEL: @pairs
func.func @pairs(%x: memref<?x256xbf16>, %w: memref<1x65536xbf16>, %y: memref<?x256xf32>) {
  // Rows are copied as they are, or widened.
  // DOT: memref.alloca() {alignment = 64 : i64} : memref<48x128xbf16>
  // WIDE: memref.alloca() {alignment = 64 : i64} : memref<48x128xf32>
  // Two rows and two blocks, of 8192 elements each.
  // CHECK:     arith.muli %{{.+}}, %c8192
  // CHECK:     scf.for %[[K:.+]] = %c0 to %c128 step %c2
  // CHECK:       %[[AT:.+]] = arith.muli %[[K]], %c64
  // CHECK:       %[[FIRST:.+]] = arith.addi %{{.+}}, %[[AT]]
  // CHECK:       vector.load %arg1[%c0, %[[FIRST]]] : memref<1x65536xbf16>, vector<32xbf16>
  // CHECK:       arith.addi %[[FIRST]], %c32
  // CHECK:       arith.addi %[[FIRST]], %c64
  // CHECK:       arith.addi %[[FIRST]], %c96
  // DOT-COUNT-8: x86vector.avx512.dot
  // DOT-NOT:     x86vector.avx512.dot
  // WIDE-COUNT-16: vector.fma
  // WIDE-NOT:    vector.fma
  // CHECK:       %[[SECOND:.+]] = arith.addi %{{.+}}, %[[AT]]
  // CHECK:       arith.addi %[[SECOND]], %c96
  // DOT-COUNT-8: x86vector.avx512.dot
  // WIDE-COUNT-16: vector.fma
  // One row and four blocks.
  // CHECK:     scf.for {{.+}} = %c0 to %c128 step %c2
  // DOT-COUNT-16: x86vector.avx512.dot
  // WIDE-COUNT-32: vector.fma
  // CHECK:       scf.yield
  // CHECK: } else {
  // A tile of six rows asks for its part of the next block.
  // CHECK: scf.for {{.+}} step %c1 iter_args
  // CHECK:   default {
  // CHECK:     memref.prefetch %arg1
  // DOT-COUNT-24: x86vector.avx512.dot
  // DOT-NOT:   x86vector.avx512.dot
  // WIDE-COUNT-48: vector.fma
  // WIDE-NOT:  vector.fma
  moek.gemm ins(%x : memref<?x256xbf16>) weights(%w : memref<1x65536xbf16>)
      as <panel = 64, block = 128, chunk = 4, pair = 2> outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}
