// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @dequantize_c1(%q: tensor<?x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{q: dimension 0 must be static and at least 1, got ?}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 1 : tensor<?x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c1_rank(%q: tensor<i8>, %scales: tensor<f32>) {
  // expected-error @+1 {{q: expected a rank of at least 1, got 'tensor<i8>'}}
  %w = moe.dequantize %q scales(%scales : tensor<f32>) axis 0 : tensor<i8> -> tensor<f32>
  return
}

// -----

func.func @dequantize_c2(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{axis: expected 0 <= axis < 3, got 3}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 3 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c2_negative(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{axis: expected 0 <= axis < 3, got -1}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis -1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c3(%q: tensor<4x64x6xi8>, %scales: tensor<4x3x6xf32>, %zeros: tensor<4x3x6xi8>) {
  // expected-error @+1 {{scales: 3 groups do not divide the size 64 of axis 1}}
  %w = moe.dequantize %q scales(%scales : tensor<4x3x6xf32>) zeros(%zeros : tensor<4x3x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c3_shape(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x5xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{scales: expected [4, 2, 6], got [4, 2, 5]}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x5xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c3_rank(%q: tensor<4x64x6xi8>, %scales: tensor<4x2xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{scales: expected [4, 64, 6], got [4, 2]}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c3_empty(%q: tensor<4x64x6xi8>, %scales: tensor<4x0x6xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{scales: dimension 1 must be static and at least 1, got 0}}
  %w = moe.dequantize %q scales(%scales : tensor<4x0x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c4(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x1x6xi8>) {
  // expected-error @+1 {{zeros: expected [4, 2, 6], got [4, 1, 6]}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x1x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c5(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>, %codebook: tensor<15xf32>) {
  // expected-error @+1 {{codebook: expected [16], got [15]}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      codebook(%codebook : tensor<15xf32>) axis 1 : tensor<4x64x6xi8> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c5_float(%q: tensor<4x64x6xf4E2M1FN>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>, %codebook: tensor<16xf32>) {
  // expected-error @+1 {{codebook: expected i8 or i4 codes, got 'tensor<4x64x6xf4E2M1FN>'}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      codebook(%codebook : tensor<16xf32>) axis 1 : tensor<4x64x6xf4E2M1FN> -> tensor<4x64x6xf32>
  return
}

// -----

func.func @dequantize_c6(%q: tensor<4x64x6xi8>, %scales: tensor<4x2x6xf32>, %zeros: tensor<4x2x6xi8>) {
  // expected-error @+1 {{result: expected [4, 64, 6], got [4, 64, 7]}}
  %w = moe.dequantize %q scales(%scales : tensor<4x2x6xf32>) zeros(%zeros : tensor<4x2x6xi8>)
      axis 1 : tensor<4x64x6xi8> -> tensor<4x64x7xf32>
  return
}
