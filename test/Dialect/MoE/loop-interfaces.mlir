// RUN: moe-opt %s -inline -loop-invariant-code-motion | FileCheck %s --check-prefix=LICM
// RUN: moe-opt %s -inline -resolve-ranked-shaped-type-result-dims -canonicalize | FileCheck %s --check-prefix=DIMS
// RUN: moe-opt %s -inline -sccp -remove-dead-values -cse | FileCheck %s --check-prefix=DEAD

func.func private @block(%k: index, %h: tensor<?x8xf32>, %w: tensor<8x8xf32>, %w_mod: tensor<8x16xf32>,
    %b_mod: tensor<16xf32>) -> tensor<?x8xf32> {
  %narrow = moe.straight_through %w, %w : tensor<8x8xf32>, tensor<8x8xf32> -> tensor<8x8xf16>
  %code = moe.iter_encode %k : tensor<8xf32>
  %n = moe.iter_adaln %h, %code project(%narrow : tensor<8x8xf16>)
      modulate(%w_mod, %b_mod : tensor<8x16xf32>, tensor<16xf32>)
      act(silu) norm(rms) {epsilon = 0.0 : f64} : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  return %n : tensor<?x8xf32>
}

// A call in the body is inlined; what does not depend on the iteration leaves it.
// LICM-LABEL: func @invariant
// LICM: moe.straight_through
// LICM-NEXT: moe.loop
// LICM-NEXT: ^bb0(%[[K:.*]]: index, %[[H:.*]]: tensor<?x8xf32>):
// LICM-NEXT: moe.iter_encode %[[K]]
// LICM-NEXT: moe.iter_adaln %[[H]]
// LICM-NEXT: moe.yield

// Sizes of results are known before the loop; a trip count is bounded.
// DIMS-LABEL: func @invariant
// DIMS-SAME: (%[[N:[a-z0-9]+]]: index, %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// DIMS-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// DIMS-DAG: %[[FOUR:.*]] = arith.constant 4 : index
// DIMS: moe.loop
// DIMS-DAG: %[[T:.*]] = tensor.dim %[[X]]
// DIMS-DAG: %[[ABOVE:.*]] = arith.maxsi %[[N]], %[[ZERO]]
// DIMS-DAG: %[[TRIPS:.*]] = arith.minsi %[[ABOVE]], %[[FOUR]]
// DIMS: return %{{.*}}, %[[T]], %[[TRIPS]], %{{.*}} :
func.func @invariant(%n: index, %x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %w_mod: tensor<8x16xf32>,
    %b_mod: tensor<16xf32>) -> (tensor<?x8xf32>, index, index, index) {
  %y, %s = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %z = func.call @block(%k, %h, %w, %w_mod, %b_mod)
        : (index, tensor<?x8xf32>, tensor<8x8xf32>, tensor<8x16xf32>, tensor<16xf32>) -> tensor<?x8xf32>
    moe.yield %z : tensor<?x8xf32> stack(%z : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<?x?x8xf32>)
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tokens = tensor.dim %y, %c0 : tensor<?x8xf32>
  %trips = tensor.dim %s, %c0 : tensor<?x?x8xf32>
  %stacked_tokens = tensor.dim %s, %c1 : tensor<?x?x8xf32>
  return %y, %tokens, %trips, %stacked_tokens : tensor<?x8xf32>, index, index, index
}

// A loop that nobody needs disappears: it has the effects of its body, none.
// DEAD-LABEL: func @unused
// DEAD-NEXT: return
func.func @unused(%x: tensor<8xf32>) {
  %n = arith.constant 3 : index
  %y = moe.loop %n init(%x : tensor<8xf32>) {
  ^bb0(%k: index, %h: tensor<8xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %z = arith.addf %h, %code : tensor<8xf32>
    moe.yield %z : tensor<8xf32>
  } -> tensor<8xf32>
  return
}
