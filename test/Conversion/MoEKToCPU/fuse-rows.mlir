// RUN: moe-opt %s --moe-fuse-rows --canonicalize --cse --split-input-file | FileCheck %s

#all = affine_map<(t, d) -> (t, d)>
#row = affine_map<(t, d) -> (t)>

// A norm: four ops on the rows of a task. What they need is made in front of it.
// CHECK-LABEL: func.func @norm
// CHECK-SAME: %[[X:[^:]+]]: memref<?x20xf32>, %[[Y:[^:]+]]: memref<?x20xf32>
func.func @norm(%x: memref<?x20xf32>, %y: memref<?x20xf32>, %t: index) {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[SUMS:.+]] = memref.alloc
  // CHECK: %[[COPY:.+]] = memref.alloc
  %sums = memref.alloc(%t) : memref<?xf32>
  // 61 elements of work a row, 1 + 20 + 20 + 20: 17 times 16 rows are a task.
  // CHECK: %[[TASKS:.+]] = arith.divui %{{.+}}, %c272
  // CHECK: scf.forall (%[[I:.+]]) in (%[[TASKS]]) {
  // CHECK: %[[BEGIN:.+]] = arith.muli %[[I]]
  // CHECK: %[[COUNT:.+]] = arith.minsi
  // CHECK: %[[S:.+]] = memref.subview %[[SUMS]][%[[BEGIN]]] [%[[COUNT]]] [1]
  // CHECK: linalg.fill {{.*}} outs(%[[S]]
  // CHECK: linalg.generic
  // CHECK: linalg.generic
  // CHECK: %[[Z:.+]] = memref.subview %[[Y]][%[[BEGIN]], 0] [%[[COUNT]], 20] [1, 1]
  // CHECK: linalg.generic {{.*}} outs(%[[Z]]
  // CHECK: }
  // CHECK-NOT: linalg
  linalg.fill ins(%zero : f32) outs(%sums : memref<?xf32>)
  linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x20xf32>) outs(%sums : memref<?xf32>) {
  ^bb0(%e: f32, %s: f32):
    %p = arith.mulf %e, %e : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n : f32
  }
  %copy = memref.alloc(%t) : memref<?x20xf32>
  memref.copy %x, %copy : memref<?x20xf32> to memref<?x20xf32>
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%copy, %sums : memref<?x20xf32>, memref<?xf32>) outs(%y : memref<?x20xf32>) {
  ^bb0(%e: f32, %s: f32, %old: f32):
    %q = arith.divf %e, %s : f32
    linalg.yield %q : f32
  }
  return
}

// -----

// Rows are counted from the start of the buffer, in a task, too. The number of rows
// tells that both have the same.
// CHECK-LABEL: func.func @numbers
func.func @numbers(%a: memref<?xindex>, %t: index) {
  // CHECK: scf.forall
  // CHECK: %[[BEGIN:.+]] = arith.muli
  // CHECK: linalg.generic
  // CHECK: %[[I:.+]] = linalg.index 0
  // CHECK: affine.apply #{{.+}}(%[[BEGIN]])[%[[I]]]
  // CHECK: linalg.generic
  %b = memref.alloc(%t) : memref<?xindex>
  %c = memref.alloc(%t) : memref<?xindex>
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%b : memref<?xindex>) {
  ^bb0(%old: index):
    %i = linalg.index 0 : index
    linalg.yield %i : index
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%c : memref<?xindex>) {
  ^bb0(%old: index):
    %i = linalg.index 0 : index
    linalg.yield %i : index
  }
  return
}

// -----

// The buffer that both use says which loop goes over rows.
// CHECK-LABEL: func.func @second_loop
// CHECK-SAME: %[[X:[^:]+]]: memref<?x20xf32>
func.func @second_loop(%x: memref<?x20xf32>, %y: memref<20x?xf32>) {
  // CHECK: scf.forall
  // CHECK: linalg.exp
  // CHECK: memref.subview %{{.+}}[0, %{{.+}}] [20, %{{.+}}]
  // CHECK: linalg.transpose
  linalg.exp ins(%x : memref<?x20xf32>) outs(%x : memref<?x20xf32>)
  linalg.transpose ins(%x : memref<?x20xf32>) outs(%y : memref<20x?xf32>) permutation = [1, 0]
  return
}

// -----

// Two chains, with something between them that is neither.
// CHECK-LABEL: func.func @two
func.func @two(%x: memref<?x20xf32>, %y: memref<?x20xf32>, %z: memref<?x20xf32>) {
  // CHECK: scf.forall
  // CHECK-COUNT-2: linalg.exp
  // CHECK: memref.store
  // CHECK: scf.forall
  // CHECK-COUNT-2: linalg.exp
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  linalg.exp ins(%x : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
  linalg.exp ins(%y : memref<?x20xf32>) outs(%z : memref<?x20xf32>)
  memref.store %one, %z[%c0, %c0] : memref<?x20xf32>
  linalg.exp ins(%z : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
  linalg.exp ins(%y : memref<?x20xf32>) outs(%z : memref<?x20xf32>)
  return
}

// -----

// The body of a loop is a block like others; that of tasks is in a phase already.
// CHECK-LABEL: func.func @loops
func.func @loops(%x: memref<?x20xf32>, %y: memref<?x20xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for
  // CHECK: scf.forall
  // CHECK-COUNT-2: linalg.exp
  scf.for %i = %c0 to %n step %c1 {
    linalg.exp ins(%x : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
    linalg.exp ins(%y : memref<?x20xf32>) outs(%x : memref<?x20xf32>)
  }
  // CHECK: scf.forall
  // CHECK-NOT: scf.forall
  // CHECK-COUNT-2: linalg.exp
  scf.forall (%i) in (%n) {
    linalg.exp ins(%x : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
    linalg.exp ins(%y : memref<?x20xf32>) outs(%x : memref<?x20xf32>)
  }
  return
}

// -----

// A branch has chains of its own; a copy joins one only if it has company.
// CHECK-LABEL: func.func @branch
func.func @branch(%c: i1, %x: memref<?x20xf32>, %y: memref<?x20xf32>, %z: memref<?x20xf32>) {
  // CHECK: scf.if
  // CHECK: scf.forall
  // CHECK: linalg.generic
  // CHECK: linalg.exp
  // CHECK: else
  // CHECK-NOT: scf.forall
  // CHECK: memref.copy
  scf.if %c {
    memref.copy %x, %y : memref<?x20xf32> to memref<?x20xf32>
    linalg.exp ins(%y : memref<?x20xf32>) outs(%z : memref<?x20xf32>)
  } else {
    memref.copy %x, %y : memref<?x20xf32> to memref<?x20xf32>
  }
  return
}
