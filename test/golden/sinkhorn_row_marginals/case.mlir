// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// Given masses of rows and columns, the rows exact.

func.func @main(
    %scores: tensor<?x5xf32> {moe.name = "scores", moe.dims = ["n", ""]},
    %temperature: tensor<1xf32> {moe.name = "temperature"},
    %row: tensor<?xf32> {moe.name = "row_marginal", moe.dims = ["n"]},
    %col: tensor<5xf32> {moe.name = "column_marginal"})
    -> (tensor<?x5xf32> {moe.name = "plan", moe.dims = ["n", ""]}) {
  %c0 = arith.constant 0 : index
  %tau = tensor.extract %temperature[%c0] : tensor<1xf32>
  %plan = moe.sinkhorn %scores temperature(%tau)
    row(%row : tensor<?xf32>) col(%col : tensor<5xf32>) iterations 30 final(row)
    : tensor<?x5xf32> -> tensor<?x5xf32>
  return %plan : tensor<?x5xf32>
}
