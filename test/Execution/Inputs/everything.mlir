// A layer in which every optimisation of target cpu finds something to do: a router, rows
// scaled by their weight, gate and up in one transposed weight, a shared expert, a
// residual, written as products and ops between them.

#id = affine_map<(s, n) -> (s, n)>

func.func @main(%x: tensor<?x48xf32> {moe.dims = ["T", ""]}, %router: tensor<48x5xf32> {moe.weight},
    %gate_up: tensor<5x80x48xf32> {moe.weight}, %down: tensor<5x40x48xf32> {moe.weight}, %shared_up: tensor<48x40xf32> {moe.weight},
    %shared_down: tensor<40x48xf32> {moe.weight}) -> (tensor<?x48xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x48xf32>
  %logits_empty = tensor.empty(%tokens) : tensor<?x5xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%logits_empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  %logits = linalg.matmul ins(%x, %router : tensor<?x48xf32>, tensor<48x5xf32>) outs(%zeros : tensor<?x5xf32>) -> tensor<?x5xf32>
  %i, %w = moe.route %logits score(softmax) weights(score) : tensor<?x5xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %row_slot, %slot_row, %offsets = moe.group %i : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<6xi32>
  %rows = moe.dispatch %x[%row_slot by 1] : tensor<?x48xf32>, tensor<?xi32> -> tensor<?x48xf32>
  %factors = moe.dispatch %w[%row_slot by 1] : tensor<?x1xf32>, tensor<?xi32> -> tensor<?x1xf32>
  %scaled = linalg.generic {indexing_maps = [#id, affine_map<(s, n) -> (s, 0)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%rows, %factors : tensor<?x48xf32>, tensor<?x1xf32>) outs(%rows : tensor<?x48xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x48xf32>
  %weight_empty = tensor.empty() : tensor<5x48x80xf32>
  %weight = linalg.transpose ins(%gate_up : tensor<5x80x48xf32>) outs(%weight_empty : tensor<5x48x80xf32>) permutation = [0, 2, 1]
  %both = moe.grouped_matmul %scaled, %weight, %offsets : tensor<?x48xf32>, tensor<5x48x80xf32>, tensor<6xi32> -> tensor<?x80xf32>
  %s = tensor.dim %both, %c0 : tensor<?x80xf32>
  %g = tensor.extract_slice %both[0, 0] [%s, 40] [1, 2] : tensor<?x80xf32> to tensor<?x40xf32>
  %u = tensor.extract_slice %both[0, 1] [%s, 40] [1, 2] : tensor<?x80xf32> to tensor<?x40xf32>
  %h_empty = tensor.empty(%s) : tensor<?x40xf32>
  %h = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x40xf32>, tensor<?x40xf32>) outs(%h_empty : tensor<?x40xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %nothing = arith.constant 0.0 : f32
    %r = arith.maximumf %a, %nothing : f32
    %m = arith.mulf %r, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x40xf32>
  %o = moe.grouped_matmul %h, %down, %offsets : tensor<?x40xf32>, tensor<5x40x48xf32>, tensor<6xi32> -> tensor<?x48xf32>
  %combined = moe.combine %o[%slot_row] : tensor<?x48xf32>, tensor<?x1xi32> -> tensor<?x48xf32>
  %shared = moe.expert_ffn %x up(%shared_up : tensor<48x40xf32>) down(%shared_down : tensor<40x48xf32>) activation(gelu_tanh)
      : tensor<?x48xf32> -> tensor<?x48xf32>
  %y_empty = tensor.empty(%tokens) : tensor<?x48xf32>
  %y = linalg.add ins(%combined, %shared : tensor<?x48xf32>, tensor<?x48xf32>) outs(%y_empty : tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}
