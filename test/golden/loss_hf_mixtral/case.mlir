// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// The balance loss of Hugging Face's Mixtral: the tokens of two layers are pooled, and the
// counts are not divided by the 2 slots, so that it is twice Switch's. Padding can be left
// out.

#token_expert = affine_map<(t, e) -> (t, e)>
#token = affine_map<(t, e) -> (t)>
#expert = affine_map<(t, e) -> (e)>

func.func @main(
    %logits0: tensor<?x7xf32> {moe.name = "logits0", moe.dims = ["T", ""]},
    %logits1: tensor<?x7xf32> {moe.name = "logits1", moe.dims = ["T", ""]},
    %valid: tensor<?xi32> {moe.name = "valid", moe.dims = ["T"]})
    -> (tensor<1xf32> {moe.name = "loss"}, tensor<1xf32> {moe.name = "loss_masked"}) {
  %all = call @ones(%valid) : (tensor<?xi32>) -> tensor<?xi32>
  %loss = call @loss(%logits0, %logits1, %all)
    : (tensor<?x7xf32>, tensor<?x7xf32>, tensor<?xi32>) -> tensor<1xf32>
  %loss_masked = call @loss(%logits0, %logits1, %valid)
    : (tensor<?x7xf32>, tensor<?x7xf32>, tensor<?xi32>) -> tensor<1xf32>
  return %loss, %loss_masked : tensor<1xf32>, tensor<1xf32>
}

// 7 * sum over e of (slots of e) * (probability of e) / (tokens of both layers)^2
func.func private @loss(%logits0: tensor<?x7xf32>, %logits1: tensor<?x7xf32>,
                        %valid: tensor<?xi32>) -> tensor<1xf32> {
  %zeros = arith.constant dense<0.0> : tensor<7xf32>
  %counts0, %mass0 = call @add_layer(%logits0, %valid, %zeros, %zeros)
    : (tensor<?x7xf32>, tensor<?xi32>, tensor<7xf32>, tensor<7xf32>)
    -> (tensor<7xf32>, tensor<7xf32>)
  %counts, %mass = call @add_layer(%logits1, %valid, %counts0, %mass0)
    : (tensor<?x7xf32>, tensor<?xi32>, tensor<7xf32>, tensor<7xf32>)
    -> (tensor<7xf32>, tensor<7xf32>)
  %none = arith.constant dense<0> : tensor<i32>
  %count = linalg.reduce { arith.addi } ins(%valid : tensor<?xi32>) outs(%none : tensor<i32>)
    dimensions = [0]
  %rows = tensor.extract %count[] : tensor<i32>
  %rows_of_a_layer = arith.sitofp %rows : i32 to f32
  %tokens = arith.addf %rows_of_a_layer, %rows_of_a_layer : f32
  %factor = arith.constant 7.0 : f32
  %loss = call @balance(%counts, %mass, %factor, %tokens)
    : (tensor<7xf32>, tensor<7xf32>, f32, f32) -> tensor<1xf32>
  return %loss : tensor<1xf32>
}

// Adds the slots and the probabilities of the valid tokens of a layer.
func.func private @add_layer(%logits: tensor<?x7xf32>, %valid: tensor<?xi32>,
                             %counts: tensor<7xf32>, %mass: tensor<7xf32>)
    -> (tensor<7xf32>, tensor<7xf32>) {
  %indices, %selected = moe.top_k %logits
    : tensor<?x7xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %mask = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x7xf32>
  %probabilities = call @softmax(%logits) : (tensor<?x7xf32>) -> tensor<?x7xf32>
  %new_counts, %new_mass = linalg.generic {
      indexing_maps = [#token_expert, #token_expert, #token, #expert, #expert],
      iterator_types = ["reduction", "parallel"]}
      ins(%mask, %probabilities, %valid : tensor<?x7xf32>, tensor<?x7xf32>, tensor<?xi32>)
      outs(%counts, %mass : tensor<7xf32>, tensor<7xf32>) {
  ^bb0(%slot: f32, %probability: f32, %flag: i32, %old_count: f32, %old_mass: f32):
    %0 = arith.sitofp %flag : i32 to f32
    %1 = arith.mulf %0, %slot : f32
    %2 = arith.addf %old_count, %1 : f32
    %3 = arith.mulf %0, %probability : f32
    %4 = arith.addf %old_mass, %3 : f32
    linalg.yield %2, %4 : f32, f32
  } -> (tensor<7xf32>, tensor<7xf32>)
  return %new_counts, %new_mass : tensor<7xf32>, tensor<7xf32>
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
func.func private @softmax(%x: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x7xf32>
  %empty = tensor.empty(%tokens) : tensor<?x7xf32>
  %result = linalg.softmax dimension(1) ins(%x : tensor<?x7xf32>)
                                        outs(%empty : tensor<?x7xf32>) -> tensor<?x7xf32>
  return %result : tensor<?x7xf32>
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
