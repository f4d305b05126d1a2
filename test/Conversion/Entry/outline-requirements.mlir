// RUN: moe-opt %s --moe-split-prepare --moe-entry --moe-outline-requirements --canonicalize --cse --split-input-file | FileCheck %s

// The size of a result follows from the op's operands; the check is made before
// the run, with the host's sizes.

// CHECK-LABEL: func.func @pad(
// CHECK-NOT: moek.require
// CHECK: func.func private @pad.require(%[[CONTEXT:.+]]: !llvm.ptr, %[[T:.+]]: index) -> i1
// CHECK-DAG: %[[STATUS:.+]] = arith.constant 1 : i32
// CHECK-DAG: %[[C3:.+]] = arith.constant 3 : index
// CHECK: %[[SIZE:.+]] = arith.addi %[[T]], %[[C3]]
// CHECK: %[[HOLDS:.+]] = arith.cmpi eq, %[[SIZE]], %[[T]]
// CHECK: scf.if
// CHECK: llvm.call @moert_fail(%[[CONTEXT]], %[[STATUS]],
// CHECK: return %[[HOLDS]] : i1
func.func @pad(%x: tensor<?xf32> {moe.dims = ["T"]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %t = tensor.dim %x, %c0 : tensor<?xf32>
  %n = arith.addi %t, %c3 : index
  %y = tensor.empty(%n) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// What a branch can yield has one size.

// CHECK: func.func private @branch.require(%{{.+}}: !llvm.ptr, %[[T:.+]]: index, %[[U:.+]]: index) -> i1
// CHECK: arith.cmpi eq, %[[U]], %[[T]]
func.func @branch(%c: i1, %x: tensor<?xf32> {moe.dims = ["T"]}, %z: tensor<?xf32> {moe.dims = ["U"]})
    -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %y = scf.if %c -> tensor<?xf32> {
    scf.yield %x : tensor<?xf32>
  } else {
    %c0 = arith.constant 0 : index
    %u = tensor.dim %z, %c0 : tensor<?xf32>
    %e = tensor.empty(%u) : tensor<?xf32>
    %a = linalg.exp ins(%z : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    scf.yield %a : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// -----

// A loop's state keeps its size: here by its body, so nothing is left to check.

// CHECK: func.func private @keeps.require
// CHECK-NEXT: %[[TRUE:.+]] = arith.constant true
// CHECK-NEXT: return %[[TRUE]]
func.func @keeps(%x: tensor<?x4xf32> {moe.dims = ["T", ""]}, %n: index) -> (tensor<?x4xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<?x4xf32> {
    %t = tensor.dim %s, %c0 : tensor<?x4xf32>
    %e = tensor.empty(%t) : tensor<?x4xf32>
    %y = linalg.exp ins(%s : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %y : tensor<?x4xf32>
  }
  return %r : tensor<?x4xf32>
}

// -----

// And here not: every call is refused.

// CHECK: func.func private @grows.require(%{{.+}}: !llvm.ptr, %[[T:.+]]: index) -> i1
// CHECK: %[[TWICE:.+]] = {{affine.apply|arith.addi}}
// CHECK: arith.cmpi eq, %[[TWICE]], %[[T]]
// CHECK: llvm.call @moert_fail
func.func @grows(%x: tensor<?xf32> {moe.dims = ["T"]}, %n: index) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<?xf32> {
    %z = tensor.concat dim(0) %s, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %z : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// -----

// A requirement of the module's own, in a region; what is too large has a status
// of its own.

// CHECK-LABEL: func.func @own(
// CHECK-NOT: moek.require
// CHECK: func.func private @own.require(%{{.+}}: !llvm.ptr, %[[T:.+]]: index) -> i1
// CHECK-DAG: arith.constant 7 : i32
// CHECK-DAG: %[[LIMIT:.+]] = arith.constant 100 : index
// CHECK: arith.cmpi sle, %[[T]], %[[LIMIT]]
func.func @own(%c: i1, %x: tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c100 = arith.constant 100 : index
  scf.if %c {
    %t = tensor.dim %x, %c0 : tensor<?xf32>
    moek.require %t le %c100, "tokens"
  }
  return
}
