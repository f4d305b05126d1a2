// RUN: moe-opt %s --moe-serialize-tasks | FileCheck %s

// CHECK-LABEL: @buffers
// CHECK-NOT: scf.forall
// CHECK: scf.for
// CHECK: scf.for
// CHECK: memref.alloc
func.func @buffers(%n: index, %x: memref<?x?xf32>) {
  scf.forall (%i, %j) in (%n, %n) {
    %b = memref.alloc() : memref<8xf32>
    %v = memref.load %x[%i, %j] : memref<?x?xf32>
    linalg.fill ins(%v : f32) outs(%b : memref<8xf32>)
    memref.dealloc %b : memref<8xf32>
  }
  return
}

// CHECK-LABEL: @none
// CHECK: scf.forall
func.func @none(%n: index, %x: memref<?xf32>) {
  %b = memref.alloc() : memref<8xf32>
  scf.forall (%i) in (%n) {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<?xf32>
  }
  memref.dealloc %b : memref<8xf32>
  return
}
