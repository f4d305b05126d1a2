// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Switch Transformer: one expert for each token, plain experts without a gate. An expert
// takes its first 5 tokens; the later ones are dropped and get 0.

#token_slot = affine_map<(t, k) -> (t, k)>

func.func @main(
    %x: tensor<?x32xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<32x8xf32> {moe.weight, moe.name = "w_router"},
    %w_up: tensor<8x32x40xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<8x40x32xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]},
        tensor<?x1xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x1xf32> {moe.name = "weights", moe.dims = ["T", ""]},
        tensor<?x32xf32> {moe.name = "y", moe.dims = ["T", ""]},
        tensor<?xi32> {moe.name = "kept", moe.dims = ["T"]}) {
  // One expert for each token.
  %logits = call @linear(%x, %w_router) : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x1xi32>, tensor<?x1xf32>

  // At most 5 rows for each expert.
  %capacity = arith.constant 5 : index
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%capacity)
    : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 1] : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    up(%w_up : tensor<8x32x40xf32>)
    down(%w_down : tensor<8x40x32xf32>)
    activation(relu) : tensor<?x32xf32>, tensor<9xi32> -> tensor<?x32xf32>
  %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x1xf32>)
    : tensor<?x32xf32>, tensor<?x1xi32> -> tensor<?x32xf32>

  // A drop leaves the weights alone; the model reports those of dropped tokens as 0.
  %kept, %kept_weights = call @mask_dropped(%slot_row, %weights)
    : (tensor<?x1xi32>, tensor<?x1xf32>) -> (tensor<?xi32>, tensor<?x1xf32>)
  return %logits, %indices, %kept_weights, %y, %kept
    : tensor<?x8xf32>, tensor<?x1xi32>, tensor<?x1xf32>, tensor<?x32xf32>, tensor<?xi32>
}

// 1 for each token that has a row, else 0; and the weights, 0 where there is no row.
func.func private @mask_dropped(%slot_row: tensor<?x1xi32>, %weights: tensor<?x1xf32>)
    -> (tensor<?xi32>, tensor<?x1xf32>) {
  %c0 = arith.constant 0 : index
  %no_row = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %slot_row, %c0 : tensor<?x1xi32>
  %no_flags = tensor.empty(%tokens) : tensor<?x1xi32>
  %no_weights = tensor.empty(%tokens) : tensor<?x1xf32>
  %flags, %kept_weights = linalg.generic {
      indexing_maps = [#token_slot, #token_slot, #token_slot, #token_slot],
      iterator_types = ["parallel", "parallel"]}
      ins(%slot_row, %weights : tensor<?x1xi32>, tensor<?x1xf32>)
      outs(%no_flags, %no_weights : tensor<?x1xi32>, tensor<?x1xf32>) {
  ^bb0(%row: i32, %weight: f32, %flag_out: i32, %weight_out: f32):
    %0 = arith.cmpi sge, %row, %no_row : i32
    %1 = arith.extui %0 : i1 to i32
    %2 = arith.select %0, %weight, %zero : f32
    linalg.yield %1, %2 : i32, f32
  } -> (tensor<?x1xi32>, tensor<?x1xf32>)
  %kept = tensor.collapse_shape %flags [[0, 1]] : tensor<?x1xi32> into tensor<?xi32>
  return %kept, %kept_weights : tensor<?xi32>, tensor<?x1xf32>
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
