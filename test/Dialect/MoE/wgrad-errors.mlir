// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @grouped_matmul_wgrad_c1(%rows: tensor<?x?xf32>, %drows: tensor<?x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<?x?xf32>, tensor<?x80xf32>, tensor<9xi32> -> tensor<8x64x80xf32>
  return
}

// -----

func.func @grouped_matmul_wgrad_c2(%rows: tensor<?x64xf32>, %drows: tensor<?x?xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{drows: dimension 1 must be static and at least 1, got ?}}
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<?x64xf32>, tensor<?x?xf32>, tensor<9xi32> -> tensor<8x64x80xf32>
  return
}

// -----

func.func @grouped_matmul_wgrad_c2_rows(%rows: tensor<10x64xf32>, %drows: tensor<11x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{drows: expected [10, 80], got [11, 80]}}
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<10x64xf32>, tensor<11x80xf32>, tensor<9xi32> -> tensor<8x64x80xf32>
  return
}

// -----

func.func @grouped_matmul_wgrad_c3(%rows: tensor<?x64xf32>, %drows: tensor<?x80xf32>,
    %offsets: tensor<1xi32>) {
  // expected-error @+1 {{offsets: expected [E+1] with static E >= 1, got 'tensor<1xi32>'}}
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<?x64xf32>, tensor<?x80xf32>, tensor<1xi32> -> tensor<8x64x80xf32>
  return
}

// -----

func.func @grouped_matmul_wgrad_c4(%rows: tensor<?x64xf32>, %drows: tensor<?x80xf32>,
    %offsets: tensor<9xi32>) {
  // expected-error @+1 {{result: expected [8, 64, 80], got [8, 80, 64]}}
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<?x64xf32>, tensor<?x80xf32>, tensor<9xi32> -> tensor<8x80x64xf32>
  return
}
