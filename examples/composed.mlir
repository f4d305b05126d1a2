// moe-run examples/composed.mlir --dim=T=7 --random=1
//
// Three ways to get more out of a mixture of experts, in one module:
//
// * DOT-MoE: the experts are carved out of a dense FFN. A transport plan shares its 24
//   neurons out among 4 experts, and the weights are cut accordingly.
// * LoopMoE: the layer runs 3 times on the same weights; each iteration modulates its norm
//   by its number and by the token.
// * DAG-MoE: the outputs of a token's 2 experts exchange messages before they are summed.

func.func @main(
    %x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %scores: tensor<24x4xf32> {moe.weight, moe.name = "scores"},
    %w_gate: tensor<16x24xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<16x24xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<24x16xf32> {moe.weight, moe.name = "w_down"},
    %mlp_w1: tensor<8x10xf32> {moe.weight, moe.name = "mlp_w1"},
    %mlp_b1: tensor<10xf32> {moe.weight, moe.name = "mlp_b1"},
    %mlp_w2: tensor<10x8xf32> {moe.weight, moe.name = "mlp_w2"},
    %mlp_b2: tensor<8xf32> {moe.weight, moe.name = "mlp_b2"},
    %w_h: tensor<16x8xf32> {moe.weight, moe.name = "w_h"},
    %w_mod: tensor<8x32xf32> {moe.weight, moe.name = "w_mod"},
    %b_mod: tensor<32xf32> {moe.weight, moe.name = "b_mod"},
    %w_router: tensor<16x4xf32> {moe.weight, moe.name = "w_router"},
    %gamma: tensor<2x16xf32> {moe.weight, moe.name = "gamma"},
    %dag_down: tensor<2x16x6xf32> {moe.weight, moe.name = "dag_down"},
    %dag_message: tensor<2x6x24xf32> {moe.weight, moe.name = "dag_message"},
    %dag_up: tensor<2x6x16xf32> {moe.weight, moe.name = "dag_up"})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", ""]},
        tensor<24xi32> {moe.name = "member"},
        tensor<3x?x2xi32> {moe.name = "indices", moe.dims = ["", "T", ""]}) {
  // The experts. What follows depends on weights alone.
  %tau = arith.constant 0.3 : f32
  %capacity = arith.constant dense<6> : tensor<4xi32>
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 50 final(col)
    : tensor<24x4xf32> -> tensor<24x4xf32>
  %member = moe.assign %plan, %capacity method(greedy)
    : tensor<24x4xf32>, tensor<4xi32> -> tensor<24xi32>
  %gate, %up, %down = call @carve(%member, %w_gate, %w_up, %w_down)
    : (tensor<24xi32>, tensor<16x24xf32>, tensor<16x24xf32>, tensor<24x16xf32>)
    -> (tensor<4x16x6xf32>, tensor<4x16x6xf32>, tensor<4x6x16xf32>)

  %three = arith.constant 3 : index
  %y, %indices_all = moe.loop %three init(%x : tensor<?x16xf32>) {
  ^bb0(%k: index, %h: tensor<?x16xf32>):
    %code = moe.iter_encode %k : tensor<8xf32>
    %v = func.call @mlp(%code, %mlp_w1, %mlp_b1, %mlp_w2, %mlp_b2)
      : (tensor<8xf32>, tensor<8x10xf32>, tensor<10xf32>, tensor<10x8xf32>, tensor<8xf32>)
      -> tensor<8xf32>
    %n = moe.iter_adaln %h, %v project(%w_h : tensor<16x8xf32>)
      modulate(%w_mod, %b_mod : tensor<8x32xf32>, tensor<32xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x16xf32>, tensor<8xf32> -> tensor<?x16xf32>

    // 2 of the carved experts for each token, each with weight 1.
    %logits = func.call @linear(%n, %w_router)
      : (tensor<?x16xf32>, tensor<16x4xf32>) -> tensor<?x4xf32>
    %indices, %weights = moe.route %logits score(softmax) weights(unit)
      : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %row_slot, %slot_row, %offsets = moe.group %indices
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
    %rows = moe.dispatch %n[%row_slot by 2] : tensor<?x16xf32>, tensor<?xi32> -> tensor<?x16xf32>
    %outputs = moe.expert_ffn %rows, %offsets
      gate(%gate : tensor<4x16x6xf32>)
      up(%up : tensor<4x16x6xf32>)
      down(%down : tensor<4x6x16xf32>)
      activation(silu) : tensor<?x16xf32>, tensor<5xi32> -> tensor<?x16xf32>

    // They talk, then they are summed.
    %slots = moe.collect %outputs[%slot_row]
      : tensor<?x16xf32>, tensor<?x2xi32> -> tensor<?x2x16xf32>
    %sum = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%n : tensor<?x16xf32>) mask(%slot_row : tensor<?x2xi32>)
      norm rms(%gamma : tensor<2x16xf32>) down(%dag_down : tensor<2x16x6xf32>)
      message silu(%dag_message : tensor<2x6x24xf32>) up(%dag_up : tensor<2x6x16xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x16xf32> -> tensor<?x16xf32>
    %next = linalg.add ins(%h, %sum : tensor<?x16xf32>, tensor<?x16xf32>)
                       outs(%h : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %next : tensor<?x16xf32> stack(%indices : tensor<?x2xi32>)
  } -> tensor<?x16xf32> stack(tensor<3x?x2xi32>)
  return %y, %member, %indices_all : tensor<?x16xf32>, tensor<24xi32>, tensor<3x?x2xi32>
}

// The neurons of a dense FFN, sorted by expert and cut into 4 small FFNs. A neuron is a
// column of gate and up and a row of down; as rows, dispatch gathers them.
func.func private @carve(%member: tensor<24xi32>, %w_gate: tensor<16x24xf32>,
                         %w_up: tensor<16x24xf32>, %w_down: tensor<24x16xf32>)
    -> (tensor<4x16x6xf32>, tensor<4x16x6xf32>, tensor<4x6x16xf32>) {
  %table = tensor.expand_shape %member [[0, 1]] output_shape [24, 1]
    : tensor<24xi32> into tensor<24x1xi32>
  %order, %place, %bounds = moe.group %table
    : tensor<24x1xi32> -> tensor<24xi32>, tensor<24x1xi32>, tensor<5xi32>
  %gate = call @carve_columns(%w_gate, %order)
    : (tensor<16x24xf32>, tensor<24xi32>) -> tensor<4x16x6xf32>
  %up = call @carve_columns(%w_up, %order)
    : (tensor<16x24xf32>, tensor<24xi32>) -> tensor<4x16x6xf32>
  %sorted = moe.dispatch %w_down[%order by 1]
    : tensor<24x16xf32>, tensor<24xi32> -> tensor<24x16xf32>
  %down = tensor.expand_shape %sorted [[0, 1], [2]] output_shape [4, 6, 16]
    : tensor<24x16xf32> into tensor<4x6x16xf32>
  return %gate, %up, %down : tensor<4x16x6xf32>, tensor<4x16x6xf32>, tensor<4x6x16xf32>
}

// [d,n] -> [E,d,n/E], the columns in this order.
func.func private @carve_columns(%w: tensor<16x24xf32>, %order: tensor<24xi32>)
    -> tensor<4x16x6xf32> {
  %rows_empty = tensor.empty() : tensor<24x16xf32>
  %rows = linalg.transpose ins(%w : tensor<16x24xf32>) outs(%rows_empty : tensor<24x16xf32>)
    permutation = [1, 0]
  %sorted = moe.dispatch %rows[%order by 1] : tensor<24x16xf32>, tensor<24xi32> -> tensor<24x16xf32>
  %cut = tensor.expand_shape %sorted [[0, 1], [2]] output_shape [4, 6, 16]
    : tensor<24x16xf32> into tensor<4x6x16xf32>
  %empty = tensor.empty() : tensor<4x16x6xf32>
  %carved = linalg.transpose ins(%cut : tensor<4x6x16xf32>) outs(%empty : tensor<4x16x6xf32>)
    permutation = [0, 2, 1]
  return %carved : tensor<4x16x6xf32>
}

// What tells iteration k from the others: silu(code @ w1 + b1) @ w2 + b2
func.func private @mlp(%code: tensor<8xf32>, %w1: tensor<8x10xf32>, %b1: tensor<10xf32>,
                       %w2: tensor<10x8xf32>, %b2: tensor<8xf32>) -> tensor<8xf32> {
  %one = arith.constant 1.0 : f32
  %a = linalg.vecmat ins(%code, %w1 : tensor<8xf32>, tensor<8x10xf32>)
                     outs(%b1 : tensor<10xf32>) -> tensor<10xf32>
  %hidden = linalg.map ins(%a : tensor<10xf32>) outs(%b1 : tensor<10xf32>)
    (%x: f32, %old: f32) {
      %minus_x = arith.negf %x : f32
      %power = math.exp %minus_x : f32
      %divisor = arith.addf %one, %power : f32
      %silu = arith.divf %x, %divisor : f32
      linalg.yield %silu : f32
    }
  %v = linalg.vecmat ins(%hidden, %w2 : tensor<10xf32>, tensor<10x8xf32>)
                     outs(%b2 : tensor<8xf32>) -> tensor<8xf32>
  return %v : tensor<8xf32>
}

// x @ w
func.func private @linear(%x: tensor<?x16xf32>, %w: tensor<16x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%tokens) : tensor<?x4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x16xf32>, tensor<16x4xf32>)
                           outs(%zeros : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %product : tensor<?x4xf32>
}
