// RUN: moe-run %s --target=reference --random=1 --dim=T=5

// A graph whose nodes are the slots as they come, without weights, mask or residual. The
// nodes were a copy of the argument under another shape, as large as that shape; its size,
// a product, was no size the workspace plan knew.

func.func @main(%slots: tensor<?x2x3xf64> {moe.dims = ["T", "", ""]},
                %gamma: tensor<1x3xf64>, %down: tensor<1x3x4xf64>,
                %message: tensor<1x4x16xf64>, %up: tensor<1x4x3xf64>)
    -> (tensor<?x3xf64> {moe.dims = ["T", ""]}) {
  %y = moe.dag_aggregate %slots norm layer(%gamma : tensor<1x3xf64>) down(%down : tensor<1x3x4xf64>)
    message sigmoid(%message : tensor<1x4x16xf64>) up(%up : tensor<1x4x3xf64>) {epsilon = 1.0e-2}
    : tensor<?x2x3xf64> -> tensor<?x3xf64>
  return %y : tensor<?x3xf64>
}
