// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// DeepSeek-V3: sigmoid scores. A bias decides who is selected, but not with which
// weight; of 4 groups of experts only the 2 with the best pair take part. The weights of
// the 4 selected experts sum to 2.5. A shared expert sees every token.

func.func @main(
    %x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<24x16xf32> {moe.weight, moe.name = "w_router"},
    %score_bias: tensor<16xf32> {moe.weight, moe.name = "score_bias"},
    %w_gate: tensor<16x24x16xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<16x24x16xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<16x16x24xf32> {moe.weight, moe.name = "w_down"},
    %shared_w_gate: tensor<24x32xf32> {moe.weight, moe.name = "shared_w_gate"},
    %shared_w_up: tensor<24x32xf32> {moe.weight, moe.name = "shared_w_up"},
    %shared_w_down: tensor<32x24xf32> {moe.weight, moe.name = "shared_w_down"})
    -> (tensor<?x16xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x4xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x4xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 4 experts for each token, from 2 groups.
  %logits = call @linear(%x, %w_router) : (tensor<?x24xf32>, tensor<24x16xf32>) -> tensor<?x16xf32>
  %indices, %weights = moe.route %logits bias(%score_bias : tensor<16xf32>)
    score(sigmoid) weights(normalized) groups(4 keep 2 by top_sum 2) scale 2.5 {epsilon = 1.0e-20}
    : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>

  // The routed experts.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<17xi32>
  %rows = moe.dispatch %x[%row_slot by 4] : tensor<?x24xf32>, tensor<?xi32> -> tensor<?x24xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<16x24x16xf32>)
    up(%w_up : tensor<16x24x16xf32>)
    down(%w_down : tensor<16x16x24xf32>)
    activation(silu) : tensor<?x24xf32>, tensor<17xi32> -> tensor<?x24xf32>
  %routed = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x4xf32>)
    : tensor<?x24xf32>, tensor<?x4xi32> -> tensor<?x24xf32>

  // The shared one.
  %shared = moe.expert_ffn %x
    gate(%shared_w_gate : tensor<24x32xf32>)
    up(%shared_w_up : tensor<24x32xf32>)
    down(%shared_w_down : tensor<32x24xf32>)
    activation(silu) : tensor<?x24xf32> -> tensor<?x24xf32>
  %y = call @add(%routed, %shared) : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  return %logits, %indices, %weights, %y
    : tensor<?x16xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<?x24xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x24xf32>, %w: tensor<24x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x24xf32>
  %empty = tensor.empty(%tokens) : tensor<?x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x24xf32>, tensor<24x16xf32>)
                           outs(%zeros : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %product : tensor<?x16xf32>
}

// a + b
func.func private @add(%a: tensor<?x24xf32>, %b: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %a, %c0 : tensor<?x24xf32>
  %empty = tensor.empty(%tokens) : tensor<?x24xf32>
  %sum = linalg.add ins(%a, %b : tensor<?x24xf32>, tensor<?x24xf32>)
                    outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  return %sum : tensor<?x24xf32>
}
