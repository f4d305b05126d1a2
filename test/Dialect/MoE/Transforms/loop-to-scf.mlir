// RUN: moe-opt %s --moe-loop-to-scf --canonicalize --cse --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Stacks are made before the loop; sizes of the state are those of its init.

// CHECK-LABEL: func.func @constant(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>)
// CHECK-DAG:     %[[THREE:.*]] = arith.constant 3 : index
// CHECK:         %[[T:.*]] = tensor.dim %[[X]]
// CHECK-NOT:     moek.
// CHECK-DAG:     %[[STACK:.*]] = tensor.empty(%[[T]]) : tensor<3x?x4xf32>
// CHECK-DAG:     %[[NUMBERS:.*]] = tensor.empty() : tensor<3xindex>
// CHECK:         %[[ALL:.*]]:3 = scf.for %[[K:.*]] = %{{.*}} to %[[THREE]] {{.*}} iter_args(%[[H:.*]] = %[[X]], %[[S:.*]] = %[[STACK]], %[[N:.*]] = %[[NUMBERS]])
// CHECK:           tensor.empty(%[[T]]) : tensor<?x4xf32>
// CHECK:           %[[NEXT:.*]] = linalg.add
// CHECK-DAG:       %[[NEW_S:.*]] = tensor.insert_slice %[[H]] into %[[S]][%[[K]], 0, 0] [1, %[[T]], 4]
// CHECK-DAG:       %[[NEW_N:.*]] = tensor.insert %[[K]] into %[[N]][%[[K]]]
// CHECK:           scf.yield %[[NEXT]], %[[NEW_S]], %[[NEW_N]]
// CHECK:         return %[[ALL]]#0, %[[ALL]]#1, %[[ALL]]#2
func.func @constant(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<3x?x4xf32>, tensor<3xindex>) {
  %c0 = arith.constant 0 : index
  %three = arith.constant 3 : index
  %y, %states, %numbers = moe.loop %three init(%x : tensor<?x4xf32>) {
  ^bb0(%k: index, %h: tensor<?x4xf32>):
    %tokens = tensor.dim %h, %c0 : tensor<?x4xf32>
    %empty = tensor.empty(%tokens) : tensor<?x4xf32>
    %next = linalg.add ins(%h, %h : tensor<?x4xf32>, tensor<?x4xf32>)
                       outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %next : tensor<?x4xf32> stack(%h, %k : tensor<?x4xf32>, index)
  } -> tensor<?x4xf32> stack(tensor<3x?x4xf32>, tensor<3xindex>)
  return %y, %states, %numbers : tensor<?x4xf32>, tensor<3x?x4xf32>, tensor<3xindex>
}

// -----

// A trip count that is a number of the call: room for as many as there can be.

// CHECK-LABEL: func.func @argument(
// CHECK-SAME:    %[[N:.*]]: index, %{{.*}}: f32)
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[MAX:.*]] = arith.constant 8 : index
// CHECK:         moek.check_limit %[[N]] le %[[MAX]], "trip count of moe.loop"
// CHECK:         %[[POSITIVE:.*]] = arith.maxsi %[[N]], %[[ZERO]]
// CHECK:         %[[TRIPS:.*]] = arith.minsi %[[POSITIVE]], %[[MAX]]
// CHECK:         tensor.empty() : tensor<8xf32>
// CHECK:         %[[ALL:.*]]:2 = scf.for %{{.*}} = %[[ZERO]] to %[[TRIPS]]
// CHECK:         tensor.extract_slice %[[ALL]]#1[0] [%[[TRIPS]]] [1] : tensor<8xf32> to tensor<?xf32>
func.func @argument(%n: index, %a: f32) -> tensor<?xf32> {
  %b, %all = moe.loop %n max 8 init(%a : f32) {
  ^bb0(%k: index, %s: f32):
    %next = arith.addf %s, %s : f32
    moe.yield %next : f32 stack(%s : f32)
  } -> f32 stack(tensor<?xf32>)
  return %all : tensor<?xf32>
}

// -----

// A trip count that is a size bounds the memory itself.

