// RUN: moe-opt %s --one-shot-bufferize=bufferize-function-boundaries --canonicalize | FileCheck %s

// A check reads its buffer, and what it reads is what was there then.

// CHECK-LABEL: @reads
// CHECK-SAME: %[[T:.+]]: memref<4xi32
func.func @reads(%t: tensor<4xi32>, %a: index) -> tensor<4xi32> {
  %c7 = arith.constant 7 : i32
  // CHECK: moek.check_indices %[[T]]
  moek.check_indices %t in %a to %a, "before" : tensor<4xi32>
  // CHECK: linalg.fill {{.*}} outs(%[[NEW:.+]] :
  %new = linalg.fill ins(%c7 : i32) outs(%t : tensor<4xi32>) -> tensor<4xi32>
  // CHECK: moek.check_indices %[[NEW]]
  moek.check_indices %new in %a to %a, "after" : tensor<4xi32>
  return %new : tensor<4xi32>
}

// The old value is read after the new one was written: a copy.

// CHECK-LABEL: @conflict
// CHECK-SAME: %[[T:.+]]: memref<4xi32
func.func @conflict(%t: tensor<4xi32>, %a: index) -> tensor<4xi32> {
  %c7 = arith.constant 7 : i32
  // CHECK: %[[COPY:.+]] = memref.alloc
  // CHECK: linalg.fill {{.*}} outs(%[[COPY]] :
  %new = linalg.fill ins(%c7 : i32) outs(%t : tensor<4xi32>) -> tensor<4xi32>
  // CHECK: moek.check_indices %[[T]]
  moek.check_indices %t in %a to %a, "old" : tensor<4xi32>
  return %new : tensor<4xi32>
}
