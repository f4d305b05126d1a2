// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// DOT-MoE, from a dense FFN to experts. A transport plan shares its 48 neurons out among 6
// experts, 8 each. While that is learned, the dense FFN is masked: a neuron counts for the
// tokens whose router selected its expert. Then the weights are carved: the neurons, sorted
// by expert, are cut into 6 small FFNs, and only the 2 that are selected are computed. Both
// forms give the same.

#token_neuron = affine_map<(t, n) -> (t, n)>

func.func @main(
    %x: tensor<?x20xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %scores: tensor<48x6xf32> {moe.name = "scores"},
    %temperature: tensor<1xf32> {moe.name = "temperature"},
    %w_router: tensor<20x6xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<20x48xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<20x48xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<48x20xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<48x6xf32> {moe.name = "plan"},
        tensor<48xi32> {moe.name = "member"},
        tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
        tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", ""]},
        tensor<48xi32> {moe.name = "perm"},
        tensor<6x20x8xf32> {moe.name = "w_gate_carved"},
        tensor<6x20x8xf32> {moe.name = "w_up_carved"},
        tensor<6x8x20xf32> {moe.name = "w_down_carved"},
        tensor<?x20xf32> {moe.name = "y_sparse", moe.dims = ["T", ""]}) {
  // Which neuron belongs to which expert.
  %c0 = arith.constant 0 : index
  %tau = tensor.extract %temperature[%c0] : tensor<1xf32>
  %capacity = arith.constant dense<8> : tensor<6xi32>
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 50 final(col)
    : tensor<48x6xf32> -> tensor<48x6xf32>
  %member = moe.assign %plan, %capacity method(greedy)
    : tensor<48x6xf32>, tensor<6xi32> -> tensor<48xi32>
  %hard_member = moe.one_hot %member : tensor<48xi32> -> tensor<48x6xf32>
  %neuron_expert = moe.straight_through %hard_member, %plan
    : tensor<48x6xf32>, tensor<48x6xf32> -> tensor<48x6xf32>

  // Which token selects which expert.
  %logits = call @linear(%x, %w_router) : (tensor<?x20xf32>, tensor<20x6xf32>) -> tensor<?x6xf32>
  %probabilities = call @softmax(%logits) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %indices, %selected = moe.top_k %probabilities
    : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %hard_router = moe.one_hot %indices : tensor<?x2xi32> -> tensor<?x6xf32>
  %token_expert = moe.straight_through %hard_router, %probabilities
    : tensor<?x6xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
  %y = call @masked_ffn(%x, %token_expert, %neuron_expert, %w_gate, %w_up, %w_down)
    : (tensor<?x20xf32>, tensor<?x6xf32>, tensor<48x6xf32>, tensor<20x48xf32>, tensor<20x48xf32>,
       tensor<48x20xf32>) -> tensor<?x20xf32>

  // The stable sort of the neurons by expert, and the weights in that order. A neuron is a
  // column of gate and up and a row of down: as rows, dispatch gathers them.
  %member_table = tensor.expand_shape %member [[0, 1]] output_shape [48, 1]
    : tensor<48xi32> into tensor<48x1xi32>
  %perm, %place, %bounds = moe.group %member_table
    : tensor<48x1xi32> -> tensor<48xi32>, tensor<48x1xi32>, tensor<7xi32>
  %carved_gate = call @carve_columns(%w_gate, %perm)
    : (tensor<20x48xf32>, tensor<48xi32>) -> tensor<6x20x8xf32>
  %carved_up = call @carve_columns(%w_up, %perm)
    : (tensor<20x48xf32>, tensor<48xi32>) -> tensor<6x20x8xf32>
  %sorted_down = moe.dispatch %w_down[%perm by 1]
    : tensor<48x20xf32>, tensor<48xi32> -> tensor<48x20xf32>
  %carved_down = tensor.expand_shape %sorted_down [[0, 1], [2]] output_shape [6, 8, 20]
    : tensor<48x20xf32> into tensor<6x8x20xf32>

  // The layer that is deployed.
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<7xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x20xf32>, tensor<?xi32> -> tensor<?x20xf32>
  %outputs = moe.expert_ffn %rows, %offsets
    gate(%carved_gate : tensor<6x20x8xf32>)
    up(%carved_up : tensor<6x20x8xf32>)
    down(%carved_down : tensor<6x8x20xf32>)
    activation(silu) : tensor<?x20xf32>, tensor<7xi32> -> tensor<?x20xf32>
  %y_sparse = moe.combine %outputs[%slot_row]
    : tensor<?x20xf32>, tensor<?x2xi32> -> tensor<?x20xf32>
  return %plan, %member, %indices, %y, %perm, %carved_gate, %carved_up, %carved_down, %y_sparse
    : tensor<48x6xf32>, tensor<48xi32>, tensor<?x2xi32>, tensor<?x20xf32>, tensor<48xi32>,
      tensor<6x20x8xf32>, tensor<6x20x8xf32>, tensor<6x8x20xf32>, tensor<?x20xf32>
}

