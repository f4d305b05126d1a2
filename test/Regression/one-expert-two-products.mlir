// RUN: moe-run %s --target=reference --random=1 --dim=T=5

// One expert, two products of its rows. The loop over the experts was folded away and the
// two products shared the buffer they start from; the copy that one of them then needed
// had a size that depends on the offsets, which no workspace can hold.

func.func @main(
    %x: tensor<?x5xf32> {moe.dims = ["T", ""]}, %logits: tensor<?x1xf32> {moe.dims = ["T", ""]},
    %gate: tensor<1x5x7xf32>, %up: tensor<1x5x7xf32>, %down: tensor<1x7x5xf32>)
    -> (tensor<?x5xf32> {moe.dims = ["T", ""]}) {
  %indices, %weights = moe.route %logits score(sigmoid) weights(score)
    : tensor<?x1xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<2xi32>
  %y = moe.expert_ffn %x, %offsets gate(%gate : tensor<1x5x7xf32>) up(%up : tensor<1x5x7xf32>)
    down(%down : tensor<1x7x5xf32>) activation(silu)
    : tensor<?x5xf32>, tensor<2xi32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}
