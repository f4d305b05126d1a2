// RUN: moe-run %s --target=cpu --dim=T=9 --random=1 --check --exact-rows

// Biases that are every second column of an argument: no whole vector of them can be
// loaded, and the last columns of an expert are not a whole vector.

func.func @main(
    %x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %router: tensor<16x4xf32> {moe.name = "router"},
    %gate: tensor<4x16x24xf32> {moe.name = "gate"},
    %up: tensor<4x16x24xf32> {moe.name = "up"},
    %gate_up_bias: tensor<4x48xf32> {moe.name = "gate_up_bias"},
    %down: tensor<4x24x16xf32> {moe.name = "down"},
    %down_bias: tensor<4x16xf32> {moe.name = "down_bias"})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %gate_bias = tensor.extract_slice %gate_up_bias[0, 0] [4, 24] [1, 2]
    : tensor<4x48xf32> to tensor<4x24xf32>
  %up_bias = tensor.extract_slice %gate_up_bias[0, 1] [4, 24] [1, 2]
    : tensor<4x48xf32> to tensor<4x24xf32>

  // 2 of 4 experts for each token.
  %logits = call @linear(%x, %router) : (tensor<?x16xf32>, tensor<16x4xf32>) -> tensor<?x4xf32>
  %indices, %weights = moe.route %logits
    score(identity) weights(softmax_selected)
    : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x16xf32>, tensor<?xi32> -> tensor<?x16xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%gate : tensor<4x16x24xf32> bias %gate_bias : tensor<4x24xf32>)
    up(%up : tensor<4x16x24xf32> bias %up_bias : tensor<4x24xf32>)
    down(%down : tensor<4x24x16xf32> bias %down_bias : tensor<4x16xf32>)
    activation(silu) {alpha = 1.702, limit = 7.0, up_offset = 1.0}
    : tensor<?x16xf32>, tensor<5xi32> -> tensor<?x16xf32>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x16xf32>, tensor<?x2xi32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x16xf32>, %w: tensor<16x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%tokens) : tensor<?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x16xf32>, tensor<16x4xf32>)
      outs(%zeros : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %product : tensor<?x4xf32>
}
