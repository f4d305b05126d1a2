// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// The z-loss of a router: 0.001 * the mean over the tokens of logsumexp(logits)^2, which
// keeps logits small.

#token_expert = affine_map<(t, e) -> (t, e)>
#token = affine_map<(t, e) -> (t)>
#row = affine_map<(t) -> (t)>

func.func @main(%logits: tensor<?x7xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<1xf32> {moe.name = "z_loss"}) {
  %indices, %selected = moe.top_k %logits
    : tensor<?x7xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %lse = call @logsumexp(%logits) : (tensor<?x7xf32>) -> tensor<?xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %dot = linalg.dot ins(%lse, %lse : tensor<?xf32>, tensor<?xf32>)
                    outs(%zero : tensor<f32>) -> tensor<f32>
  %sum = tensor.extract %dot[] : tensor<f32>
  %tokens = call @num_tokens(%logits) : (tensor<?x7xf32>) -> f32
  %mean = arith.divf %sum, %tokens : f32
  %beta = arith.constant 0.001 : f32
  %scaled = arith.mulf %beta, %mean : f32
  %loss = tensor.from_elements %scaled : tensor<1xf32>
  return %indices, %loss : tensor<?x2xi32>, tensor<1xf32>
}

// The logarithm of the sum of exponentials of each row.
func.func private @logsumexp(%x: tensor<?x7xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %empty = tensor.empty(%tokens) : tensor<?xf32>
  %start = linalg.fill ins(%lowest : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %largest = linalg.reduce { arith.maximumf } ins(%x : tensor<?x7xf32>)
    outs(%start : tensor<?xf32>) dimensions = [1]
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %powers = linalg.generic {
      indexing_maps = [#token_expert, #token, #token], iterator_types = ["parallel", "reduction"]}
      ins(%x, %largest : tensor<?x7xf32>, tensor<?xf32>) outs(%zeros : tensor<?xf32>) {
  ^bb0(%logit: f32, %top: f32, %sum: f32):
    %0 = arith.subf %logit, %top : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %sum, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<?xf32>
  %result = linalg.generic {
      indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
      ins(%largest, %powers : tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%top: f32, %sum: f32, %out: f32):
    %0 = math.log %sum : f32
    %1 = arith.addf %top, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?xf32>
  return %result : tensor<?xf32>
}

// The number of rows, as a float.
func.func private @num_tokens(%x: tensor<?x7xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %wide = arith.index_cast %tokens : index to i64
  %result = arith.sitofp %wide : i64 to f32
  return %result : f32
}
