// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Expert choice: each expert takes its 8 best tokens, so that every expert is full and a
// token may have any number of experts. It is a top_k over the tokens; what follows is the
// plain layer with experts in place of tokens: "slot" c of expert e is a row.

func.func @main(
    %x: tensor<?x20xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %w_router: tensor<20x5xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<5x20x12xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<5x20x12xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<5x12x20xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<5x8xi32> {moe.name = "tokens"},
        tensor<5x8xf32> {moe.name = "weights"},
        tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  // The 8 best tokens of each expert, by their probability of this expert.
  %logits = call @linear(%x, %w_router) : (tensor<?x20xf32>, tensor<20x5xf32>) -> tensor<?x5xf32>
  %scores = call @softmax(%logits) : (tensor<?x5xf32>) -> tensor<?x5xf32>
  %keys = call @transpose(%scores) : (tensor<?x5xf32>) -> tensor<5x?xf32>
  %tokens, %weights = moe.top_k %keys : tensor<5x?xf32> -> tensor<5x8xi32>, tensor<5x8xf32>

  // The rows of expert e are 8 e to 8 e + 7, and row i is token tokens[i].
  %row_token = tensor.collapse_shape %tokens [[0, 1]] : tensor<5x8xi32> into tensor<40xi32>
  %offsets = arith.constant dense<[0, 8, 16, 24, 32, 40]> : tensor<6xi32>
  %rows = moe.dispatch %x[%row_token by 1] : tensor<?x20xf32>, tensor<40xi32> -> tensor<40x20xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%w_gate : tensor<5x20x12xf32>)
    up(%w_up : tensor<5x20x12xf32>)
    down(%w_down : tensor<5x12x20xf32>)
    activation(silu) : tensor<40x20xf32>, tensor<6xi32> -> tensor<40x20xf32>

  // A token's experts are those that chose it: y = (one_hot(tokens) * weights)^T @ outputs.
  %row_weight = tensor.collapse_shape %weights [[0, 1]] : tensor<5x8xf32> into tensor<40xf32>
  %y = call @gather_back(%x, %row_token, %row_weight, %outputs)
    : (tensor<?x20xf32>, tensor<40xi32>, tensor<40xf32>, tensor<40x20xf32>) -> tensor<?x20xf32>
  return %tokens, %weights, %y : tensor<5x8xi32>, tensor<5x8xf32>, tensor<?x20xf32>
}

// y[t,:] = sum over the rows i of token t of weight[i] * outputs[i,:]
func.func private @gather_back(%x: tensor<?x20xf32>, %row_token: tensor<40xi32>,
                               %weight: tensor<40xf32>, %outputs: tensor<40x20xf32>)
    -> tensor<?x20xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x20xf32>
  %is_of = moe.one_hot %row_token size(%tokens) : tensor<40xi32> -> tensor<40x?xf32>
  %empty = tensor.empty(%tokens) : tensor<?x20xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(t, d, i) -> (i, t)>, affine_map<(t, d, i) -> (i)>,
                       affine_map<(t, d, i) -> (i, d)>, affine_map<(t, d, i) -> (t, d)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%is_of, %weight, %outputs : tensor<40x?xf32>, tensor<40xf32>, tensor<40x20xf32>)
      outs(%zeros : tensor<?x20xf32>) {
  ^bb0(%hit: f32, %w: f32, %output: f32, %sum: f32):
    %0 = arith.mulf %hit, %w : f32
    %1 = arith.mulf %0, %output : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// [T,E] -> [E,T]
func.func private @transpose(%scores: tensor<?x5xf32>) -> tensor<5x?xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %scores, %c0 : tensor<?x5xf32>
  %empty = tensor.empty(%tokens) : tensor<5x?xf32>
  %transposed = linalg.transpose ins(%scores : tensor<?x5xf32>) outs(%empty : tensor<5x?xf32>)
    permutation = [1, 0]
  return %transposed : tensor<5x?xf32>
}

// The softmax of each row.
func.func private @softmax(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x5xf32>
  %empty = tensor.empty(%tokens) : tensor<?x5xf32>
  %result = linalg.softmax dimension(1) ins(%x : tensor<?x5xf32>)
                                        outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %result : tensor<?x5xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x20xf32>, %w: tensor<20x5xf32>) -> tensor<?x5xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x20xf32>
  %empty = tensor.empty(%tokens) : tensor<?x5xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x20xf32>, tensor<20x5xf32>)
                           outs(%zeros : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %product : tensor<?x5xf32>
}
