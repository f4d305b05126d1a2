// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// DOT-MoE: 48 neurons are shared out among 6 experts, 8 each, at three temperatures: a
// transport plan, its greedy rounding, and the matrix of zeros and ones that stands in for
// the plan in the forward pass.

func.func @main(%scores: tensor<48x6xf32> {moe.name = "scores"})
    -> (tensor<48x6xf32> {moe.name = "plan_tau1"},
        tensor<48xi32> {moe.name = "member_tau1"},
        tensor<48x6xf32> {moe.name = "hard_tau1"},
        tensor<48x6xf32> {moe.name = "plan_tau0_3"},
        tensor<48xi32> {moe.name = "member_tau0_3"},
        tensor<48x6xf32> {moe.name = "hard_tau0_3"},
        tensor<48x6xf32> {moe.name = "plan_tau0_1"},
        tensor<48xi32> {moe.name = "member_tau0_1"},
        tensor<48x6xf32> {moe.name = "hard_tau0_1"}) {
  %tau1 = arith.constant 1.0 : f32
  %plan1, %member1, %hard1 = call @step(%scores, %tau1)
    : (tensor<48x6xf32>, f32) -> (tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>)
  %tau0_3 = arith.constant 0.3 : f32
  %plan0_3, %member0_3, %hard0_3 = call @step(%scores, %tau0_3)
    : (tensor<48x6xf32>, f32) -> (tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>)
  %tau0_1 = arith.constant 0.1 : f32
  %plan0_1, %member0_1, %hard0_1 = call @step(%scores, %tau0_1)
    : (tensor<48x6xf32>, f32) -> (tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>)
  return %plan1, %member1, %hard1, %plan0_3, %member0_3,
    %hard0_3, %plan0_1, %member0_1, %hard0_1
    : tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>, tensor<48x6xf32>, tensor<48xi32>,
      tensor<48x6xf32>, tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>
}

// The plan of one temperature, which neuron goes to which expert, and that as a mask with
// the gradient of the plan.
func.func private @step(%scores: tensor<48x6xf32>, %tau: f32)
    -> (tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>) {
  %capacity = arith.constant dense<8> : tensor<6xi32>
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 50 final(col)
    : tensor<48x6xf32> -> tensor<48x6xf32>
  %member = moe.assign %plan, %capacity method(greedy)
    : tensor<48x6xf32>, tensor<6xi32> -> tensor<48xi32>
  %mask = moe.one_hot %member : tensor<48xi32> -> tensor<48x6xf32>
  %hard = moe.straight_through %mask, %plan
    : tensor<48x6xf32>, tensor<48x6xf32> -> tensor<48x6xf32>
  return %plan, %member, %hard : tensor<48x6xf32>, tensor<48xi32>, tensor<48x6xf32>
}