// CHECK-LABEL: func.func @dimension(
// CHECK-SAME:    %[[X:.*]]: tensor<?xf32>, %{{.*}}: f32)
// CHECK:         %[[N:.*]] = tensor.dim %[[X]]
// CHECK-NOT:     moek.check_limit
// CHECK:         tensor.empty(%[[N]]) : tensor<?xf32>
// CHECK:         scf.for %{{.*}} to %[[N]]
func.func @dimension(%x: tensor<?xf32>, %a: f32) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %b, %all = moe.loop %n init(%a : f32) {
  ^bb0(%k: index, %s: f32):
    %next = arith.addf %s, %s : f32
    moe.yield %next : f32 stack(%s : f32)
  } -> f32 stack(tensor<?xf32>)
  return %all : tensor<?xf32>
}

// -----

// The state has the same sizes after an iteration: that is required of the call.

// CHECK-LABEL: func.func @same_size(
// CHECK-SAME:    %[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<?xf32>)
// CHECK-DAG:     %[[OF_X:.*]] = tensor.dim %[[X]]
// CHECK-DAG:     %[[OF_Y:.*]] = tensor.dim %[[Y]]
// CHECK:         moek.require %[[OF_Y]] eq %[[OF_X]], "state of moe.loop"
func.func @same_size(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %two = arith.constant 2 : index
  %z = moe.loop %two init(%x : tensor<?xf32>) {
  ^bb0(%k: index, %h: tensor<?xf32>):
    moe.yield %y : tensor<?xf32>
  } -> tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

// One loop in another.

// CHECK-LABEL: func.func @nested(
// CHECK-SAME:    %[[X:.*]]: tensor<?xf32>)
// CHECK:         %[[N:.*]] = tensor.dim %[[X]]
// CHECK:         tensor.empty(%[[N]]) : tensor<2x3x?xf32>
// CHECK:         scf.for
// CHECK:           tensor.empty(%[[N]]) : tensor<3x?xf32>
// CHECK:           scf.for
func.func @nested(%x: tensor<?xf32>) -> tensor<2x3x?xf32> {
  %two = arith.constant 2 : index
  %three = arith.constant 3 : index
  %y, %all = moe.loop %two init(%x : tensor<?xf32>) {
  ^bb0(%k: index, %h: tensor<?xf32>):
    %z, %inner = moe.loop %three init(%h : tensor<?xf32>) {
    ^bb0(%j: index, %g: tensor<?xf32>):
      %next = linalg.add ins(%g, %h : tensor<?xf32>, tensor<?xf32>)
                         outs(%g : tensor<?xf32>) -> tensor<?xf32>
      moe.yield %next : tensor<?xf32> stack(%next : tensor<?xf32>)
    } -> tensor<?xf32> stack(tensor<3x?xf32>)
    moe.yield %z : tensor<?xf32> stack(%inner : tensor<3x?xf32>)
  } -> tensor<?xf32> stack(tensor<2x3x?xf32>)
  return %all : tensor<2x3x?xf32>
}

// -----

func.func private @opaque(tensor<?xf32>) -> tensor<?xf32>

func.func @unknown_state(%x: tensor<?xf32>) -> tensor<?xf32> {
  %two = arith.constant 2 : index
  // expected-error @+1 {{state 0: the size of dimension 0 after an iteration cannot be told before the loop}}
  %y = moe.loop %two init(%x : tensor<?xf32>) {
  ^bb0(%k: index, %h: tensor<?xf32>):
    %next = func.call @opaque(%h) : (tensor<?xf32>) -> tensor<?xf32>
    moe.yield %next : tensor<?xf32>
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func private @opaque(tensor<?xf32>) -> tensor<?xf32>

func.func @unknown_stack(%x: tensor<?xf32>) -> tensor<2x?xf32> {
  %two = arith.constant 2 : index
  // expected-error @+1 {{stacked result 0: the size of dimension 1 cannot be told before the loop}}
  %y, %all = moe.loop %two init(%x : tensor<?xf32>) {
  ^bb0(%k: index, %h: tensor<?xf32>):
    %value = func.call @opaque(%h) : (tensor<?xf32>) -> tensor<?xf32>
    moe.yield %h : tensor<?xf32> stack(%value : tensor<?xf32>)
  } -> tensor<?xf32> stack(tensor<2x?xf32>)
  return %all : tensor<2x?xf32>
}
