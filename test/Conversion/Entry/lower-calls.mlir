// RUN: moe-opt %s --moe-lower-calls --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK:       llvm.func @moert_assign(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i32)

// CHECK-LABEL: func.func @greedy(
// CHECK-SAME:    %[[CONTEXT:.*]]: !llvm.ptr, %[[SCORES:.*]]: memref<?x3xf32>, %[[CAPACITY:.*]]: memref<3xi32>, %[[MEMBER:.*]]: memref<?xi32>)
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK-DAG:     %[[E:.*]] = arith.constant 3 : i64
// CHECK-DAG:     %[[DIM:.*]] = memref.dim %[[SCORES]]
// CHECK-DAG:     %[[N:.*]] = arith.index_cast %[[DIM]] : index to i64
// CHECK:         llvm.call @moert_assign(%[[CONTEXT]], %{{.*}}, %{{.*}}, %{{.*}}, %[[N]], %[[E]], %[[ZERO]])
func.func @greedy(%context: !llvm.ptr, %scores: memref<?x3xf32>, %capacity: memref<3xi32>,
                  %member: memref<?xi32>) {
  moek.assign %scores, %capacity outs(%member : memref<?xi32>) : memref<?x3xf32>, memref<3xi32>
  return
}

// -----

// An offset is part of the address.

// CHECK-LABEL: func.func @exact_f64(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: memref<5x2xf64>, %{{.*}}: memref<2xi32>, %[[ROW:.*]]: memref<5xi32, strided<[1], offset: 10>>)
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1 : i32
// CHECK-DAG:     %[[BYTES:.*]] = arith.constant 40 : index
// CHECK:         %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %[[ROW]]
// CHECK:         %[[SUM:.*]] = arith.addi %[[BASE]], %[[BYTES]]
// CHECK:         %[[INT:.*]] = arith.index_cast %[[SUM]] : index to i64
// CHECK:         %[[ADDRESS:.*]] = llvm.inttoptr %[[INT]]
// CHECK:         llvm.call @moert_assign_f64(%{{.*}}, %{{.*}}, %{{.*}}, %[[ADDRESS]], %{{.*}}, %{{.*}}, %[[ONE]])
func.func @exact_f64(%context: !llvm.ptr, %scores: memref<5x2xf64>, %capacity: memref<2xi32>,
                     %member: memref<5xi32, strided<[1], offset: 10>>) {
  moek.assign exact %scores, %capacity outs(%member : memref<5xi32, strided<[1], offset: 10>>)
    : memref<5x2xf64>, memref<2xi32>
  return
}

// -----

func.func @strided(%context: !llvm.ptr, %scores: memref<5x2xf32, strided<[4, 1]>>,
                   %capacity: memref<2xi32>, %member: memref<5xi32>) {
  // expected-error @+1 {{operand 'memref<5x2xf32, strided<[4, 1]>>' is not contiguous}}
  moek.assign %scores, %capacity outs(%member : memref<5xi32>)
    : memref<5x2xf32, strided<[4, 1]>>, memref<2xi32>
  return
}
