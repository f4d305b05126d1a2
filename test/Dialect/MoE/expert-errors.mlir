// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @grouped_matmul_c1(%rows: tensor<?x?xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x?xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c1_empty(%rows: tensor<?x0xf32>, %weights: tensor<8x0x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got 0}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x0xf32>, tensor<8x0x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c2(%rows: tensor<?x64xf32>, %weights: tensor<8x32x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{weights: expected [8, 64, 80], got [8, 32, 80]}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x32x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c2_experts(%rows: tensor<?x64xf32>, %weights: tensor<?x64x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{weights: dimension 0 must be static and at least 1, got ?}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<?x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c2_inner(%rows: tensor<?x64xf32>, %weights: tensor<8x?x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{weights: dimension 1 must be static and at least 1, got ?}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x?x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c2_width(%rows: tensor<?x64xf32>, %weights: tensor<8x64x0xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{weights: dimension 2 must be static and at least 1, got 0}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x0xf32>, tensor<9xi32> -> tensor<?x0xf32>
  return
}

// -----

func.func @grouped_matmul_c3(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<8xi32>) {
  // expected-error @+1 {{offsets: expected [9], got [8]}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<8xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c3_dynamic(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<?xi32>) {
  // expected-error @+1 {{offsets: dimension 0 must be static and at least 1, got ?}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<?xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c3_overflow(%rows: tensor<?x64xf32>,
    %weights: tensor<9223372036854775807x64x80xf32>, %offsets: tensor<1xi32>) {
  // expected-error @+1 {{offsets: expected [9223372036854775807], got [1]}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<9223372036854775807x64x80xf32>, tensor<1xi32> -> tensor<?x80xf32>
  return
}

// -----

func.func @grouped_matmul_c4(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{result: expected [?, 80], got [?, 64]}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @grouped_matmul_c4_dynamic(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{result: dimension 1 must be static and at least 1, got ?}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x?xf32>
  return
}

// -----

func.func @grouped_matmul_c4_rows(%rows: tensor<6x64xf32>, %weights: tensor<8x64x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{result: expected [6, 80], got [7, 80]}}
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<6x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<7x80xf32>
  return
}

// -----

