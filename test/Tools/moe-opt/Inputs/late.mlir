// A size that only data tells, found when the workspace is planned.
func.func @main(%n: index, %x: tensor<f32>) -> tensor<f32> {
  %f = arith.constant 1.0 : f32
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.fill ins(%f : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %z = linalg.reduce { arith.addf } ins(%y : tensor<?xf32>) outs(%x : tensor<f32>) dimensions = [0]
  return %z : tensor<f32>
}
