// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// The balance loss of Switch: 0.02 * E * sum over the experts of (share of the slots) *
// (mean probability). Only the probabilities carry a gradient.

func.func @main(%logits: tensor<?x7xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<1xf32> {moe.name = "load_balance"}) {
  %indices, %selected = moe.top_k %logits
    : tensor<?x7xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x7xf32>
  %counts = call @column_sums(%mask) : (tensor<?x7xf32>) -> tensor<7xf32>
  %probabilities = call @softmax(%logits) : (tensor<?x7xf32>) -> tensor<?x7xf32>
  %mass = call @column_sums(%probabilities) : (tensor<?x7xf32>) -> tensor<7xf32>

  %tokens = call @num_tokens(%logits) : (tensor<?x7xf32>) -> f32
  %factor = arith.constant 0.07 : f32  // 0.02 * 7 experts / 2 slots
  %loss = call @balance(%counts, %mass, %factor, %tokens)
    : (tensor<7xf32>, tensor<7xf32>, f32, f32) -> tensor<1xf32>
  return %indices, %loss : tensor<?x2xi32>, tensor<1xf32>
}

// The softmax of each row.
func.func private @softmax(%x: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %empty = tensor.empty(%tokens) : tensor<?x7xf32>
  %result = linalg.softmax dimension(1) ins(%x : tensor<?x7xf32>)
                                        outs(%empty : tensor<?x7xf32>) -> tensor<?x7xf32>
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
