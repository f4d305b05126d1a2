// RUN: moe-run %s --target=reference --random=1 --dim=T=5

// Two results that start from the same zeros. One was copied from the other, as large as
// that result's buffer; the size of a result was no size the workspace plan knew.

func.func @main(%x: tensor<?x5xf32> {moe.dims = ["T", ""]},
                %logits: tensor<?x3xf32> {moe.dims = ["T", ""]})
    -> (tensor<?x5xf32> {moe.dims = ["T", ""]}, tensor<?x5xf32> {moe.dims = ["T", ""]}) {
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x3xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x5xf32>, tensor<?xi32> -> tensor<?x5xf32>
  %sum = moe.combine %rows[%slot_row] : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
  %weighted = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
  return %sum, %weighted : tensor<?x5xf32>, tensor<?x5xf32>
}
