// RUN: moe-opt %s --moe-split-prepare --moe-entry --canonicalize --cse --split-input-file | FileCheck %s

// F(context, symbols, inputs, outputs, packed values); sizes are the symbols.

// CHECK-LABEL: func.func @tensors(
// CHECK-SAME: %{{.+}}: !llvm.ptr, %[[T:.+]]: index, %[[X:.+]]: memref<?x4xf32>, %[[Y:.+]]: memref<?x4xf32>, %[[W:.+]]: memref<4xf32>)
// CHECK-NOT: tensor.dim
// CHECK-DAG: bufferization.to_tensor %[[X]] restrict : memref<?x4xf32>
// CHECK-DAG: bufferization.to_tensor %[[W]] restrict : memref<4xf32>
// CHECK-DAG: tensor.empty(%[[T]])
// CHECK: bufferization.materialize_in_destination %{{.+}} in restrict writable %[[Y]]
// CHECK-NEXT: return
// CHECK: func.func private @tensors.prepare(%{{.+}}: !llvm.ptr, %[[W:.+]]: memref<4xf32>, %[[PACKED:.+]]: memref<4xf32>)
// CHECK: %[[TENSOR:.+]] = bufferization.to_tensor %[[W]] restrict
// CHECK: bufferization.materialize_in_destination %{{.+}} in restrict writable %[[PACKED]]
func.func @tensors(%x: tensor<?x4xf32> {moe.dims = ["T", ""]}, %w: tensor<4xf32> {moe.weight})
    -> (tensor<?x4xf32> {moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %y = linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]
  } ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Scalars are memrefs of rank 0.

// CHECK-LABEL: func.func @scalars(
// CHECK-SAME: %{{.+}}: !llvm.ptr, %[[F:.+]]: memref<f32>, %[[I:.+]]: memref<index>, %[[R:.+]]: memref<f32>, %[[S:.+]]: memref<index>)
// CHECK-DAG: %[[F0:.+]] = memref.load %[[F]][]
// CHECK-DAG: %[[I0:.+]] = memref.load %[[I]][]
// CHECK: %[[SUM:.+]] = arith.addf %[[F0]], %[[F0]]
// CHECK-DAG: memref.store %[[SUM]], %[[R]][]
// CHECK-DAG: memref.store %[[I0]], %[[S]][]
func.func @scalars(%f: f32, %i: index) -> (f32, index) {
  %s = arith.addf %f, %f : f32
  return %s, %i : f32, index
}

// -----

// A result must be as large as the signature says. Where that is plain it costs
// nothing; else the host's call is refused.

// CHECK-LABEL: func.func @sizes(
// CHECK-SAME: %[[T:[a-z0-9]+]]: index, %[[U:[a-z0-9]+]]: index,
// CHECK: moek.require %[[U]] eq %[[T]], "dimension 0 of y"
// CHECK-NOT: moek.require
func.func @sizes(%x: tensor<?xf32> {moe.dims = ["T"]}, %z: tensor<?xf32> {moe.dims = ["U"]})
    -> (tensor<?xf32> {moe.dims = ["T"], moe.name = "y"}, tensor<?xf32> {moe.dims = ["U"]}) {
  %c0 = arith.constant 0 : index
  %u = tensor.dim %z, %c0 : tensor<?xf32>
  %e = tensor.empty(%u) : tensor<?xf32>
  %y = linalg.exp ins(%z : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %e, %y : tensor<?xf32>, tensor<?xf32>
}

// -----

// All results are written as tensors before any is copied: one that is computed in the
// buffer of another is seen by bufferization.

// CHECK-LABEL: func.func @swapped(
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<4xf32>, %[[B:[a-z0-9]+]]: memref<4xf32>)
// CHECK-DAG: %[[TO_A:.+]] = bufferization.to_tensor %[[A]] restrict writable
// CHECK-DAG: %[[TO_B:.+]] = bufferization.to_tensor %[[B]] restrict writable
// CHECK: %[[IN_A:.+]] = bufferization.materialize_in_destination %{{.+}} in %[[TO_A]]
// CHECK: %[[IN_B:.+]] = bufferization.materialize_in_destination %{{.+}} in %[[TO_B]]
// CHECK: bufferization.materialize_in_destination %[[IN_A]] in restrict writable %[[A]]
// CHECK: bufferization.materialize_in_destination %[[IN_B]] in restrict writable %[[B]]
func.func @swapped(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.add ins(%x, %0 : tensor<4xf32>, tensor<4xf32>) outs(%0 : tensor<4xf32>) -> tensor<4xf32>
  return %1, %0 : tensor<4xf32>, tensor<4xf32>
}
