// The router of a layer: logits = x @ w, then the two best of four experts.
func.func @router(%x: tensor<?x8xf32> {moe.dims = ["T", ""], moe.name = "x"},
                  %w: tensor<8x4xf32> {moe.weight, moe.name = "w"})
    -> (tensor<?x2xi32> {moe.dims = ["T", ""]}, tensor<?x2xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %logits = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%z : tensor<?x4xf32>) -> tensor<?x4xf32>
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
      : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %indices, %weights : tensor<?x2xi32>, tensor<?x2xf32>
}
