// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// DeepSeek-V3's balance loss of a sequence: as Switch's, with the sigmoid scores of a
// token divided by their sum in place of the probabilities.

#token_expert = affine_map<(t, e) -> (t, e)>
#token = affine_map<(t, e) -> (t)>

func.func @main(%logits: tensor<?x7xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<1xf32> {moe.name = "sequence_balance"}) {
  %indices, %selected = moe.top_k %logits
    : tensor<?x7xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x7xf32>
  %counts = call @column_sums(%mask) : (tensor<?x7xf32>) -> tensor<7xf32>
  %scores = call @normalized_sigmoid(%logits) : (tensor<?x7xf32>) -> tensor<?x7xf32>
  %mass = call @column_sums(%scores) : (tensor<?x7xf32>) -> tensor<7xf32>

  %tokens = call @num_tokens(%logits) : (tensor<?x7xf32>) -> f32
  %factor = arith.constant 0.07 : f32  // 0.02 * 7 experts / 2 slots
  %loss = call @balance(%counts, %mass, %factor, %tokens)
    : (tensor<7xf32>, tensor<7xf32>, f32, f32) -> tensor<1xf32>
  return %indices, %loss : tensor<?x2xi32>, tensor<1xf32>
}

// sigmoid(x), divided by its sum over the row.
func.func private @normalized_sigmoid(%x: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %empty = tensor.empty(%tokens) : tensor<?x7xf32>
  %scores = linalg.generic {
      indexing_maps = [#token_expert, #token_expert], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x7xf32>) outs(%empty : tensor<?x7xf32>) {
  ^bb0(%logit: f32, %out: f32):
    %0 = arith.negf %logit : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %one, %1 : f32
    %3 = arith.divf %one, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<?x7xf32>
  %sum_empty = tensor.empty(%tokens) : tensor<?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%sum_empty : tensor<?xf32>) -> tensor<?xf32>
  %sums = linalg.reduce { arith.addf } ins(%scores : tensor<?x7xf32>) outs(%zeros : tensor<?xf32>)
    dimensions = [1]
  %result = linalg.generic {
      indexing_maps = [#token_expert, #token, #token_expert],
      iterator_types = ["parallel", "parallel"]}
      ins(%scores, %sums : tensor<?x7xf32>, tensor<?xf32>) outs(%empty : tensor<?x7xf32>) {
  ^bb0(%score: f32, %sum: f32, %out: f32):
    %0 = arith.divf %score, %sum : f32
    linalg.yield %0 : f32
  } -> tensor<?x7xf32>
  return %result : tensor<?x7xf32>
}

// The sum of the rows.
func.func private @column_sums(%x: tensor<?x7xf32>) -> tensor<7xf32> {
  %zeros = arith.constant dense<0.0> : tensor<7xf32>
  %sums = linalg.reduce { arith.addf } ins(%x : tensor<?x7xf32>) outs(%zeros : tensor<7xf32>)
    dimensions = [0]
  return %sums : tensor<7xf32>
}

// The number of rows, as a float.
func.func private @num_tokens(%x: tensor<?x7xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %wide = arith.index_cast %tokens : index to i64
  %result = arith.sitofp %wide : i64 to f32
  return %result : f32
}

// factor * sum over e of counts[e] * mass[e] / tokens^2
func.func private @balance(%counts: tensor<7xf32>, %mass: tensor<7xf32>, %factor: f32,
                           %tokens: f32) -> tensor<1xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %dot = linalg.dot ins(%counts, %mass : tensor<7xf32>, tensor<7xf32>)
                    outs(%zero : tensor<f32>) -> tensor<f32>
  %sum = tensor.extract %dot[] : tensor<f32>
  %square = arith.mulf %tokens, %tokens : f32
  %mean = arith.divf %sum, %square : f32
  %scaled = arith.mulf %factor, %mean : f32
  %loss = tensor.from_elements %scaled : tensor<1xf32>
  return %loss : tensor<1xf32>
}
