// RUN: moe-opt %s --moe-split-prepare=enabled=false --moe-entry --split-input-file --verify-diagnostics | FileCheck %s

// Elements of four bits are two to a byte for the host, the low half first, and are
// unpacked before anything else.

// CHECK:       #[[$BYTE:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 2)>

// CHECK-LABEL: func.func @int4(
// CHECK-SAME:    dims = array<i64: 3, 8>, element = i4, name = "q", role = 0
// CHECK:         %[[BYTES:.*]] = bufferization.to_tensor %{{.*}} restrict : memref<3x4xi8> to tensor<3x4xi8>
// CHECK:         linalg.generic {indexing_maps = [#[[$BYTE]], #{{.*}}], {{.*}} ins(%[[BYTES]] : tensor<3x4xi8>) outs(%{{.*}} : tensor<3x8xi4>)
// CHECK:         ^bb0(%[[TWO:.*]]: i8, %{{.*}}: i4):
// CHECK:           %[[J:.*]] = linalg.index 1
// CHECK:           %[[ODD:.*]] = arith.andi %[[J]],
// CHECK:           %[[SHIFT:.*]] = arith.shli %[[ODD]],
// CHECK:           %[[BITS:.*]] = arith.index_cast %[[SHIFT]] : index to i8
// CHECK:           %[[HALF:.*]] = arith.shrui %[[TWO]], %[[BITS]]
// CHECK:           arith.trunci %[[HALF]] : i8 to i4
func.func @int4(%q: tensor<3x8xi4> {moe.name = "q"}, %s: tensor<1x8xf32>) -> tensor<3x8xf32> {
  %0 = moe.dequantize %q scales(%s : tensor<1x8xf32>) axis 0 : tensor<3x8xi4> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// CHECK-LABEL: func.func private @int4.prepare(

// -----

// CHECK-LABEL: func.func @weight(
// CHECK-LABEL: func.func private @weight.prepare(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[Q:.*]]: memref<4xi8>,
// CHECK:         bufferization.to_tensor %[[Q]] restrict : memref<4xi8> to tensor<4xi8>
// CHECK:           %[[BITS:.*]] = arith.trunci %{{.*}} : i8 to i4
// CHECK:           arith.bitcast %[[BITS]] : i4 to f4E2M1FN
func.func @weight(%q: tensor<8xf4E2M1FN> {moe.weight}, %s: tensor<1xf32>) -> tensor<8xf32> {
  %0 = moe.dequantize %q scales(%s : tensor<1xf32>) axis 0 : tensor<8xf4E2M1FN> -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// expected-error @+1 {{argument 0: 'tensor<4x5xi4>' has two elements a byte, so its last dimension must be static and even}}
func.func @odd(%q: tensor<4x5xi4>) {
  return
}

// -----

// expected-error @+1 {{argument 0: 'i4' cannot be passed between a host and compiled code; only tensors of arguments can have elements of four bits}}
func.func @scalar(%q: i4) {
  return
}

// -----

// expected-error @+1 {{result 0: 'tensor<8xi4>' cannot be passed between a host and compiled code; only tensors of arguments can have elements of four bits}}
func.func @result(%q: tensor<8xi4>) -> tensor<8xi4> {
  return %q : tensor<8xi4>
}
