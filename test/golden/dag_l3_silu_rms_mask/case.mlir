// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Three rounds of messages between the expert outputs of a token, some of which are
// missing: they neither send nor receive, and their share of the residual is lost.

#token_slot = affine_map<(t, k) -> (t, k)>

func.func @main(
    %slots: tensor<?x4x24xf32> {moe.name = "slots", moe.dims = ["T", "", ""]},
    %weights: tensor<?x4xf32> {moe.name = "weights", moe.dims = ["T", ""]},
    %residual: tensor<?x24xf32> {moe.name = "residual", moe.dims = ["T", ""]},
    %live: tensor<?x4xi32> {moe.name = "mask", moe.dims = ["T", ""]},
    %gamma: tensor<3x24xf32> {moe.weight, moe.name = "gamma"},
    %w_down: tensor<3x24x10xf32> {moe.weight, moe.name = "w_down"},
    %w_message: tensor<3x10x40xf32> {moe.weight, moe.name = "w_c"},
    %w_up: tensor<3x10x24xf32> {moe.weight, moe.name = "w_up"})
    -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %mask = call @mask_of(%live) : (tensor<?x4xi32>) -> tensor<?x4xi32>
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x4xf32>)
    residual(%residual : tensor<?x24xf32>)
    mask(%mask : tensor<?x4xi32>)
    norm rms(%gamma : tensor<3x24xf32>) down(%w_down : tensor<3x24x10xf32>)
    message silu(%w_message : tensor<3x10x40xf32>) up(%w_up : tensor<3x10x24xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<?x4x24xf32> -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// A mask as the op takes it, negative where there is no node: 1 -> 0, 0 -> -1.
func.func private @mask_of(%live: tensor<?x4xi32>) -> tensor<?x4xi32> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i32
  %tokens = tensor.dim %live, %c0 : tensor<?x4xi32>
  %empty = tensor.empty(%tokens) : tensor<?x4xi32>
  %mask = linalg.generic {indexing_maps = [#token_slot, #token_slot],
                          iterator_types = ["parallel", "parallel"]}
      ins(%live : tensor<?x4xi32>) outs(%empty : tensor<?x4xi32>) {
  ^bb0(%flag: i32, %out: i32):
    %0 = arith.subi %flag, %one : i32
    linalg.yield %0 : i32
  } -> tensor<?x4xi32>
  return %mask : tensor<?x4xi32>
}
