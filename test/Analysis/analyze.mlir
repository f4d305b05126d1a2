// RUN: moe-opt %s --moe-analyze=dims=T=10 -o /dev/null 2>&1 | FileCheck %s
// RUN: not moe-opt %s --moe-analyze -o /dev/null 2>&1 | FileCheck %s --check-prefix=NO-SIZE
// RUN: not moe-opt %s --moe-analyze=dims=T=-1 -o /dev/null 2>&1 | FileCheck %s --check-prefix=BAD-SIZE

// NO-SIZE:  analyze.mlir:[[@LINE+56]]:14: error: cost: the sizes of linalg.matmul cannot be told from the given dimensions
// BAD-SIZE: error: moe-analyze: expected NAME=SIZE, got 'T=-1'

// 10 tokens, 4 experts of 3 * 8 * 5 = 120 parameters, 2 for each token, 3 iterations.
//
//   router   2 * 10 * 8 * 4                            = 640 each time
//   experts  20 rows * (5 * (2 * 2 * 8 + 4 + 1) + 8 * 2 * 5) = 5300
//   sum      10 * 2 * 8 * 2                            = 320
//
// A token uses 4 * (1 - (1/2)^3) = 3.5 experts in 3 iterations. The transpose is done
// before, on the weight; it makes no row.

// CHECK-LABEL: cost of @looped
// CHECK-NEXT:    location op times flops bytes
// CHECK-NEXT:    analyze.mlir:[[@LINE+42]]:14 linalg.matmul 3 1.92 k
// CHECK-NEXT:    analyze.mlir:[[@LINE+17]]:26 moe.route 3
// CHECK-NEXT:    moe.group 3 0
// CHECK-NEXT:    moe.dispatch 3 0
// CHECK-NEXT:    moe.expert_ffn 3 15.90 k
// CHECK-NEXT:    moe.combine 3 960
// CHECK-NEXT:    sum
// CHECK-NEXT:    inputs, results, weights
// CHECK-NEXT:  parameters 512, of which a token uses 452
// CHECK-NEXT:  loop at analyze.mlir:[[@LINE+6]]:8: 3 iterations share 32 parameters; experts of a token: 240 in one iteration, 420 in all
// CHECK-NEXT:    shared : experts is 0.133 in one iteration, 0.076 in all
func.func @looped(%x: tensor<?x8xf32> {moe.dims = ["T", ""]}, %w: tensor<4x8xf32> {moe.weight},
                  %gate: tensor<4x8x5xf32> {moe.weight}, %up: tensor<4x8x5xf32> {moe.weight},
                  %down: tensor<4x5x8xf32> {moe.weight}) -> (tensor<?x8xf32> {moe.dims = ["T", ""]}) {
  %c3 = arith.constant 3 : index
  %y = moe.loop %c3 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    %logits = func.call @router(%h, %w) : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    %indices, %weights = moe.route %logits score(softmax) weights(normalized)
      : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %row_slot, %slot_row, %offsets = moe.group %indices
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
    %rows = moe.dispatch %h[%row_slot by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
    %outputs = moe.expert_ffn %rows, %offsets
      gate(%gate : tensor<4x8x5xf32>) up(%up : tensor<4x8x5xf32>) down(%down : tensor<4x5x8xf32>)
      activation(silu) : tensor<?x8xf32>, tensor<5xi32> -> tensor<?x8xf32>
    %next = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
      : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
    moe.yield %next : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// x @ w^T
func.func private @router(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %t_empty = tensor.empty() : tensor<8x4xf32>
  %t = linalg.transpose ins(%w : tensor<4x8xf32>) outs(%t_empty : tensor<8x4xf32>) permutation = [1, 0]
  %empty = tensor.empty(%tokens) : tensor<?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %product = linalg.matmul ins(%x, %t : tensor<?x8xf32>, tensor<8x4xf32>)
                           outs(%zeros : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %product : tensor<?x4xf32>
}

// 15 nodes, for each a norm, three products, 3 messages and the sum:
//   15 * (4 * 4 + 2 * 4 * (4 + 16 + 4) + 3 * 4 * 4 + 4) = 3900

// CHECK-LABEL: cost of @dag
// CHECK:         moe.dag_aggregate 1 3.90 k
// CHECK:         parameters 136, of which a token uses 100
func.func @dag(%slots: tensor<5x3x4xf32>, %gamma: tensor<1x4xf32> {moe.weight},
               %down: tensor<1x4x4xf32> {moe.weight}, %message: tensor<1x4x16xf32> {moe.weight},
               %up: tensor<1x4x4xf32> {moe.weight}, %unused: tensor<36xf32> {moe.weight})
    -> tensor<5x4xf32> {
  %y = moe.dag_aggregate %slots
    norm rms(%gamma : tensor<1x4xf32>) down(%down : tensor<1x4x4xf32>)
    message relu(%message : tensor<1x4x16xf32>) up(%up : tensor<1x4x4xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<5x3x4xf32> -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// CHECK-LABEL: cost of @transport
// CHECK:         moe.sinkhorn 1 1.20 k
// CHECK:         moe.assign 1 0 260
func.func @transport(%scores: tensor<10x5xf32>, %tau: f32, %capacity: tensor<5xi32>) -> tensor<10xi32> {
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 2 final(col)
    : tensor<10x5xf32> -> tensor<10x5xf32>
  %member = moe.assign %plan, %capacity method(greedy) : tensor<10x5xf32>, tensor<5xi32> -> tensor<10xi32>
  return %member : tensor<10xi32>
}
