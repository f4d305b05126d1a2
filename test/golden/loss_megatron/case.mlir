// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Megatron-LM: Switch's balance loss and the z-loss, the latter also over the tokens that
// are not padding alone.

#token_expert = affine_map<(t, e) -> (t, e)>
#token = affine_map<(t, e) -> (t)>
#row = affine_map<(t) -> (t)>

func.func @main(
    %logits: tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]},
    %valid: tensor<?xi32> {moe.name = "valid", moe.dims = ["T"]})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<8xf32> {moe.name = "counts"},
        tensor<1xf32> {moe.name = "load_balance"},
        tensor<1xf32> {moe.name = "z_loss"},
        tensor<1xf32> {moe.name = "z_loss_masked"}) {
  %indices, %selected = moe.top_k %logits
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x8xf32>
  %counts = call @column_sums(%mask) : (tensor<?x8xf32>) -> tensor<8xf32>
  %probabilities = call @softmax(%logits) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %mass = call @column_sums(%probabilities) : (tensor<?x8xf32>) -> tensor<8xf32>
  %tokens = call @num_tokens(%logits) : (tensor<?x8xf32>) -> f32
  %factor = arith.constant 0.08 : f32  // 0.02 * 8 experts / 2 slots
  %load_balance = call @balance(%counts, %mass, %factor, %tokens)
    : (tensor<8xf32>, tensor<8xf32>, f32, f32) -> tensor<1xf32>

  %lse = call @logsumexp(%logits) : (tensor<?x8xf32>) -> tensor<?xf32>
  %all = call @ones(%valid) : (tensor<?xi32>) -> tensor<?xi32>
  %z_loss = call @z_loss(%lse, %all) : (tensor<?xf32>, tensor<?xi32>) -> tensor<1xf32>
  %z_loss_masked = call @z_loss(%lse, %valid) : (tensor<?xf32>, tensor<?xi32>) -> tensor<1xf32>
  return %indices, %counts, %load_balance, %z_loss, %z_loss_masked
    : tensor<?x2xi32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
}

// 0.001 * the mean of lse^2 over the tokens that are valid.
func.func private @z_loss(%lse: tensor<?xf32>, %valid: tensor<?xi32>) -> tensor<1xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %sum, %count = linalg.generic {
      indexing_maps = [#row, #row, affine_map<(t) -> ()>, affine_map<(t) -> ()>],
      iterator_types = ["reduction"]}
      ins(%lse, %valid : tensor<?xf32>, tensor<?xi32>)
      outs(%zero, %zero : tensor<f32>, tensor<f32>) {
  ^bb0(%value: f32, %flag: i32, %old_sum: f32, %old_count: f32):
    %0 = arith.sitofp %flag : i32 to f32
    %1 = arith.mulf %value, %value : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.addf %old_sum, %2 : f32
    %4 = arith.addf %old_count, %0 : f32
    linalg.yield %3, %4 : f32, f32
  } -> (tensor<f32>, tensor<f32>)
  %0 = tensor.extract %sum[] : tensor<f32>
  %1 = tensor.extract %count[] : tensor<f32>
  %mean = arith.divf %0, %1 : f32
  %beta = arith.constant 0.001 : f32
  %scaled = arith.mulf %beta, %mean : f32
  %loss = tensor.from_elements %scaled : tensor<1xf32>
  return %loss : tensor<1xf32>
}

// As many ones as there are flags.
func.func private @ones(%flags: tensor<?xi32>) -> tensor<?xi32> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i32
  %tokens = tensor.dim %flags, %c0 : tensor<?xi32>
  %empty = tensor.empty(%tokens) : tensor<?xi32>
  %ones = linalg.fill ins(%one : i32) outs(%empty : tensor<?xi32>) -> tensor<?xi32>
  return %ones : tensor<?xi32>
}

// The softmax of each row.
func.func private @softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?x8xf32>
  %result = linalg.softmax dimension(1) ins(%x : tensor<?x8xf32>)
                                        outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %result : tensor<?x8xf32>
}

// The logarithm of the sum of exponentials of each row.
func.func private @logsumexp(%x: tensor<?x8xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%tokens) : tensor<?xf32>
  %start = linalg.fill ins(%lowest : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %largest = linalg.reduce { arith.maximumf } ins(%x : tensor<?x8xf32>)
    outs(%start : tensor<?xf32>) dimensions = [1]
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %powers = linalg.generic {
      indexing_maps = [#token_expert, #token, #token], iterator_types = ["parallel", "reduction"]}
      ins(%x, %largest : tensor<?x8xf32>, tensor<?xf32>) outs(%zeros : tensor<?xf32>) {
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

// The sum of the rows.
func.func private @column_sums(%x: tensor<?x8xf32>) -> tensor<8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %sums = linalg.reduce { arith.addf } ins(%x : tensor<?x8xf32>) outs(%zeros : tensor<8xf32>)
    dimensions = [0]
  return %sums : tensor<8xf32>
}

// The number of rows, as a float.
func.func private @num_tokens(%x: tensor<?x8xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %wide = arith.index_cast %tokens : index to i64
  %result = arith.sitofp %wide : i64 to f32
  return %result : f32
}

// factor * sum over e of counts[e] * mass[e] / tokens^2
func.func private @balance(%counts: tensor<8xf32>, %mass: tensor<8xf32>, %factor: f32,
                           %tokens: f32) -> tensor<1xf32> {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %dot = linalg.dot ins(%counts, %mass : tensor<8xf32>, tensor<8xf32>)
                    outs(%zero : tensor<f32>) -> tensor<f32>
  %sum = tensor.extract %dot[] : tensor<f32>
  %square = arith.mulf %tokens, %tokens : f32
  %mean = arith.divf %sum, %square : f32
  %scaled = arith.mulf %factor, %mean : f32
  %loss = tensor.from_elements %scaled : tensor<1xf32>
  return %loss : tensor<1xf32>
}
