// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors.index.json \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors.index.json \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Mixtral at a middle size: 128 tokens, 4 of 16 experts for each.

func.func @main(
    %x: tensor<?x192xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<192x16xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<16x192x160xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<16x192x160xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<16x160x192xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x16xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x4xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x4xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x192xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 4 experts for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x192xf32>, tensor<192x16xf32>) -> tensor<?x16xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<17xi32>
  %rows = moe.dispatch %x[%row_slot by 4] : tensor<?x192xf32>, tensor<?xi32> -> tensor<?x192xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<16x192x160xf32>)
    up(%w_up : tensor<16x192x160xf32>)
    down(%w_down : tensor<16x160x192xf32>)
    activation(silu) : tensor<?x192xf32>, tensor<17xi32> -> tensor<?x192xf32>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x4xf32>)
    : tensor<?x192xf32>, tensor<?x4xi32> -> tensor<?x192xf32>
  return %logits, %indices, %weights, %y
    : tensor<?x16xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<?x192xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x192xf32>, %w: tensor<192x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x192xf32>
  %empty = tensor.empty(%tokens) : tensor<?x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x192xf32>, tensor<192x16xf32>)
                           outs(%zeros : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %product : tensor<?x16xf32>
}
