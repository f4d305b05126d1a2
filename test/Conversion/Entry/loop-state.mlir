// RUN: moe-opt %s --moe-loop-state | FileCheck %s

// CHECK-LABEL: @fresh
func.func @fresh(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.+}} iter_args(%[[STATE:.+]] = %{{.+}})
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<4xf32> {
    // CHECK: %[[NEXT:.+]] = linalg.add
    // CHECK: %[[WRITTEN:.+]] = bufferization.materialize_in_destination %[[NEXT]] in %[[STATE]]
    // CHECK: scf.yield %[[WRITTEN]]
    %e = tensor.empty() : tensor<4xf32>
    %z = linalg.add ins(%s, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %z : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// An op that writes into the state is left alone, and so is one in an inner loop
// or in both branches; a scalar is no buffer.

// CHECK-LABEL: @in_place
// CHECK-NOT: materialize_in_destination
func.func @in_place(%x: tensor<4xf32>, %n: index, %c: i1) -> (tensor<4xf32>, tensor<4xf32>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 1.0 : f32
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x, %t = %x, %k = %c0) -> (tensor<4xf32>, tensor<4xf32>, index) {
    %a = linalg.exp ins(%x : tensor<4xf32>) outs(%s : tensor<4xf32>) -> tensor<4xf32>
    %b = scf.for %j = %c0 to %n step %c1 iter_args(%u = %a) -> tensor<4xf32> {
      %v = tensor.insert %f into %u[%j] : tensor<4xf32>
      scf.yield %v : tensor<4xf32>
    }
    %d = scf.if %c -> tensor<4xf32> {
      %w = linalg.fill ins(%f : f32) outs(%t : tensor<4xf32>) -> tensor<4xf32>
      scf.yield %w : tensor<4xf32>
    } else {
      scf.yield %t : tensor<4xf32>
    }
    %l = arith.addi %k, %i : index
    scf.yield %b, %d, %l : tensor<4xf32>, tensor<4xf32>, index
  }
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, index
}

// What an op writes into while it is still read is copied first.

// CHECK-LABEL: @read_later
func.func @read_later(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.+}} iter_args(%[[STATE:.+]] = %{{.+}})
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<4xf32> {
    // CHECK: %[[COPY:.+]] = bufferization.alloc_tensor() copy(%[[STATE]])
    // CHECK: %[[A:.+]] = linalg.exp {{.*}} outs(%[[COPY]]
    // CHECK: %[[B:.+]] = linalg.add ins(%[[A]], %[[COPY]]
    // CHECK: bufferization.materialize_in_destination %[[B]] in %[[STATE]]
    %a = linalg.exp ins(%x : tensor<4xf32>) outs(%s : tensor<4xf32>) -> tensor<4xf32>
    %b = linalg.add ins(%a, %s : tensor<4xf32>, tensor<4xf32>) outs(%a : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// And so are states that change places.

// CHECK-LABEL: @swap
func.func @swap(%x: tensor<?xf32>, %y: tensor<?xf32>, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.+}} iter_args(%[[A:.+]] = %{{.+}}, %[[B:.+]] = %{{.+}})
  // CHECK-DAG: %[[OLD_A:.+]] = bufferization.alloc_tensor() copy(%[[A]])
  // CHECK-DAG: %[[OLD_B:.+]] = bufferization.alloc_tensor() copy(%[[B]])
  // CHECK: %[[NEW_A:.+]] = bufferization.materialize_in_destination %[[OLD_B]] in %[[A]]
  // CHECK: %[[NEW_B:.+]] = bufferization.materialize_in_destination %[[OLD_A]] in %[[B]]
  // CHECK: scf.yield %[[NEW_A]], %[[NEW_B]]
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<?xf32>, tensor<?xf32>) {
    scf.yield %b, %a : tensor<?xf32>, tensor<?xf32>
  }
  return %r#0, %r#1 : tensor<?xf32>, tensor<?xf32>
}

// In a while loop the state has another name in the second region.

// CHECK-LABEL: @while
func.func @while(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: ^bb0(%{{.+}}: tensor<4xf32>, %{{.+}}: index, %[[STATE:.+]]: tensor<4xf32>):
  // CHECK: %[[NEXT:.+]] = linalg.add
  // CHECK: %[[WRITTEN:.+]] = bufferization.materialize_in_destination %[[NEXT]] in %[[STATE]]
  // CHECK: scf.yield %{{.+}}, %[[WRITTEN]], %{{.+}}
  %r:3 = scf.while (%i = %c0, %s = %x, %t = %y) : (index, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, index, tensor<4xf32>) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %t, %i, %s : tensor<4xf32>, index, tensor<4xf32>
  } do {
  ^bb0(%t: tensor<4xf32>, %i: index, %s: tensor<4xf32>):
    %j = arith.addi %i, %c1 : index
    %e = tensor.empty() : tensor<4xf32>
    %z = linalg.add ins(%s, %t : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %u = linalg.exp ins(%t : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %j, %z, %u : index, tensor<4xf32>, tensor<4xf32>
  }
  return %r#2 : tensor<4xf32>
}

// A tensor that a branch did not compute is copied.

// CHECK-LABEL: @branch
// CHECK-SAME: %[[X:.+]]: tensor<4xf32>
func.func @branch(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  // CHECK: scf.if
  // CHECK:   %[[EXP:.+]] = linalg.exp
  // CHECK:   scf.yield %[[EXP]]
  // CHECK: } else {
  // CHECK:   %[[COPY:.+]] = bufferization.alloc_tensor() copy(%[[X]])
  // CHECK:   scf.yield %[[COPY]]
  %y = scf.if %c -> tensor<4xf32> {
    %e = tensor.empty() : tensor<4xf32>
    %a = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}
