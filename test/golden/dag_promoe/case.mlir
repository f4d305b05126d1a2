// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// DAG-MoE as ported by ProMoE-Plus: two nodes, two rounds, the gate is the activation of
// its experts, GELU in its tanh form.

func.func @main(
    %slots: tensor<?x2x24xf32> {moe.name = "slots", moe.dims = ["T", "", ""]},
    %weights: tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]},
    %residual: tensor<?x24xf32> {moe.name = "residual", moe.dims = ["T", ""]},
    %gamma: tensor<2x24xf32> {moe.weight, moe.name = "gamma"},
    %w_down: tensor<2x24x10xf32> {moe.weight, moe.name = "w_down"},
    %w_message: tensor<2x10x40xf32> {moe.weight, moe.name = "w_c"},
    %w_up: tensor<2x10x24xf32> {moe.weight, moe.name = "w_up"})
    -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
    residual(%residual : tensor<?x24xf32>)
    norm rms(%gamma : tensor<2x24xf32>) down(%w_down : tensor<2x24x10xf32>)
    message gelu_tanh(%w_message : tensor<2x10x40xf32>) up(%w_up : tensor<2x10x24xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<?x2x24xf32> -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
