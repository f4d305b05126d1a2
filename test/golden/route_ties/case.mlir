// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Exact ties: quantised logits, rows of equal logits, -inf, and a row whose softmax
// underflows. Selection goes by the logits, ties to the lower index; the weights are the
// probabilities.

func.func @main(%logits: tensor<?x9xf32> {moe.name = "logits", moe.dims = ["T", ""]})
    -> (tensor<?x4xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x4xf32> {moe.name = "weights", moe.dims = ["T", ""]}) {
  %indices, %weights = moe.route %logits keys(%logits : tensor<?x9xf32>) score(softmax) weights(score)
    : tensor<?x9xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  return %indices, %weights : tensor<?x4xi32>, tensor<?x4xf32>
}
