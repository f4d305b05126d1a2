// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// OLMoE: as Mixtral, but the probabilities of the 3 selected experts are not
// renormalised: the weights sum to less than 1.

func.func @main(
    %x: tensor<?x40xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<40x8xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<8x40x24xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<8x40x24xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<8x24x40xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x3xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x3xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x40xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 3 experts for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x40xf32>, tensor<40x8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x3xi32> -> tensor<?xi32>, tensor<?x3xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 3] : tensor<?x40xf32>, tensor<?xi32> -> tensor<?x40xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<8x40x24xf32>)
    up(%w_up : tensor<8x40x24xf32>)
    down(%w_down : tensor<8x24x40xf32>)
    activation(silu) : tensor<?x40xf32>, tensor<9xi32> -> tensor<?x40xf32>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x3xf32>)
    : tensor<?x40xf32>, tensor<?x3xi32> -> tensor<?x40xf32>
  return %logits, %indices, %weights, %y
    : tensor<?x8xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<?x40xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x40xf32>, %w: tensor<40x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x40xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x40xf32>, tensor<40x8xf32>)
                           outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %product : tensor<?x8xf32>
}
