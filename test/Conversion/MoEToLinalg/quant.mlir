// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize | FileCheck %s

// CHECK-DAG:   #[[$SAME:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$GROUP_OF_32:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 32)>
// CHECK-DAG:   #[[$GROUP_OF_3:.*]] = affine_map<(d0, d1) -> (d0 floordiv 3, d1)>

// MXFP4: a table of the 16 numbers, and a power of two made of its exponent. The least
// power is a denormal, 255 is NaN.

// CHECK-LABEL: func.func @mxfp4(
// CHECK-SAME:    %[[Q:.*]]: tensor<4x64xf4E2M1FN>, %[[SCALES:.*]]: tensor<4x2xf8E8M0FNU>)
// CHECK-DAG:     %[[TABLE:.*]] = arith.constant dense<[0.000000e+00, 5.000000e-01, 1.000000e+00, 1.500000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 6.000000e+00, -0.000000e+00,
// CHECK-DAG:     %[[NAN:.*]] = arith.constant 2143289344 : i32
// CHECK-DAG:     %[[DENORMAL:.*]] = arith.constant 4194304 : i32
// CHECK:         linalg.generic {indexing_maps = [#[[$SAME]], #[[$GROUP_OF_32]], #[[$SAME]]]
// CHECK-SAME:      ins(%[[Q]], %[[SCALES]] :
// CHECK:         ^bb0(%[[CODE:.*]]: f4E2M1FN, %[[SCALE:.*]]: f8E8M0FNU,
// CHECK:           arith.bitcast %[[CODE]] : f4E2M1FN to i4
// CHECK:           %[[VALUE:.*]] = tensor.extract %[[TABLE]]
// CHECK:           arith.bitcast %[[SCALE]] : f8E8M0FNU to i8
// CHECK:           %[[SHIFTED:.*]] = arith.shli
// CHECK:           %[[FINITE:.*]] = arith.select %{{.*}}, %[[DENORMAL]], %[[SHIFTED]]
// CHECK:           %[[BITS:.*]] = arith.select %{{.*}}, %[[NAN]], %[[FINITE]]
// CHECK:           %[[POWER:.*]] = arith.bitcast %[[BITS]] : i32 to f32
// CHECK:           %[[PRODUCT:.*]] = arith.mulf %[[VALUE]], %[[POWER]]
// CHECK:           arith.truncf %[[PRODUCT]] : f32 to bf16
func.func @mxfp4(%q: tensor<4x64xf4E2M1FN>, %scales: tensor<4x2xf8E8M0FNU>)
    -> tensor<4x64xbf16> {
  %w = moe.dequantize %q scales(%scales : tensor<4x2xf8E8M0FNU>) axis 1
    : tensor<4x64xf4E2M1FN> -> tensor<4x64xbf16>
  return %w : tensor<4x64xbf16>
}

// A code is the low four bits, whatever the sign; zeros are integers here.

// CHECK-LABEL: func.func @codebook(
// CHECK-SAME:    %{{.*}}: tensor<6x4xi4>, %{{.*}}: tensor<2x4xf32>, %{{.*}}: tensor<2x4xi8>, %[[BOOK:.*]]: tensor<16xf16>)
// CHECK:         linalg.generic {indexing_maps = [#[[$SAME]], #[[$GROUP_OF_3]], #[[$GROUP_OF_3]], #[[$SAME]]]
// CHECK:         ^bb0(%[[CODE:.*]]: i4, %[[SCALE:.*]]: f32, %[[ZERO:.*]]: i8,
// CHECK:           %[[WIDE:.*]] = arith.extui %[[CODE]] : i4 to i32
// CHECK:           arith.andi %[[WIDE]]
// CHECK:           %[[ENTRY:.*]] = tensor.extract %[[BOOK]]
// CHECK-DAG:       %[[VALUE:.*]] = arith.extf %[[ENTRY]] : f16 to f32
// CHECK-DAG:       %[[ZERO_VALUE:.*]] = arith.sitofp %[[ZERO]] : i8 to f32
// CHECK:           %[[SHIFTED:.*]] = arith.subf %[[VALUE]], %[[ZERO_VALUE]]
// CHECK:           arith.mulf %[[SHIFTED]], %[[SCALE]]
func.func @codebook(%q: tensor<6x4xi4>, %scales: tensor<2x4xf32>, %zeros: tensor<2x4xi8>,
                    %codebook: tensor<16xf16>) -> tensor<6x4xf32> {
  %w = moe.dequantize %q scales(%scales : tensor<2x4xf32>) zeros(%zeros : tensor<2x4xi8>)
    codebook(%codebook : tensor<16xf16>) axis 0 : tensor<6x4xi4> -> tensor<6x4xf32>
  return %w : tensor<6x4xf32>
}

// CHECK-LABEL: func.func @int8(
// CHECK:           arith.sitofp %{{.*}} : i8 to f64
// CHECK:           arith.mulf %{{.*}} : f64
// CHECK-NOT:       arith.truncf
func.func @int8(%q: tensor<6xi8>, %scales: tensor<1xf64>) -> tensor<6xf64> {
  %w = moe.dequantize %q scales(%scales : tensor<1xf64>) axis 0 : tensor<6xi8> -> tensor<6xf64>
  return %w : tensor<6xf64>
}