// ((silu(x @ w_gate) * (x @ w_up)) * mask) @ w_down, where mask[t,n] = 1 if token t selected
// the expert of neuron n.
func.func private @masked_ffn(
    %x: tensor<?x20xf32>, %token_expert: tensor<?x6xf32>, %neuron_expert: tensor<48x6xf32>,
    %w_gate: tensor<20x48xf32>, %w_up: tensor<20x48xf32>, %w_down: tensor<48x20xf32>)
    -> tensor<?x20xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x20xf32>
  %empty = tensor.empty(%tokens) : tensor<?x48xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x48xf32>) -> tensor<?x48xf32>
  %mask = linalg.matmul
      indexing_maps = [affine_map<(t, n, e) -> (t, e)>, affine_map<(t, n, e) -> (n, e)>,
                       affine_map<(t, n, e) -> (t, n)>]
      ins(%token_expert, %neuron_expert : tensor<?x6xf32>, tensor<48x6xf32>)
      outs(%zeros : tensor<?x48xf32>) -> tensor<?x48xf32>
  %gate = linalg.matmul ins(%x, %w_gate : tensor<?x20xf32>, tensor<20x48xf32>)
                        outs(%zeros : tensor<?x48xf32>) -> tensor<?x48xf32>
  %up = linalg.matmul ins(%x, %w_up : tensor<?x20xf32>, tensor<20x48xf32>)
                      outs(%zeros : tensor<?x48xf32>) -> tensor<?x48xf32>
  %hidden = linalg.generic {
      indexing_maps = [#token_neuron, #token_neuron, #token_neuron, #token_neuron],
      iterator_types = ["parallel", "parallel"]}
      ins(%gate, %up, %mask : tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>)
      outs(%empty : tensor<?x48xf32>) {
  ^bb0(%g: f32, %u: f32, %m: f32, %out: f32):
    %0 = arith.negf %g : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %one, %1 : f32
    %3 = arith.divf %g, %2 : f32
    %4 = arith.mulf %3, %u : f32
    %5 = arith.mulf %4, %m : f32
    linalg.yield %5 : f32
  } -> tensor<?x48xf32>
  %result_empty = tensor.empty(%tokens) : tensor<?x20xf32>
  %result_zeros = linalg.fill ins(%zero : f32) outs(%result_empty : tensor<?x20xf32>)
    -> tensor<?x20xf32>
  %y = linalg.matmul ins(%hidden, %w_down : tensor<?x48xf32>, tensor<48x20xf32>)
                     outs(%result_zeros : tensor<?x20xf32>) -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// [d,n] -> [E,d,n/E], the columns in the order of `perm`.
func.func private @carve_columns(%w: tensor<20x48xf32>, %perm: tensor<48xi32>)
    -> tensor<6x20x8xf32> {
  %rows_empty = tensor.empty() : tensor<48x20xf32>
  %rows = linalg.transpose ins(%w : tensor<20x48xf32>) outs(%rows_empty : tensor<48x20xf32>)
    permutation = [1, 0]
  %sorted = moe.dispatch %rows[%perm by 1] : tensor<48x20xf32>, tensor<48xi32> -> tensor<48x20xf32>
  %cut = tensor.expand_shape %sorted [[0, 1], [2]] output_shape [6, 8, 20]
    : tensor<48x20xf32> into tensor<6x8x20xf32>
  %empty = tensor.empty() : tensor<6x20x8xf32>
  %carved = linalg.transpose ins(%cut : tensor<6x8x20xf32>) outs(%empty : tensor<6x20x8xf32>)
    permutation = [0, 2, 1]
  return %carved : tensor<6x20x8xf32>
}

// The softmax of each row.
func.func private @softmax(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x6xf32>
  %empty = tensor.empty(%tokens) : tensor<?x6xf32>
  %result = linalg.softmax dimension(1) ins(%x : tensor<?x6xf32>)
                                        outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %result : tensor<?x6xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x20xf32>, %w: tensor<20x6xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x20xf32>
  %empty = tensor.empty(%tokens) : tensor<?x6xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x20xf32>, tensor<20x6xf32>)
                           outs(%zeros : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %product : tensor<?x6xf32>
}
