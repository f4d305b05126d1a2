// RUN: moe-run %s --target=reference --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows
// RUN: moe-run %s --target=cpu --weights=%S/inputs.safetensors \
// RUN:   --expect=%S/expected.safetensors --exact-rows

// IterAdaLN at iteration 2: an RMS norm whose scale and shift depend on the iteration and
// on the token.

func.func @main(
    %h: tensor<?x24xf32> {moe.name = "h", moe.dims = ["T", ""]},
    %mlp_w1: tensor<16x12xf32> {moe.weight, moe.name = "mlp_w1"},
    %mlp_b1: tensor<12xf32> {moe.weight, moe.name = "mlp_b1"},
    %mlp_w2: tensor<12x10xf32> {moe.weight, moe.name = "mlp_w2"},
    %mlp_b2: tensor<10xf32> {moe.weight, moe.name = "mlp_b2"},
    %w_h: tensor<24x10xf32> {moe.weight, moe.name = "w_h"},
    %w_mod: tensor<10x48xf32> {moe.weight, moe.name = "w_mod"},
    %b_mod: tensor<48xf32> {moe.weight, moe.name = "b_mod"})
    -> (tensor<16xf32> {moe.name = "code"},
        tensor<10xf32> {moe.name = "v"},
        tensor<?x24xf32> {moe.name = "n", moe.dims = ["T", ""]}) {
  // Depends on the iteration only.
  %k = arith.constant 2 : index
  %code = moe.iter_encode %k : tensor<16xf32>
  %v = call @mlp(%code, %mlp_w1, %mlp_b1, %mlp_w2, %mlp_b2)
    : (tensor<16xf32>, tensor<16x12xf32>, tensor<12xf32>, tensor<12x10xf32>, tensor<10xf32>)
    -> tensor<10xf32>

  // Depends on the token, too.
  %n = moe.iter_adaln %h, %v project(%w_h : tensor<24x10xf32>)
    modulate(%w_mod, %b_mod : tensor<10x48xf32>, tensor<48xf32>)
    act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
    : tensor<?x24xf32>, tensor<10xf32> -> tensor<?x24xf32>
  return %code, %v, %n
    : tensor<16xf32>, tensor<10xf32>, tensor<?x24xf32>
}

// What tells iteration k from the others: silu(code @ w1 + b1) @ w2 + b2
func.func private @mlp(%code: tensor<16xf32>, %w1: tensor<16x12xf32>, %b1: tensor<12xf32>,
                       %w2: tensor<12x10xf32>, %b2: tensor<10xf32>) -> tensor<10xf32> {
  %one = arith.constant 1.0 : f32
  %a = linalg.vecmat ins(%code, %w1 : tensor<16xf32>, tensor<16x12xf32>)
                     outs(%b1 : tensor<12xf32>) -> tensor<12xf32>
  %hidden = linalg.map ins(%a : tensor<12xf32>) outs(%b1 : tensor<12xf32>)
    (%x: f32, %old: f32) {
      %minus_x = arith.negf %x : f32
      %power = math.exp %minus_x : f32
      %divisor = arith.addf %one, %power : f32
      %silu = arith.divf %x, %divisor : f32
      linalg.yield %silu : f32
    }
  %v = linalg.vecmat ins(%hidden, %w2 : tensor<12xf32>, tensor<12x10xf32>)
                     outs(%b2 : tensor<10xf32>) -> tensor<10xf32>
  return %v : tensor<10xf32>
}
