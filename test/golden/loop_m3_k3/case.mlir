// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// LoopMoE: one block of shared weights, run 3 times. Each iteration modulates its norm by
// its number and by the token, routes anew, and adds the experts' output through a gate.

#token_width = affine_map<(t, d) -> (t, d)>

func.func @main(
    %x: tensor<?x20xf32> {moe.name = "h", moe.dims = ["T", ""]},
    %mlp_w1: tensor<8x10xf32> {moe.weight, moe.name = "mlp_w1"},
    %mlp_b1: tensor<10xf32> {moe.weight, moe.name = "mlp_b1"},
    %mlp_w2: tensor<10x8xf32> {moe.weight, moe.name = "mlp_w2"},
    %mlp_b2: tensor<8xf32> {moe.weight, moe.name = "mlp_b2"},
    %w_h: tensor<20x8xf32> {moe.weight, moe.name = "w_h"},
    %w_mod: tensor<8x60xf32> {moe.weight, moe.name = "w_mod"},
    %b_mod: tensor<60xf32> {moe.weight, moe.name = "b_mod"},
    %w_router: tensor<20x6xf32> {moe.weight, moe.name = "w_router"},
    %w_gate: tensor<6x20x12xf32> {moe.weight, moe.name = "w_gate"},
    %w_up: tensor<6x20x12xf32> {moe.weight, moe.name = "w_up"},
    %w_down: tensor<6x12x20xf32> {moe.weight, moe.name = "w_down"})
    -> (tensor<?x20xf32> {moe.name = "h3", moe.dims = ["T", ""]},
        tensor<3x?x6xf32> {moe.name = "logits_all", moe.dims = ["", "T", ""]},
        tensor<3x?x2xi32> {moe.name = "indices_all", moe.dims = ["", "T", ""]},
        tensor<3x?x2xf32> {moe.name = "weights_all", moe.dims = ["", "T", ""]},
        tensor<3x?x20xf32> {moe.name = "h_all", moe.dims = ["", "T", ""]}) {
  %three = arith.constant 3 : index
  %h3, %logits_all, %indices_all, %weights_all, %h_all = moe.loop %three
    init(%x : tensor<?x20xf32>) {
  ^bb0(%k: index, %h: tensor<?x20xf32>):
    // Depends on k and weights alone: computed once, when the weights are bound.
    %code = moe.iter_encode %k : tensor<8xf32>
    %v = func.call @mlp(%code, %mlp_w1, %mlp_b1, %mlp_w2, %mlp_b2)
      : (tensor<8xf32>, tensor<8x10xf32>, tensor<10xf32>, tensor<10x8xf32>, tensor<8xf32>)
      -> tensor<8xf32>
    %n, %gate = moe.iter_adaln %h, %v project(%w_h : tensor<20x8xf32>)
      modulate(%w_mod, %b_mod : tensor<8x60xf32>, tensor<60xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x20xf32>, tensor<8xf32> -> tensor<?x20xf32>, tensor<?x20xf32>

    // A plain layer of 2 out of 6 experts.
    %logits = func.call @linear(%n, %w_router)
      : (tensor<?x20xf32>, tensor<20x6xf32>) -> tensor<?x6xf32>
    %indices, %weights = moe.route %logits score(softmax) weights(normalized)
      : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %row_slot, %slot_row, %offsets = moe.group %indices
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<7xi32>
    %rows = moe.dispatch %n[%row_slot by 2] : tensor<?x20xf32>, tensor<?xi32> -> tensor<?x20xf32>
    %outputs = moe.expert_ffn %rows, %offsets
      gate(%w_gate : tensor<6x20x12xf32>)
      up(%w_up : tensor<6x20x12xf32>)
      down(%w_down : tensor<6x12x20xf32>)
      activation(silu) : tensor<?x20xf32>, tensor<7xi32> -> tensor<?x20xf32>
    %y = moe.combine %outputs[%slot_row] weights(%weights : tensor<?x2xf32>)
      : tensor<?x20xf32>, tensor<?x2xi32> -> tensor<?x20xf32>

    %next = func.call @add_gated(%h, %gate, %y)
      : (tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x20xf32>) -> tensor<?x20xf32>
    moe.yield %next : tensor<?x20xf32>
      stack(%logits, %indices, %weights, %next
        : tensor<?x6xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x20xf32>)
  } -> tensor<?x20xf32>
    stack(tensor<3x?x6xf32>, tensor<3x?x2xi32>, tensor<3x?x2xf32>, tensor<3x?x20xf32>)
  return %h3, %logits_all, %indices_all, %weights_all, %h_all
    : tensor<?x20xf32>, tensor<3x?x6xf32>, tensor<3x?x2xi32>, tensor<3x?x2xf32>,
      tensor<3x?x20xf32>
}

// h + gate * y
func.func private @add_gated(%h: tensor<?x20xf32>, %gate: tensor<?x20xf32>, %y: tensor<?x20xf32>)
    -> tensor<?x20xf32> {
  %sum = linalg.generic {indexing_maps = [#token_width, #token_width, #token_width],
                         iterator_types = ["parallel", "parallel"]}
      ins(%gate, %y : tensor<?x20xf32>, tensor<?x20xf32>) outs(%h : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %old, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<?x20xf32>
  return %sum : tensor<?x20xf32>
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
