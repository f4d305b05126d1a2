// RUN: moe-opt %s -verify-roundtrip | FileCheck %s
// RUN: moe-opt %s -mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s -emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: func @dequantize_int8
func.func @dequantize_int8(%q: tensor<8x64x96xi8>, %s: tensor<8x1x96xf32>) -> tensor<8x64x96xbf16> {
  // CHECK: moe.dequantize %{{[a-z0-9]+}} scales(%{{[a-z0-9]+}} : tensor<8x1x96xf32>) axis 1 : tensor<8x64x96xi8> -> tensor<8x64x96xbf16>
  %w = moe.dequantize %q scales(%s : tensor<8x1x96xf32>) axis 1 : tensor<8x64x96xi8> -> tensor<8x64x96xbf16>
  return %w : tensor<8x64x96xbf16>
}

// CHECK-LABEL: func @dequantize_int4
func.func @dequantize_int4(%q: tensor<8x64x96xi4>, %s: tensor<8x2x96xf16>, %z: tensor<8x2x96xi4>) -> tensor<8x64x96xf32> {
  // CHECK: moe.dequantize %{{[a-z0-9]+}} scales(%{{[a-z0-9]+}} : tensor<8x2x96xf16>) zeros(%{{[a-z0-9]+}} : tensor<8x2x96xi4>)
  // CHECK-SAME: axis 1 : tensor<8x64x96xi4> -> tensor<8x64x96xf32>
  %w = moe.dequantize %q scales(%s : tensor<8x2x96xf16>) zeros(%z : tensor<8x2x96xi4>) axis 1
      : tensor<8x64x96xi4> -> tensor<8x64x96xf32>
  return %w : tensor<8x64x96xf32>
}

// CHECK-LABEL: func @dequantize_codebook
func.func @dequantize_codebook(%q: tensor<128xi8>, %s: tensor<2xf32>, %codebook: tensor<16xf32>) -> tensor<128xf32> {
  // CHECK: codebook(%{{[a-z0-9]+}} : tensor<16xf32>) axis 0 : tensor<128xi8> -> tensor<128xf32>
  %w = moe.dequantize %q scales(%s : tensor<2xf32>) codebook(%codebook : tensor<16xf32>) axis 0
      : tensor<128xi8> -> tensor<128xf32>
  return %w : tensor<128xf32>
}

// CHECK-LABEL: func @dequantize_mxfp4
func.func @dequantize_mxfp4(%q: tensor<8x64x96xf4E2M1FN>, %s: tensor<8x2x96xf8E8M0FNU>) -> tensor<8x64x96xbf16> {
  // CHECK: scales(%{{[a-z0-9]+}} : tensor<8x2x96xf8E8M0FNU>) axis 1 : tensor<8x64x96xf4E2M1FN> -> tensor<8x64x96xbf16>
  %w = moe.dequantize %q scales(%s : tensor<8x2x96xf8E8M0FNU>) axis 1
      : tensor<8x64x96xf4E2M1FN> -> tensor<8x64x96xbf16>
  return %w : tensor<8x64x96xbf16>
}
