// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Megatron's other drop rule: an expert with more than 12 slots keeps those of the highest
// probability, wherever they stand. That is the expert's choice among the tokens that chose
// it: a top_k over the tokens, of probabilities that are 0 where the token did not select
// the expert. A dropped slot has weight 0; the other weights are not rescaled.

#token_slot = affine_map<(t, k) -> (t, k)>

func.func @main(%logits: tensor<?x6xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x2xi32> {moe.name = "kept", moe.dims = ["T", ""]},
        tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]}) {
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %keys = call @keys_of_experts(%indices, %weights)
    : (tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<6x?xf32>
  %tokens, %taken = moe.top_k %keys : tensor<6x?xf32> -> tensor<6x12xi32>, tensor<6x12xf32>
  %kept = call @kept_slots(%indices, %tokens)
    : (tensor<?x2xi32>, tensor<6x12xi32>) -> tensor<?x2xi32>
  %kept_weights = call @mask_dropped(%kept, %weights)
    : (tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %indices, %kept, %kept_weights : tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// The weights, 0 where the slot was dropped.
func.func private @mask_dropped(%kept: tensor<?x2xi32>, %weights: tensor<?x2xf32>)
    -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %kept, %c0 : tensor<?x2xi32>
  %empty = tensor.empty(%tokens) : tensor<?x2xf32>
  %masked = linalg.generic {
      indexing_maps = [#token_slot, #token_slot, #token_slot],
      iterator_types = ["parallel", "parallel"]}
      ins(%kept, %weights : tensor<?x2xi32>, tensor<?x2xf32>) outs(%empty : tensor<?x2xf32>) {
  ^bb0(%flag: i32, %weight: f32, %out: f32):
    %0 = arith.sitofp %flag : i32 to f32
    %1 = arith.mulf %0, %weight : f32
    linalg.yield %1 : f32
  } -> tensor<?x2xf32>
  return %masked : tensor<?x2xf32>
}

// keys[e,t] = the weight with which token t selected expert e; -inf, which top_k does not
// take, if it did not.
func.func private @keys_of_experts(%indices: tensor<?x2xi32>, %weights: tensor<?x2xf32>)
    -> tensor<6x?xf32> {
  %c0 = arith.constant 0 : index
  %nothing = arith.constant 0xFF800000 : f32
  %tokens = tensor.dim %indices, %c0 : tensor<?x2xi32>
  %empty = tensor.empty(%tokens) : tensor<6x?xf32>
  %none = linalg.fill ins(%nothing : f32) outs(%empty : tensor<6x?xf32>) -> tensor<6x?xf32>
  %keys = linalg.generic {
      indexing_maps = [affine_map<(e, t, k) -> (t, k)>, affine_map<(e, t, k) -> (t, k)>,
                       affine_map<(e, t, k) -> (e, t)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%indices, %weights : tensor<?x2xi32>, tensor<?x2xf32>)
      outs(%none : tensor<6x?xf32>) {
  ^bb0(%index: i32, %weight: f32, %key: f32):
    %e = linalg.index 0 : index
    %expert = arith.index_cast %e : index to i32
    %0 = arith.cmpi eq, %index, %expert : i32
    %1 = arith.select %0, %weight, %key : f32
    linalg.yield %1 : f32
  } -> tensor<6x?xf32>
  return %keys : tensor<6x?xf32>
}

// 1 where the expert of the slot took the token, else 0.
func.func private @kept_slots(%indices: tensor<?x2xi32>, %tokens: tensor<6x12xi32>)
    -> tensor<?x2xi32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %count = tensor.dim %indices, %c0 : tensor<?x2xi32>
  %empty = tensor.empty(%count) : tensor<?x2xi32>
  %zeros = linalg.fill ins(%zero : i32) outs(%empty : tensor<?x2xi32>) -> tensor<?x2xi32>
  %kept = linalg.generic {
      indexing_maps = [affine_map<(t, k, e, c) -> (t, k)>, affine_map<(t, k, e, c) -> (e, c)>,
                       affine_map<(t, k, e, c) -> (t, k)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%indices, %tokens : tensor<?x2xi32>, tensor<6x12xi32>)
      outs(%zeros : tensor<?x2xi32>) {
  ^bb0(%index: i32, %token: i32, %old: i32):
    %t = linalg.index 0 : index
    %e = linalg.index 2 : index
    %this_token = arith.index_cast %t : index to i32
    %this_expert = arith.index_cast %e : index to i32
    %0 = arith.cmpi eq, %token, %this_token : i32
    %1 = arith.cmpi eq, %index, %this_expert : i32
    %2 = arith.andi %0, %1 : i1
    %3 = arith.select %2, %one, %old : i32
    linalg.yield %3 : i32
  } -> tensor<?x2xi32>
  return %kept : tensor<?x2xi32>
}
