// RUN: moe-opt %s --convert-moek-to-cpu='lanes=8 panel=16 chunk=8 block=128 block-in-out=64 pack-panels=4 unroll=4 in-place-in-out=16' --canonicalize --cse | FileCheck %s

// Many rows on weights [in,out] as they lie: a task packs four panels of a block of K at a
// time, going along their rows; the tiles ask for those to come, row by row.
// CHECK-LABEL: @in_out
func.func @in_out(%x: memref<?x128xf32>, %w: memref<128x256xf32>, %y: memref<?x256xf32>) {
  // CHECK: memref.alloca() {{.*}}: memref<48x128xf32>
  // CHECK: %[[PACKED:.+]] = memref.alloca() {{.*}}: memref<1x4096xf32>
  // CHECK: scf.for %[[BLOCK:.+]] = %c0 to %c2 step %c1
  // CHECK: scf.for %[[COLUMN:.+]] = %c0 to %[[END:[^ ]+]] step %c64
  // CHECK:   %[[BEHIND:.+]] = arith.addi %[[COLUMN]], %c64
  // CHECK:   %[[INSIDE:.+]] = arith.cmpi slt, %[[BEHIND]], %[[END]]
  // CHECK:   arith.addi %[[BLOCK]], %c1
  // CHECK:   arith.select %[[INSIDE]], %[[BLOCK]]
  // CHECK:   scf.for %[[K:.+]] = %c0 to %c64 step %c8
  // CHECK:     scf.for %[[ACROSS:.+]] = %c0 to %c64 step %c8
  // CHECK-COUNT-8: vector.load %{{.+}} : memref<9223372036854775807xf32>, vector<8xf32>
  // CHECK:       %[[PANEL:.+]] = arith.divui %[[ACROSS]], %c16
  // CHECK:       arith.muli %[[PANEL]], %c1024
  // CHECK-COUNT-8: vector.store %{{.+}}, %[[PACKED]]
  // CHECK:   %[[AHEAD:.+]] = arith.addi
  // CHECK:   scf.for %[[I:.+]] = %c0 to %c4 step %c1
  // CHECK:     %[[START:.+]] = arith.muli %[[I]], %c1024
  // CHECK:     %[[SHARE:.+]] = arith.divui %c1024, %[[TILES:[^ ]+]]
  // CHECK:     scf.for %[[TILE:.+]] = %c0 to %[[TILES]] step %c1
  // CHECK:       %[[OF:.+]] = arith.muli %[[TILE]], %[[SHARE]]
  // CHECK:       %[[FIRST:.+]] = arith.addi %[[START]], %[[OF]]
  // CHECK:       default {
  // CHECK:         scf.for {{.+}} = %c0 to %c64 step %c4 iter_args({{.+}}, %[[PLACE:.+]] = %[[FIRST]])
  // CHECK:           %[[ROW:.+]] = arith.divui %[[PLACE]], %c64
  // CHECK:           %[[DOWN:.+]] = arith.muli %[[ROW]], %c256
  // CHECK:           %[[IN_ROW:.+]] = arith.remui %[[PLACE]], %c64
  // CHECK:           %[[POSITION:.+]] = arith.addi %[[DOWN]], %[[IN_ROW]]
  // CHECK:           %[[LINE:.+]] = arith.addi %{{.+}}, %[[POSITION]]
  // CHECK:           memref.prefetch %{{.+}}[%[[LINE]]], read, locality<2>, data : memref<9223372036854775807xf32>
  // CHECK:           vector.load %[[PACKED]]
  moek.gemm ins(%x : memref<?x128xf32>) weights(%w : memref<128x256xf32>) outs(%y : memref<?x256xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Where the columns of two alternate, each asks for half of the lines of both.
// CHECK-LABEL: @alternating
func.func @alternating(%x: memref<?x64xf32>, %g: memref<64x64xf32, strided<[128, 2], offset: 0>>,
    %u: memref<64x64xf32, strided<[128, 2], offset: 1>>, %y: memref<?x64xf32>) {
  // CHECK: %[[PACKED:.+]] = memref.alloca() {{.*}}: memref<1x4096xf32>
  // CHECK: vector.store %{{.+}}, %[[PACKED]]
  // CHECK: arith.addi %{{.+}}, %c64 : index{{[[:space:]]+}}scf.for {{.+}} = %c0 to %c4 step %c1
  // CHECK: memref.prefetch
  moek.gemm ins(%x : memref<?x64xf32>) weights(%g, %u : memref<64x64xf32, strided<[128, 2], offset: 0>>, memref<64x64xf32, strided<[128, 2], offset: 1>>)
      outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %1 = arith.mulf %a, %b : f32
    moek.yield %1 : f32
  }
  return
}

// Accumulators are packed one after the other, so that rows are read in the same pieces;
// bf16 whose K are rows apart becomes f32.
// CHECK-LABEL: @two
func.func @two(%x: memref<?x64xbf16>, %g: memref<64x64xbf16>, %u: memref<64x64xbf16>, %y: memref<?x64xf32>) {
  // CHECK: %[[PACKED:.+]] = memref.alloca() {{.*}}: memref<1x4096xf32>
  // CHECK: scf.for {{.+}} = %c0 to %c64 step %c8
  // CHECK:   scf.for {{.+}} = %c0 to %c64 step %c8
  // CHECK-COUNT-8: arith.extf %{{.+}} : vector<8xbf16> to vector<8xf32>
  // CHECK-COUNT-8: vector.store %{{.+}}, %[[PACKED]]
  // CHECK: vector.fma
  // CHECK: scf.for {{.+}} = %c0 to %c64 step %c8
  // CHECK:   scf.for {{.+}} = %c0 to %c64 step %c8
  // CHECK-COUNT-8: vector.store %{{.+}}, %[[PACKED]]
  // CHECK: vector.fma
  moek.gemm ins(%x : memref<?x64xbf16>) weights(%g, %u : memref<64x64xbf16>, memref<64x64xbf16>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %1 = arith.mulf %a, %b : f32
    moek.yield %1 : f32
  }
  return
}
