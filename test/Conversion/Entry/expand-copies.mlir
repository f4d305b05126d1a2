// RUN: moe-opt %s --moe-expand-copies | FileCheck %s

// CHECK-LABEL: @contiguous
func.func @contiguous(%x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  // CHECK-NEXT: memref.copy
  memref.copy %x, %y : memref<?x4xf32> to memref<?x4xf32>
  return
}

// CHECK-LABEL: @strided
func.func @strided(%x: memref<4x4xf32, strided<[8, 1]>>, %y: memref<4x4xf32>) {
  // CHECK-NOT: memref.copy
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
  // CHECK-NOT: memref.copy
  memref.copy %x, %y : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
  memref.copy %y, %x : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1]>>
  return
}
