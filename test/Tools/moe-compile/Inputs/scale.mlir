// y = x * w, row by row.
func.func @scale(%x: tensor<?x4xf32> {moe.name = "x", moe.dims = ["T", ""]},
                 %w: tensor<4xf32> {moe.name = "w", moe.weight})
    -> (tensor<?x4xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%t) : tensor<?x4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                                        affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %product = arith.mulf %a, %b : f32
    linalg.yield %product : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// No weights, no dimensions, a number for an argument and a number for a result.
func.func @twice(%a: f32 {moe.name = "a"}) -> (f32 {moe.name = "b"}) {
  %b = arith.addf %a, %a : f32
  return %b : f32
}
