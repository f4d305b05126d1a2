// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// As many iterations as it takes: rows and columns both have their mass.

func.func @main(
    %scores: tensor<?x4xf32> {moe.name = "scores", moe.dims = ["n", ""]},
    %temperature: tensor<1xf32> {moe.name = "temperature"})
    -> (tensor<?x4xf32> {moe.name = "plan", moe.dims = ["n", ""]}) {
  %c0 = arith.constant 0 : index
  %tau = tensor.extract %temperature[%c0] : tensor<1xf32>
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 200 final(col)
    : tensor<?x4xf32> -> tensor<?x4xf32>
  return %plan : tensor<?x4xf32>
}
