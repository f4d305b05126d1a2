// RUN: moe-opt %s --moe-share-phases --split-input-file | FileCheck %s

// Two layers: what differs in operands alone is one function, across functions, too.
// CHECK-LABEL: func.func @layers
// CHECK-SAME: %[[CONTEXT:[^:]+]]: !llvm.ptr, %[[X:[^:]+]]: memref<?xf32>, %[[Y:[^:]+]]: memref<?xf32>, %[[Z:[^:]+]]: memref<?xf32>
// CHECK-NEXT: call @[[$NEGATE:moe.shared[^(]*]](%[[CONTEXT]], %[[X]], %[[Y]])
// CHECK-NEXT: call @[[$NEGATE]](%[[CONTEXT]], %[[Y]], %[[Z]])
// CHECK-NEXT: return
func.func @layers(%context: !llvm.ptr, %x: memref<?xf32>, %y: memref<?xf32>, %z: memref<?xf32>) {
  linalg.negf ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  linalg.negf ins(%y : memref<?xf32>) outs(%z : memref<?xf32>)
  return
}
// CHECK-LABEL: func.func @other
// CHECK: scf.for
// CHECK: call @[[$NEGATE]]
func.func @other(%context: !llvm.ptr, %n: index, %x: memref<?xf32>, %y: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    linalg.negf ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  }
  return
}
// CHECK: func.func private @[[$NEGATE]](%{{[^:]+}}: !llvm.ptr, %[[FROM:[^:]+]]: memref<?xf32>, %[[TO:[^:]+]]: memref<?xf32>)
// CHECK-NEXT: linalg.negf ins(%[[FROM]] : memref<?xf32>) outs(%[[TO]] : memref<?xf32>)
// CHECK-NEXT: return

// -----

// The same constant is made again; another one is another function, and one phase
// alone stays where it is. Of values that a region reads, too.
// CHECK-LABEL: func.func @constants
// CHECK: %[[S:.+]] = arith.addf
// CHECK: call @[[$FILL:moe.shared[^(]*]](%{{[^,]+}}, %{{[^,]+}})
// CHECK: linalg.fill
// CHECK: call @[[$FILL]](%{{[^,]+}}, %{{[^,]+}})
// CHECK: call @[[$SCALE:moe.shared[^(]*]](%{{[^,]+}}, %{{[^,]+}}, %[[S]])
// CHECK: call @[[$SCALE]](%{{[^,]+}}, %{{[^,]+}}, %{{.+}})
func.func @constants(%context: !llvm.ptr, %x: memref<4xf32>, %s: f32) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %sum = arith.addf %s, %s : f32
  linalg.fill ins(%two : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%three : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%two : f32) outs(%x : memref<4xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%x : memref<4xf32>) {
  ^bb0(%e: f32):
    %p = arith.mulf %e, %sum : f32
    linalg.yield %p : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%x : memref<4xf32>) {
  ^bb0(%e: f32):
    %p = arith.mulf %e, %s : f32
    linalg.yield %p : f32
  }
  return
}
// CHECK: func.func private @[[$FILL]]
// CHECK: arith.constant 2.0
// CHECK: func.func private @[[$SCALE]]

// -----

// One value twice is not two values, another attribute is another phase, and a
// function without a context does not run in a call.
// CHECK-LABEL: func.func @different
// CHECK-NOT: call
func.func @different(%context: !llvm.ptr, %x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%y : memref<?xf32>)
  linalg.add ins(%x, %y : memref<?xf32>, memref<?xf32>) outs(%y : memref<?xf32>)
  linalg.sub ins(%x, %y : memref<?xf32>, memref<?xf32>) outs(%y : memref<?xf32>)
  return
}
func.func @no_context(%x: memref<?xf32>) {
  linalg.negf ins(%x : memref<?xf32>) outs(%x : memref<?xf32>)
  linalg.negf ins(%x : memref<?xf32>) outs(%x : memref<?xf32>)
  return
}

// -----

// A task begins no other tasks, so what is in one stays in it.
// CHECK-LABEL: func.func @tasks
// CHECK-COUNT-2: linalg.negf
// CHECK-NOT: call
func.func @tasks(%context: !llvm.ptr, %n: index, %x: memref<?xf32>, %y: memref<?xf32>) {
  scf.forall (%i) in (%n) {
    linalg.negf ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
    linalg.negf ins(%y : memref<?xf32>) outs(%x : memref<?xf32>)
  }
  return
}

// -----

// Tasks are a phase themselves.
// CHECK-LABEL: func.func @same_tasks
// CHECK-NEXT: call @[[$TASKS:moe.shared[^(]*]](%{{[^,]+}}, %[[N:[^,]+]], %[[X:[^,]+]], %[[Y:[^,]+]])
// CHECK-NEXT: call @[[$TASKS]](%{{[^,]+}}, %[[N]], %[[Y]], %[[X]])
// CHECK: func.func private @[[$TASKS]]
// CHECK-NEXT: scf.forall
func.func @same_tasks(%context: !llvm.ptr, %n: index, %x: memref<?xf32>, %y: memref<?xf32>) {
  scf.forall (%i) in (%n) {
    %e = memref.load %x[%i] : memref<?xf32>
    memref.store %e, %y[%i] : memref<?xf32>
  }
  scf.forall (%i) in (%n) {
    %e = memref.load %y[%i] : memref<?xf32>
    memref.store %e, %x[%i] : memref<?xf32>
  }
  return
}
