// RUN: moe-opt %s --canonicalize --cse | FileCheck %s

// What holds vanishes; what never holds is left to the call, which says more.

// CHECK-LABEL: @requirements
// CHECK-SAME: %[[A:.+]]: index
func.func @requirements(%a: index) {
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  // CHECK-DAG: %[[C3:.+]] = arith.constant 3 : index
  // CHECK-DAG: %[[C4:.+]] = arith.constant 4 : index
  moek.require %a eq %a, "the same"
  moek.require %c3 le %c4, "constants"
  // CHECK: moek.require %[[C3]] eq %[[C4]], "never"
  moek.require %c3 eq %c4, "never"
  // CHECK-NEXT: moek.require %[[A]] le %[[C4]], "unknown"
  moek.require %a le %c4, "unknown"
  // CHECK-NEXT: return
  return
}

// CHECK-LABEL: @indices
// CHECK-SAME: %[[A:.+]]: index
func.func @indices(%a: index) {
  %minus = arith.constant -1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  // CHECK-DAG: %[[MINUS:.+]] = arith.constant -1 : index
  // CHECK-DAG: %[[C4:.+]] = arith.constant 4 : index
  moek.check_index %c3 to %c4, "inside"
  // CHECK: moek.check_index %[[C4]] to %[[C4]], "above"
  moek.check_index %c4 to %c4, "above"
  // CHECK-NEXT: moek.check_index %[[MINUS]] to %[[C4]], "below"
  moek.check_index %minus to %c4, "below"
  // CHECK-NEXT: moek.check_index %[[A]] to %[[C4]], "unknown"
  moek.check_index %a to %c4, "unknown"
  // CHECK-NEXT: return
  return
}

// A check of a tensor that nothing else reads stays, and is not merged.

// CHECK-LABEL: @stays
func.func @stays(%t: tensor<4xi32>, %a: index) {
  // CHECK-COUNT-2: moek.check_indices
  moek.check_indices %t in %a to %a, "one" : tensor<4xi32>
  moek.check_indices %t in %a to %a, "two" : tensor<4xi32>
  return
}
