// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Nucleus routing: each token takes its best experts until their probabilities sum to
// 0.7, but at most 5; the weights of those sum to 1. Slots that are cut have index -1
// and weight 0.

#token_slot = affine_map<(t, k) -> (t, k)>

func.func @main(%logits: tensor<?x9xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x5xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x5xi32> {moe.name = "valid", moe.dims = ["T", ""]},
        tensor<?x5xf32> {moe.name = "weights", moe.dims = ["T", ""]}) {
  %indices, %weights = moe.route %logits score(softmax) weights(normalized) {top_p = 0.7}
    : tensor<?x9xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  %valid = call @is_used(%indices) : (tensor<?x5xi32>) -> tensor<?x5xi32>
  return %indices, %valid, %weights : tensor<?x5xi32>, tensor<?x5xi32>, tensor<?x5xf32>
}

// 1 for each slot that has an expert, else 0.
func.func private @is_used(%indices: tensor<?x5xi32>) -> tensor<?x5xi32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %tokens = tensor.dim %indices, %c0 : tensor<?x5xi32>
  %empty = tensor.empty(%tokens) : tensor<?x5xi32>
  %used = linalg.generic {indexing_maps = [#token_slot, #token_slot],
                          iterator_types = ["parallel", "parallel"]}
      ins(%indices : tensor<?x5xi32>) outs(%empty : tensor<?x5xi32>) {
  ^bb0(%index: i32, %out: i32):
    %0 = arith.cmpi sge, %index, %zero : i32
    %1 = arith.extui %0 : i1 to i32
    linalg.yield %1 : i32
  } -> tensor<?x5xi32>
  return %used : tensor<?x5xi32>
}
