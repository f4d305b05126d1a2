// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Balanced rounding with unequal capacities: greedily on the scores, exactly, and
// greedily on a transport plan of them.

func.func @main(
    %scores: tensor<40x5xf32> {moe.name = "scores"},
    %capacity: tensor<5xi32> {moe.name = "capacity"},
    %plan: tensor<40x5xf32> {moe.name = "plan"})
    -> (tensor<40xi32> {moe.name = "member_greedy"},
        tensor<40xi32> {moe.name = "member_exact"},
        tensor<40xi32> {moe.name = "member_greedy_plan"}) {
  %greedy = moe.assign %scores, %capacity method(greedy)
    : tensor<40x5xf32>, tensor<5xi32> -> tensor<40xi32>
  %exact = moe.assign %scores, %capacity method(exact)
    : tensor<40x5xf32>, tensor<5xi32> -> tensor<40xi32>
  %rounded = moe.assign %plan, %capacity method(greedy)
    : tensor<40x5xf32>, tensor<5xi32> -> tensor<40xi32>
  return %greedy, %exact, %rounded : tensor<40xi32>, tensor<40xi32>, tensor<40xi32>
}
