// RUN: moe-opt %s -moe-expand-ops -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @rsqrt
// CHECK-SAME: (%[[X:.*]]: f32)
func.func @rsqrt(%x: f32) -> f32 {
  // CHECK: %[[ONE:.*]] = arith.constant 1.0
  // CHECK: %[[ROOT:.*]] = math.sqrt %[[X]] : f32
  // CHECK: arith.divf %[[ONE]], %[[ROOT]] : f32
  %r = math.rsqrt %x : f32
  return %r : f32
}

// -----

// CHECK-LABEL: func.func @functions
func.func @functions(%x: f32, %n: i32) -> (f32, f32, f32) {
  // CHECK-NOT: math.clampf
  // CHECK-NOT: math.fpowi
  // CHECK: math.exp
  %low = arith.constant -1.0 : f32
  %high = arith.constant 1.0 : f32
  %c = math.clampf %x to [%low, %high] : f32
  %three = arith.constant 3 : i32
  %p = math.fpowi %x, %three : f32, i32
  // Libraries have it.
  %e = math.exp %x : f32
  return %c, %p, %e : f32, f32, f32
}

// -----

// CHECK-LABEL: func.func @view
func.func @view(%a: memref<?x20xf32>, %i: index) -> f32 {
  // CHECK-NOT: memref.subview
  // CHECK: memref.extract_strided_metadata
  // CHECK: memref.reinterpret_cast
  %c0 = arith.constant 0 : index
  %row = memref.subview %a[%i, 0] [1, 20] [1, 1]
    : memref<?x20xf32> to memref<1x20xf32, strided<[20, 1], offset: ?>>
  %x = memref.load %row[%c0, %c0] : memref<1x20xf32, strided<[20, 1], offset: ?>>
  return %x : f32
}

// -----

// CHECK-LABEL: func.func @transfer
func.func @transfer(%a: memref<?x?xf32>) -> vector<2x4xf32> {
  // CHECK: scf.for
  // CHECK: vector.transfer_read {{.*}} vector<4xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %a[%c0, %c0], %zero : memref<?x?xf32>, vector<2x4xf32>
  return %v : vector<2x4xf32>
}
