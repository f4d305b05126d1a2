// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// A transport plan between rows of mass 1 and columns of equal mass, the columns exact.

func.func @main(
    %scores: tensor<?x8xf32> {moe.name = "scores", moe.dims = ["n", ""]},
    %temperature: tensor<1xf32> {moe.name = "temperature"})
    -> (tensor<?x8xf32> {moe.name = "plan", moe.dims = ["n", ""]}) {
  %c0 = arith.constant 0 : index
  %tau = tensor.extract %temperature[%c0] : tensor<1xf32>
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 20 final(col)
    : tensor<?x8xf32> -> tensor<?x8xf32>
  return %plan : tensor<?x8xf32>
}
