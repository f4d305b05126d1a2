// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Noisy top-k: each logit gets noise of its own, learned size: z = x w_router + noise *
// softplus(x w_noise). The noise is an input, so that a run can be repeated. Softmax
// over the 2 selected.

#token_expert = affine_map<(t, e) -> (t, e)>

func.func @main(
    %x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %noise: tensor<?x8xf32> {moe.name = "noise", moe.dims = ["T", ""]},
    %w_router: tensor<16x8xf32> {moe.weight, moe.name = "w_router"},
    %w_noise: tensor<16x8xf32> {moe.weight, moe.name = "w_noise"})
    -> (tensor<?x8xf32> {moe.name = "noisy_logits", moe.dims = ["T", ""]},
        tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]}) {
  %logits = call @linear(%x, %w_router) : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %sizes = call @linear(%x, %w_noise) : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %noisy = call @add_noise(%logits, %sizes, %noise)
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %indices, %weights = moe.route %noisy score(identity) weights(softmax_selected)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %noisy, %indices, %weights : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// logits + noise * softplus(sizes), with softplus(s) = max(s, 0) + log1p(exp(-|s|)).
func.func private @add_noise(%logits: tensor<?x8xf32>, %sizes: tensor<?x8xf32>, %noise: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %noisy = linalg.generic {
      indexing_maps = [#token_expert, #token_expert, #token_expert, #token_expert],
      iterator_types = ["parallel", "parallel"]}
      ins(%logits, %sizes, %noise : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
      outs(%empty : tensor<?x8xf32>) {
  ^bb0(%logit: f32, %size: f32, %draw: f32, %out: f32):
    %linear = arith.maximumf %size, %zero : f32
    %magnitude = math.absf %size : f32
    %negative = arith.negf %magnitude : f32
    %decay = math.exp %negative : f32
    %rest = math.log1p %decay : f32
    %softplus = arith.addf %linear, %rest : f32
    %scaled = arith.mulf %draw, %softplus : f32
    %z = arith.addf %logit, %scaled : f32
    linalg.yield %z : f32
  } -> tensor<?x8xf32>
  return %noisy : tensor<?x8xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x16xf32>, %w: tensor<16x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x16xf32>, tensor<16x8xf32>)
                           outs(%zeros : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %product : tensor<?x8xf32>
}
