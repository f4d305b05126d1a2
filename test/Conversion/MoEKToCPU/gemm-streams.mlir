// RUN: moe-opt %s --convert-moek-to-cpu='lanes=8 panel=16 chunk=4 in-place-in-out=16' --canonicalize --cse | FileCheck %s

// Weights [E,in,out] that are read where they lie. If experts have two rows each in the
// mean, or less, and none has more than 16, a task is as many columns of one expert as leave two tasks for a thread,
// or all of them if the experts come out even.
// CHECK-LABEL: @hidden
func.func @hidden(%context: !llvm.ptr, %x: memref<?x128xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %w: memref<8x128x512xf32>, %y: memref<?x512xf32>) {
  // CHECK: %[[BLOCKS:.+]]:2 = scf.for
  // CHECK: }
  // CHECK: %[[ROWS:.+]] = memref.dim %arg2
  // CHECK: %[[DOUBLE:.+]] = arith.muli %[[ROWS]], %c2
  // CHECK: %[[MEAN:.+]] = arith.cmpi slt, %[[DOUBLE]]
  // CHECK: %[[LARGEST:.+]] = arith.cmpi slt, %[[BLOCKS]]#1, %c17
  // CHECK: %[[FEW:.+]] = arith.andi %[[MEAN]], %[[LARGEST]]
  // CHECK: %[[COUNT:.+]] = arith.maxsi %[[BLOCKS]]#0, %c1
  // CHECK: %[[CALL:.+]] = llvm.call @moert_threads(%arg0)
  // CHECK: %[[THREADS:.+]] = arith.maxsi %{{.+}}, %c1
  // CHECK: %[[TWICE:.+]] = arith.muli %[[THREADS]], %c2
  // CHECK: %[[SHARE:.+]] = arith.divui %{{.+}}, %[[COUNT]]
  // CHECK: %[[OVER:.+]] = arith.remui %[[COUNT]], %[[THREADS]]
  // CHECK: %[[NONE:.+]] = arith.cmpi eq, %[[OVER]], %c0
  // CHECK: %[[EVEN:.+]] = arith.andi %[[FEW]], %[[NONE]]
  // CHECK: %[[PIECES:.+]] = arith.select %[[EVEN]], %c1, %[[SHARE]]
  // CHECK: arith.divui %{{.+}}, %[[PIECES]]
  // CHECK: %[[CHUNKS:.+]] = arith.divui %{{.+}}, %c4
  // CHECK: %[[WIDTH:.+]] = arith.muli %[[CHUNKS]], %c4
  // CHECK: %[[MOST:.+]] = arith.select %[[FEW]], %c32
  // CHECK: arith.minsi %[[WIDTH]], %[[MOST]]
  // CHECK: scf.forall
  // Four rows of the weights at a time, a quarter of K apart, in the whole width.
  // CHECK: memref.reinterpret_cast %{{.+}} sizes: [4, 512]
  // CHECK: scf.for %[[K:.+]] = %c0 to %c32 step %c1
  // CHECK:   arith.addi %[[K]], %c32
  // CHECK:   arith.addi %[[K]], %c64
  // CHECK:   arith.addi %[[K]], %c96
  moek.gemm ins(%x : memref<?x128xf32>) rows(%r by 2 : memref<?xi32>) offsets(%o : memref<9xi32>) weights(%w : memref<8x128x512xf32>)
      outs(%y : memref<?x512xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  }
  return
}

// Where rows of several experts go to one row, that is a phase before: it leaves the sums
// in the scratch, as far as they fit, and the tasks that own columns add them up.
// CHECK-LABEL: @combined
func.func @combined(%context: !llvm.ptr, %x: memref<?x128xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %w: memref<8x128x512xf32>,
    %y: memref<?x512xf32>, %s: memref<?x512xf32>) {
  // CHECK: %[[ROOM:.+]] = memref.dim %arg6
  // CHECK: %[[FITS:.+]] = arith.cmpi slt
  // CHECK: %[[STREAMED:.+]] = arith.andi %{{.+}}, %[[FITS]]
  // CHECK: %[[SOME:.+]] = arith.select %[[STREAMED]], %{{.+}}, %c0
  // CHECK: %[[TASKS:.+]] = arith.muli %[[SOME]], %{{.+}}
  // CHECK: scf.forall (%{{.+}}) in (%[[TASKS]])
  // CHECK:   vector.fma
  // CHECK:   memref.subview %arg6
  // CHECK:   vector.store
  // CHECK: scf.forall (%{{.+}}) in (8)
  // CHECK:   scf.if %[[STREAMED]] {
  // CHECK:     %[[SUMS:.+]] = memref.subview %arg6
  // CHECK:     vector.load %[[SUMS]]
  // CHECK:     vector.load %arg5
  // CHECK:     arith.addf
  // CHECK:     vector.store %{{.+}}, %arg5
  // CHECK:   } else {
  // CHECK:     vector.fma
  moek.gemm ins(%x : memref<?x128xf32>) offsets(%o : memref<9xi32>) weights(%w : memref<8x128x512xf32>)
      outs(%y : memref<?x512xf32>) rows(%r by 2 : memref<?xi32>) scratch(%s : memref<?x512xf32>) {
  ^bb0(%acc: f32, %old: f32):
    %1 = arith.addf %acc, %old : f32
    moek.yield %1 : f32
  }
  return
}