func.func @expert_ffn_c1(%rows: tensor<?x?xf32>, %up: tensor<64x80xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x?xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c2(%rows: tensor<?x64xf32>, %up: tensor<32x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{up: expected [64, 80], got [32, 80]}}
  %result = moe.expert_ffn %rows up(%up : tensor<32x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c2_dense(%rows: tensor<?x64xf32>, %up: tensor<8x64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{up: expected rank 2 without offsets, got 'tensor<8x64x80xf32>'}}
  %result = moe.expert_ffn %rows up(%up : tensor<8x64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c2_grouped(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %up: tensor<64x80xf32>,
    %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{up: expected rank 3 with offsets, got 'tensor<64x80xf32>'}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<64x80xf32>)
    down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c2_dynamic(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %up: tensor<?x64x80xf32>, %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{up: dimension 0 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<?x64x80xf32>)
    down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c2_empty(%rows: tensor<?x64xf32>, %up: tensor<64x0xf32>,
    %down: tensor<0x64xf32>) {
  // expected-error @+1 {{up: dimension 1 must be static and at least 1, got 0}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x0xf32>) down(%down : tensor<0x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c3(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %gate: tensor<8x64x40xf32>, %up: tensor<8x64x80xf32>,
    %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{gate: expected [8, 64, 80], got [8, 64, 40]}}
  %result = moe.expert_ffn %rows, %offsets gate(%gate : tensor<8x64x40xf32>)
    up(%up : tensor<8x64x80xf32>) down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c3_rank(%rows: tensor<?x64xf32>, %gate: tensor<8x64x80xf32>,
    %up: tensor<64x80xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{gate: expected [64, 80], got [8, 64, 80]}}
  %result = moe.expert_ffn %rows gate(%gate : tensor<8x64x80xf32>)
    up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c3_dynamic(%rows: tensor<?x64xf32>, %gate: tensor<64x?xf32>,
    %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{gate: dimension 1 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows gate(%gate : tensor<64x?xf32>)
    up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c4(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<40x64xf32>) {
  // expected-error @+1 {{down: expected [80, 64], got [40, 64]}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<40x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c4_dense(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{down: expected rank 2 without offsets, got 'tensor<8x80x64xf32>'}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c4_grouped(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %up: tensor<8x64x80xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{down: expected rank 3 with offsets, got 'tensor<80x64xf32>'}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<8x64x80xf32>)
    down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c4_dynamic(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x?xf32>) {
  // expected-error @+1 {{down: dimension 1 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x?xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c5(%rows: tensor<?x64xf32>, %offsets: tensor<8xi32>,
    %up: tensor<8x64x80xf32>, %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{offsets: expected [9], got [8]}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<8x64x80xf32>)
    down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<8xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c5_dynamic(%rows: tensor<?x64xf32>, %offsets: tensor<?xi32>,
    %up: tensor<8x64x80xf32>, %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{offsets: dimension 0 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<8x64x80xf32>)
    down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c6(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %up_bias: tensor<64xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{up bias: expected [80], got [64]}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32> bias %up_bias : tensor<64xf32>)
    down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c6_gate(%rows: tensor<?x64xf32>, %gate: tensor<64x80xf32>,
    %gate_bias: tensor<64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{gate bias: expected [80], got [64]}}
  %result = moe.expert_ffn %rows gate(%gate : tensor<64x80xf32> bias %gate_bias : tensor<64xf32>)
    up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c6_down(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>, %down_bias: tensor<80xf32>) {
  // expected-error @+1 {{down bias: expected [64], got [80]}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>)
    down(%down : tensor<80x64xf32> bias %down_bias : tensor<80xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c6_rank(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %up: tensor<8x64x80xf32>, %down: tensor<8x80x64xf32>,
    %down_bias: tensor<64xf32>) {
  // expected-error @+1 {{down bias: expected [8, 64], got [64]}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<8x64x80xf32>)
    down(%down : tensor<8x80x64xf32> bias %down_bias : tensor<64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c6_dynamic(%rows: tensor<?x64xf32>, %offsets: tensor<9xi32>,
    %up: tensor<8x64x80xf32>, %up_bias: tensor<?x80xf32>,
    %down: tensor<8x80x64xf32>) {
  // expected-error @+1 {{up bias: dimension 0 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows, %offsets up(%up : tensor<8x64x80xf32> bias %up_bias : tensor<?x80xf32>)
    down(%down : tensor<8x80x64xf32>)
    activation(silu) : tensor<?x64xf32>, tensor<9xi32> -> tensor<?x64xf32>
  return
}

// -----

// Only the generic form can say this.
func.func @expert_ffn_c7(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %bias: tensor<80xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{has a gate bias but no gate}}
  %result = "moe.expert_ffn"(%rows, %bias, %up, %down) <{
      activation = 1 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 1, 0>
    }> : (tensor<?x64xf32>, tensor<80xf32>, tensor<64x80xf32>, tensor<80x64xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c7_up_offset(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{up_offset needs a gate}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) {up_offset = 1.0} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c8(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{alpha needs activation(silu), got activation(gelu)}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(gelu) {alpha = 1.702} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c8_infinite(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{alpha: expected a finite value, got INF}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) {alpha = 0x7FF0000000000000 : f64} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c9(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{limit: expected a value > 0, got -7.000000e+00}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) {limit = -7.0} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c9_nan(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{limit: expected a value > 0, got nan}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) {limit = 0x7FF8000000000000 : f64} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c9_up_offset(%rows: tensor<?x64xf32>, %gate: tensor<64x80xf32>,
    %up: tensor<64x80xf32>, %down: tensor<80x64xf32>) {
  // expected-error @+1 {{up_offset: expected a finite value, got nan}}
  %result = moe.expert_ffn %rows gate(%gate : tensor<64x80xf32>)
    up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) {up_offset = 0x7FF8000000000000 : f64} : tensor<?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @expert_ffn_c10(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{result: expected [?, 64], got [?, 80]}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x80xf32>
  return
}

// -----

func.func @expert_ffn_c10_dynamic(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{result: dimension 1 must be static and at least 1, got ?}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<?x64xf32> -> tensor<?x?xf32>
  return
}

// -----

func.func @expert_ffn_c10_rows(%rows: tensor<6x64xf32>, %up: tensor<64x80xf32>,
    %down: tensor<80x64xf32>) {
  // expected-error @+1 {{result: expected [6, 64], got [7, 64]}}
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x64xf32>)
    activation(silu) : tensor<6x64xf32> -> tensor<7x64xf32>
  return
}
