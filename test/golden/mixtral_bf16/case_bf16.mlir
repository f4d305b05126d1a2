// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected_bf16.safetensors
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected_bf16.safetensors

// Mixtral in bf16, held against the numbers of case.mlir. Tokens, experts and the result
// are stored in bf16; the router stays in f32, and so do all sums.

func.func @main(
    %x: tensor<?x48xbf16> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<48x8xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<8x48x32xbf16> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<8x48x32xbf16> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<8x32x48xbf16> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x48xbf16> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 2 experts for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x48xbf16>, tensor<48x8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x48xbf16>, tensor<?xi32> -> tensor<?x48xbf16>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<8x48x32xbf16>)
    up(%w_up : tensor<8x48x32xbf16>)
    down(%w_down : tensor<8x32x48xbf16>)
    activation(silu) : tensor<?x48xbf16>, tensor<9xi32> -> tensor<?x48xbf16>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x48xbf16>, tensor<?x2xi32> -> tensor<?x48xbf16>
  return %logits, %indices, %weights, %y
    : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x48xbf16>
}

// x @ w
func.func private @linear(%x: tensor<?x48xbf16>, %w: tensor<48x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x48xbf16>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x48xbf16>, tensor<48x8xf32>)
                           outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %product : tensor<?x8xf32>
}
