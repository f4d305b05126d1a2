// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Two rounds of messages between the 3 expert outputs of a token, with a logistic gate
// and a layer norm.

func.func @main(
    %slots: tensor<?x3x32xf32> {moe.name = "slots", moe.dims = ["T", "", ""]},
    %weights: tensor<?x3xf32> {moe.name = "weights", moe.dims = ["T", ""]},
    %residual: tensor<?x32xf32> {moe.name = "residual", moe.dims = ["T", ""]},
    %gamma: tensor<2x32xf32> {moe.weight, moe.name = "gamma"},
    %w_down: tensor<2x32x12xf32> {moe.weight, moe.name = "w_down"},
    %w_message: tensor<2x12x48xf32> {moe.weight, moe.name = "w_c"},
    %w_up: tensor<2x12x32xf32> {moe.weight, moe.name = "w_up"})
    -> (tensor<?x32xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x3xf32>)
    residual(%residual : tensor<?x32xf32>)
    norm layer(%gamma : tensor<2x32xf32>) down(%w_down : tensor<2x32x12xf32>)
    message sigmoid(%w_message : tensor<2x12x48xf32>) up(%w_up : tensor<2x12x32xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<?x3x32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
