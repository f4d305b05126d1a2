// RUN: moe-opt %s --moe-outline-parallel --split-input-file | FileCheck %s
// RUN: moe-opt %s --moe-outline-parallel=share=false --split-input-file | FileCheck %s --check-prefix=APART

// The values that a body uses travel in a struct; constants are made again.
// CHECK-LABEL: @phase
// CHECK-SAME: %[[CONTEXT:.+]]: !llvm.ptr, %[[N:.+]]: index, %[[X:.+]]: memref<8xf32>
func.func @phase(%context: !llvm.ptr, %n: index, %x: memref<8xf32>) {
  // CHECK: %[[ONE:.+]] = llvm.mlir.constant(1 : i64)
  // CHECK: %[[FRAME:.+]] = llvm.alloca %[[ONE]] x !llvm.struct<(struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
  // CHECK: llvm.store
  // CHECK: %[[COUNT:.+]] = arith.index_cast %[[N]] : index to i64
  // CHECK: %[[BODY:.+]] = llvm.mlir.addressof @moe.phase.0
  // CHECK: call @moert_parallel_for(%[[CONTEXT]], %[[COUNT]], %[[BODY]], %[[FRAME]])
  // CHECK-NOT: scf.forall
  %two = arith.constant 2.0 : f32
  scf.forall (%i) in (%n) {
    memref.store %two, %x[%i] : memref<8xf32>
  }
  return
}
// CHECK: llvm.func internal @moe.phase.0(%[[ARG:.+]]: !llvm.ptr, %[[I:.+]]: i64)
// CHECK-DAG: arith.constant 2.0
// CHECK-DAG: llvm.load
// CHECK-DAG: arith.index_cast %[[I]] : i64 to index
// CHECK: memref.store

// -----

// Two layers of one shape share their code; another constant is other code.
// CHECK-LABEL: @twice
// CHECK-COUNT-2: llvm.mlir.addressof @moe.phase.0
// CHECK: llvm.mlir.addressof @moe.phase.2
// CHECK: llvm.func internal @moe.phase.0
// CHECK-NOT: llvm.func internal @moe.phase.1
// CHECK: llvm.func internal @moe.phase.2
// APART-LABEL: @twice
// APART: llvm.func internal @moe.phase.0
// APART: llvm.func internal @moe.phase.1
// APART: llvm.func internal @moe.phase.2
func.func @twice(%context: !llvm.ptr, %n: index, %x: memref<8xf32>, %y: memref<8xf32>) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  scf.forall (%i) in (%n) {
    memref.store %two, %x[%i] : memref<8xf32>
  }
  scf.forall (%i) in (%n) {
    memref.store %two, %y[%i] : memref<8xf32>
  }
  scf.forall (%i) in (%n) {
    memref.store %three, %y[%i] : memref<8xf32>
  }
  return
}

// -----

// A phase in a loop has one frame; a phase in a phase is a loop.
// CHECK-LABEL: @nested
func.func @nested(%context: !llvm.ptr, %n: index, %x: memref<8x8xf32>) {
  // CHECK: llvm.alloca
  // CHECK: scf.for
  // CHECK-NOT: llvm.alloca
  // CHECK: call @moert_parallel_for
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2.0 : f32
  scf.for %k = %zero to %n step %one {
    scf.forall (%i) in (%n) {
      scf.forall (%j) in (%n) {
        memref.store %two, %x[%i, %j] : memref<8x8xf32>
      }
    }
  }
  return
}
// CHECK: llvm.func internal @moe.phase.0
// CHECK: scf.for
// CHECK: memref.store
