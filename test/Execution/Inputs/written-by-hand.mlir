// A layer as one writes it by hand: products, an op between them, a residual.

func.func @main(%x: tensor<?x64xf32> {moe.dims = ["T", ""]}, %w: tensor<?x2xf32> {moe.dims = ["T", ""]}, %i: tensor<?x2xi32> {moe.dims = ["T", ""]},
    %gate: tensor<8x64x80xf32> {moe.weight}, %up: tensor<8x64x80xf32> {moe.weight},
    %down: tensor<8x80x64xf32> {moe.weight}) -> (tensor<?x64xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %row_slot, %slot_row, %offsets = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %g = moe.grouped_matmul %rows, %gate, %offsets : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  %u = moe.grouped_matmul %rows, %up, %offsets : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  %s = tensor.dim %g, %c0 : tensor<?x80xf32>
  %e = tensor.empty(%s) : tensor<?x80xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>], iterator_types = ["parallel", "parallel"]}
     ins(%g, %u : tensor<?x80xf32>, tensor<?x80xf32>) outs(%e : tensor<?x80xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %one = arith.constant 1.0 : f32
    %n = arith.negf %a : f32
    %ex = math.exp %n : f32
    %d = arith.addf %ex, %one : f32
    %q = arith.divf %a, %d : f32
    %p = arith.mulf %q, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x80xf32>
  %o = moe.grouped_matmul %h, %down, %offsets : tensor<?x80xf32>, tensor<8x80x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  %c = moe.combine %o[%slot_row] weights(%w : tensor<?x2xf32>) : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  %y = linalg.add ins(%c, %x : tensor<?x64xf32>, tensor<?x64xf32>) outs(%x : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
