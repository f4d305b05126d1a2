// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// gpt-oss: the router's linear layer has a bias, which is part of the logits and so of
// the weights; softmax over the logits of the 4 selected experts alone. The experts have
// biases and a clamped SwiGLU: (u + 1) * g * sigmoid(1.702 g), with g <= 7 and |u| <= 7.

#token_expert = affine_map<(t, e) -> (t, e)>
#expert = affine_map<(t, e) -> (e)>

func.func @main(
    %x: tensor<?x32xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<32x8xf32> {moe.weight, moe.name = "w_router"},
    %router_bias: tensor<8xf32> {moe.weight, moe.name = "router_bias"},
    %w_gate: tensor<8x32x24xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<8x32x24xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<8x24x32xf32> {moe.weight, moe.name = "w_down"},
    %b_gate: tensor<8x24xf32> {moe.weight, moe.name = "b_gate"},
    %b_up: tensor<8x24xf32> {moe.weight, moe.name = "b_up"},
    %b_down: tensor<8x32xf32> {moe.weight, moe.name = "b_down"})
    -> (tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x4xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x4xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x32xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 4 experts for each token.
  %product = call @linear(%x, %w_router) : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %logits = call @add_bias(%product, %router_bias) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(identity) weights(softmax_selected)
    : tensor<?x8xf32> -> tensor<?x4xi32>, tensor<?x4xf32>

  // Each expert computes on its own rows.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 4] : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<8x32x24xf32> bias %b_gate : tensor<8x24xf32>)
    up(%w_up : tensor<8x32x24xf32> bias %b_up : tensor<8x24xf32>)
    down(%w_down : tensor<8x24x32xf32> bias %b_down : tensor<8x32xf32>)
    activation(silu) {alpha = 1.702, limit = 7.0, up_offset = 1.0}
    : tensor<?x32xf32>, tensor<9xi32> -> tensor<?x32xf32>

  // The weighted sum of their outputs.
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x4xf32>)
    : tensor<?x32xf32>, tensor<?x4xi32> -> tensor<?x32xf32>
  return %logits, %indices, %weights, %y
    : tensor<?x8xf32>, tensor<?x4xi32>, tensor<?x4xf32>, tensor<?x32xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x32xf32>, %w: tensor<32x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x32xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x32xf32>, tensor<32x8xf32>)
                           outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %product : tensor<?x8xf32>
}

// x[t,:] + bias
func.func private @add_bias(%x: tensor<?x8xf32>, %bias: tensor<8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %sum = linalg.generic {indexing_maps = [#token_expert, #expert, #token_expert],
                         iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<?x8xf32>, tensor<8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x8xf32>
  return %sum : tensor<?x8xf32>
}
