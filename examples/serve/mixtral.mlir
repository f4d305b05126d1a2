// A layer of Mixtral, small: 8 experts of which each token visits 2, for any number
// of tokens. The names are those of the tensors in the weights' file.

func.func @mixtral(
    %x: tensor<?x64xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<64x8xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<8x64x80xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<8x64x80xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<8x80x64xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x64xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 2 experts for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<8x64x80xf32>)
    up(%w_up : tensor<8x64x80xf32>)
    down(%w_down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x64xf32>, %w: tensor<64x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x64xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x64xf32>, tensor<64x8xf32>)
                           outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %product : tensor<?x8xf32>
}
