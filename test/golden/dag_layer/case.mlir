// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// A DAG-MoE layer: a softmax router, SwiGLU experts whose outputs are kept apart, and two
// rounds of messages between them; the token is shared out among them as their residual.

func.func @main(
    %x: tensor<?x20xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<20x6xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<6x20x14xf32> {moe.weight, moe.name = "w_gate"},
    %w_up_expert: tensor<6x20x14xf32> {moe.weight, moe.name = "w_up_expert"},
    %w_down_expert: tensor<6x14x20xf32> {moe.weight, moe.name = "w_down_expert"},
    %gamma: tensor<2x20xf32> {moe.weight, moe.name = "gamma"},
    %w_down: tensor<2x20x8xf32> {moe.weight, moe.name = "w_down"},
    %w_message: tensor<2x8x32xf32> {moe.weight, moe.name = "w_c"},
    %w_up: tensor<2x8x20xf32> {moe.weight, moe.name = "w_up"})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x2x20xf32> {moe.name = "slots", moe.dims = ["T", "", ""]},
        tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // 2 experts for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x20xf32>, tensor<20x6xf32>) -> tensor<?x6xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>

  // Each expert computes on its own rows; a token gets its rows back side by side.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<7xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x20xf32>, tensor<?xi32> -> tensor<?x20xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<6x20x14xf32>)
    up(%w_up_expert : tensor<6x20x14xf32>)
    down(%w_down_expert : tensor<6x14x20xf32>)
    activation(silu) : tensor<?x20xf32>, tensor<7xi32> -> tensor<?x20xf32>
  %slots = moe.collect %outputs[%slot_row]
    : tensor<?x20xf32>, tensor<?x2xi32> -> tensor<?x2x20xf32>

  // The messages, then the sum.
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
    residual(%x : tensor<?x20xf32>) mask(%slot_row : tensor<?x2xi32>)
    norm rms(%gamma : tensor<2x20xf32>) down(%w_down : tensor<2x20x8xf32>)
    message silu(%w_message : tensor<2x8x32xf32>) up(%w_up : tensor<2x8x20xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<?x2x20xf32> -> tensor<?x20xf32>
  return %indices, %weights, %slots, %y
    : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x2x20xf32>, tensor<?x20xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x20xf32>, %w: tensor<20x6xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x20xf32>
  %empty = tensor.empty(%tokens) : tensor<?x6xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x20xf32>, tensor<20x6xf32>)
                           outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %product : tensor<?x6xf32>
}
