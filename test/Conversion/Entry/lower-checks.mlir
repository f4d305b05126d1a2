// RUN: moe-opt %s --moe-lower-checks | FileCheck %s

// CHECK-DAG: llvm.mlir.global internal constant @[[$INDICES:moe.str.[0-9]+]]("indices\00")

// CHECK-LABEL: @contiguous
// CHECK-SAME: %[[CONTEXT:.+]]: !llvm.ptr, %[[M:.+]]: memref<?x2xi32>, %[[LOWER:.+]]: index, %[[UPPER:.+]]: index
func.func @contiguous(%context: !llvm.ptr, %m: memref<?x2xi32>, %lower: index, %upper: index) {
  // One call for all of it.
  // CHECK-NOT: scf.for
  // CHECK: %[[ADDRESS:.+]] = llvm.inttoptr
  // CHECK: %[[L:.+]] = arith.index_cast %[[LOWER]] : index to i64
  // CHECK: %[[U:.+]] = arith.index_cast %[[UPPER]] : index to i64
  // CHECK: %[[WHAT:.+]] = llvm.mlir.addressof @[[$INDICES]]
  // CHECK: llvm.call @moert_check_indices(%[[CONTEXT]], %[[ADDRESS]], %{{.+}}, %[[L]], %[[U]], %[[WHAT]])
  moek.check_indices %m in %lower to %upper, "indices" : memref<?x2xi32>
  return
}

// CHECK-LABEL: @rows
func.func @rows(%context: !llvm.ptr, %m: memref<4x2xi32, strided<[8, 1]>>, %n: index) {
  // A call for each row.
  // CHECK: scf.for
  // CHECK-NOT: scf.for
  // CHECK: llvm.call @moert_check_indices
  moek.check_indices %m in %n to %n, "indices" : memref<4x2xi32, strided<[8, 1]>>
  return
}

// CHECK-LABEL: @offsets
func.func @offsets(%context: !llvm.ptr, %m: memref<5xi32>, %n: index) {
  // CHECK: llvm.call @moert_check_offsets
  moek.check_offsets %m to %n, "offsets" : memref<5xi32>
  return
}

// CHECK-LABEL: @numbers
// CHECK-SAME: %[[CONTEXT:.+]]: !llvm.ptr, %[[I:.+]]: index, %[[N:.+]]: index
func.func @numbers(%context: !llvm.ptr, %i: index, %n: index) {
  // A negative index is a huge one.
  // CHECK: %[[OUTSIDE:.+]] = arith.cmpi uge, %[[I]], %[[N]]
  // CHECK: scf.if %[[OUTSIDE]] {
  // CHECK:   %[[STATUS:.+]] = arith.constant 6 : i32
  // CHECK:   llvm.call @moert_fail(%[[CONTEXT]], %[[STATUS]],
  // CHECK: }
  moek.check_index %i to %n, "index"
  // CHECK: %[[ABOVE:.+]] = arith.cmpi sgt, %[[I]], %[[N]]
  // CHECK: scf.if %[[ABOVE]] {
  // CHECK:   llvm.call @moert_fail
  // CHECK: }
  moek.check_limit %i le %n, "limit"
  return
}
