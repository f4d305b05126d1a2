// RUN: split-file %s %t
// RUN: moe-opt %t/places.mlir --moe-pipeline=reference --compile-to=buffers | FileCheck %t/places.mlir
// RUN: moe-opt %t/lifetimes.mlir --moe-plan-workspace --canonicalize --cse --split-input-file | FileCheck %t/lifetimes.mlir
// RUN: moe-opt %t/lifetimes.mlir --moe-plan-workspace=share=false --canonicalize --cse --split-input-file | FileCheck %t/lifetimes.mlir --check-prefix=APART


//--- places.mlir
// One view of the workspace for the value between two ops; its size in bytes,
// rounded up to 64, and -1 where that does not fit.

// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: %[[WORKSPACE:[a-z0-9]+]]: memref<?xi8>)
// CHECK-NOT: memref.alloc
// CHECK: memref.view %[[WORKSPACE]]
// CHECK: func.func private @softmax.workspace(%[[T:.+]]: index) -> i64
// CHECK-DAG: %[[NONE:.+]] = arith.constant -1 : i64
// CHECK-DAG: %[[FOUR:.+]] = arith.constant 4 : i64
// CHECK-DAG: %[[MASK:.+]] = arith.constant -64 : i64
// CHECK: arith.mului_extended
// CHECK: arith.andi %{{.+}}, %[[MASK]]
// CHECK: arith.select %{{.+}}, %[[NONE]], %{{.+}} : i64
// CHECK: func.func private @softmax.require
// CHECK: func.func private @softmax.prepare(%{{.+}}: !llvm.ptr, %{{.+}}: memref<?xi8>)
// CHECK: func.func private @softmax.prepare.workspace() -> i64
func.func @softmax(%x: tensor<?x4xf32> {moe.dims = ["T", ""]}) -> (tensor<?x4xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

//--- lifetimes.mlir
// The third buffer takes the place of the first, which is in use no more.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[WORKSPACE:[a-z0-9]+]]: memref<?xi8>)
// CHECK-DAG: %[[C0:.+]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.+]] = arith.constant 64 : index
// CHECK: %[[A:.+]] = memref.view %[[WORKSPACE]][%[[C0]]]
// CHECK: linalg.exp ins(%{{.+}}) outs(%[[A]]
// CHECK: %[[B:.+]] = memref.view %[[WORKSPACE]][%[[C64]]]
// CHECK: linalg.exp ins(%[[A]] {{.*}} outs(%[[B]]
// CHECK: linalg.exp ins(%[[B]] {{.*}} outs(%[[A]]
// CHECK: @chain.workspace
// CHECK: %[[BYTES:.+]] = arith.constant 128 : i64
// CHECK-NEXT: return %[[BYTES]]
// APART: @chain.workspace
// APART: %[[BYTES:.+]] = arith.constant 192 : i64
func.func @chain(%context: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>) attributes {moe.entry = {arguments = [
    {dims = array<i64: 4>, element = f32, name = "x", role = 0},
    {dims = array<i64: 4>, element = f32, name = "y", role = 2}], symbols = []}} {
  %a = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  linalg.exp ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
  %c = memref.alloc() : memref<4xf32>
  linalg.exp ins(%b : memref<4xf32>) outs(%c : memref<4xf32>)
  memref.copy %c, %y : memref<4xf32> to memref<4xf32>
  return
}
func.func private @chain.prepare(%context: !llvm.ptr) {
  return
}

// -----

// A buffer lives as long as what a while loop makes of it: through the condition,
// whose first operand is no buffer, into the loop's result.
// CHECK: @while.workspace
// CHECK: arith.constant 128 : i64
func.func @while(%context: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>) attributes {moe.entry = {arguments = [
    {dims = array<i64: 4>, element = f32, name = "x", role = 0},
    {dims = array<i64: 4>, element = f32, name = "y", role = 2}], symbols = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  %r:2 = scf.while (%i = %c0, %s = %a) : (index, memref<4xf32>) -> (memref<4xf32>, index) {
    %more = arith.cmpi slt, %i, %c1 : index
    scf.condition(%more) %s, %i : memref<4xf32>, index
  } do {
  ^bb0(%s: memref<4xf32>, %i: index):
    %j = arith.addi %i, %c1 : index
    scf.yield %j, %s : index, memref<4xf32>
  }
  %b = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%b : memref<4xf32>)
  linalg.add ins(%r#0, %b : memref<4xf32>, memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
func.func private @while.prepare(%context: !llvm.ptr) {
  return
}

// -----

// The same for a branch and a view.
// CHECK: @branch.workspace
// CHECK: arith.constant 128 : i64
func.func @branch(%context: !llvm.ptr, %c: memref<i1>, %x: memref<4xf32>, %y: memref<2xf32>) attributes {moe.entry = {arguments = [
    {dims = array<i64>, element = i1, name = "c", role = 0},
    {dims = array<i64: 4>, element = f32, name = "x", role = 0},
    {dims = array<i64: 2>, element = f32, name = "y", role = 2}], symbols = []}} {
  %flag = memref.load %c[] : memref<i1>
  %a = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  %r = scf.if %flag -> memref<4xf32> {
    scf.yield %a : memref<4xf32>
  } else {
    scf.yield %x : memref<4xf32>
  }
  %v = memref.subview %r[1] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 1>>
  %b = memref.alloc() : memref<2xf32>
  linalg.exp ins(%v : memref<2xf32, strided<[1], offset: 1>>) outs(%b : memref<2xf32>)
  linalg.add ins(%v, %b : memref<2xf32, strided<[1], offset: 1>>, memref<2xf32>) outs(%y : memref<2xf32>)
  return
}
func.func private @branch.prepare(%context: !llvm.ptr) {
  return
}
