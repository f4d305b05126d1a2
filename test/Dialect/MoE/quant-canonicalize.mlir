// RUN: moe-opt %s -canonicalize | FileCheck %s

// (q - zero) * scale, groups of two along the first dimension.
// CHECK-LABEL: func @int8_zeros
func.func @int8_zeros() -> tensor<4x2xf32> {
  // CHECK{LITERAL}: dense<[[0.000000e+00, 4.000000e+00], [1.000000e+00, 8.000000e+00], [1.600000e+01, -1.300000e+02], [2.000000e+01, -1.270000e+02]]> : tensor<4x2xf32>
  %q = arith.constant dense<[[1, 2], [3, 4], [5, -128], [6, -125]]> : tensor<4x2xi8>
  %scales = arith.constant dense<[[0.5, 2.0], [4.0, 1.0]]> : tensor<2x2xf32>
  %zeros = arith.constant dense<[[1, 0], [1, 2]]> : tensor<2x2xi8>
  %w = moe.dequantize %q scales(%scales : tensor<2x2xf32>) zeros(%zeros : tensor<2x2xi8>) axis 0
      : tensor<4x2xi8> -> tensor<4x2xf32>
  return %w : tensor<4x2xf32>
}

// i4 is signed; the last dimension as the axis.
// CHECK-LABEL: func @int4
func.func @int4() -> tensor<2x4xbf16> {
  // CHECK{LITERAL}: dense<[[-8.000000e+00, 7.000000e+00, -5.000000e-01, 0.000000e+00], [2.000000e+00, 4.000000e+00, 9.000000e+00, 1.200000e+01]]> : tensor<2x4xbf16>
  %q = arith.constant dense<[[-8, 7, -1, 0], [1, 2, 3, 4]]> : tensor<2x4xi4>
  %scales = arith.constant dense<[[1.0, 0.5], [2.0, 3.0]]> : tensor<2x2xf16>
  %w = moe.dequantize %q scales(%scales : tensor<2x2xf16>) axis 1 : tensor<2x4xi4> -> tensor<2x4xbf16>
  return %w : tensor<2x4xbf16>
}

// Codes are the low four bits: i4 -1 and i8 31 both mean entry 15.
// CHECK-LABEL: func @codebook
func.func @codebook() -> (tensor<4xf32>, tensor<2xf32>) {
  %table = arith.constant dense<[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0,
                                 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]> : tensor<16xf32>
  // CHECK-DAG: dense<[0.000000e+00, 5.000000e+00, 3.500000e+01, 7.500000e+01]> : tensor<4xf32>
  %q4 = arith.constant dense<[0, 1, 7, -1]> : tensor<4xi4>
  %half = arith.constant dense<0.5> : tensor<1xf32>
  %a = moe.dequantize %q4 scales(%half : tensor<1xf32>) codebook(%table : tensor<16xf32>) axis 0
      : tensor<4xi4> -> tensor<4xf32>
  // CHECK-DAG: dense<[1.500000e+02, 4.000000e+01]> : tensor<2xf32>
  %q8 = arith.constant dense<[31, 2]> : tensor<2xi8>
  %scales = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = moe.dequantize %q8 scales(%scales : tensor<2xf32>) codebook(%table : tensor<16xf32>) axis 0
      : tensor<2xi8> -> tensor<2xf32>
  return %a, %b : tensor<4xf32>, tensor<2xf32>
}

// CHECK-LABEL: func @mxfp4
func.func @mxfp4() -> tensor<4xbf16> {
  // CHECK: dense<[1.200000e+01, -1.000000e+00, 3.750000e-01, 0.000000e+00]> : tensor<4xbf16>
  %q = arith.constant dense<[6.0, -0.5, 1.5, 0.0]> : tensor<4xf4E2M1FN>
  %scales = arith.constant dense<[2.0, 0.25]> : tensor<2xf8E8M0FNU>
  %w = moe.dequantize %q scales(%scales : tensor<2xf8E8M0FNU>) axis 0 : tensor<4xf4E2M1FN> -> tensor<4xbf16>
  return %w : tensor<4xbf16>
}

// CHECK-LABEL: func @not_constant
func.func @not_constant(%q: tensor<4xi8>, %s: tensor<1xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-COUNT-2: moe.dequantize
  %scales = arith.constant dense<2.0> : tensor<1xf32>
  %a = moe.dequantize %q scales(%scales : tensor<1xf32>) axis 0 : tensor<4xi8> -> tensor<4xf32>
  %values = arith.constant dense<1> : tensor<4xi8>
  %b = moe.dequantize %values scales(%s : tensor<1xf32>) axis 0 : tensor<4xi8> -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
