// RUN: moe-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// A result takes the place of its destination.
// CHECK-LABEL: @in_place
// CHECK-SAME: %[[X:.+]]: memref<?x8xf32>, %[[W:.+]]: memref<8x5xf32>, %[[Y:.+]]: memref<?x5xf32>
func.func @in_place(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK-NOT: alloc
  // CHECK-NOT: copy
  // CHECK: moek.gemm ins(%[[X]] : memref<?x8xf32>) weights(%[[W]] : memref<8x5xf32>) outs(%[[Y]] : memref<?x5xf32>) {
  // CHECK: return %[[Y]]
  %z = moek.gemm ins(%x : tensor<?x8xf32>) weights(%w : tensor<8x5xf32>) outs(%y : tensor<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %old : f32
    moek.yield %s : f32
  } -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// A destination that is read later is copied, whether the epilogue reads it or not:
// a gemm may leave rows as they were.
// CHECK-LABEL: @copy
// CHECK-SAME: %[[X:.+]]: memref<?x8xf32>, %[[W:.+]]: memref<8x5xf32>, %[[Y:.+]]: memref<?x5xf32>
func.func @copy(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %y: tensor<?x5xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>) {
  // CHECK: %[[NEW:.+]] = memref.alloc
  // CHECK: memref.copy %[[Y]], %[[NEW]]
  // CHECK: moek.gemm {{.+}} outs(%[[NEW]] : memref<?x5xf32>) {
  // CHECK: return %[[NEW]], %[[Y]]
  %z = moek.gemm ins(%x : tensor<?x8xf32>) weights(%w : tensor<8x5xf32>) outs(%y : tensor<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  } -> tensor<?x5xf32>
  return %z, %y : tensor<?x5xf32>, tensor<?x5xf32>
}

// Every attribute and operand arrives.
// CHECK-LABEL: @all
func.func @all(%x: tensor<?x8xf32>, %r: tensor<?xi32>, %o: tensor<4xi32>, %p: tensor<3x128xf32>, %b: tensor<3x5xf32>,
    %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: moek.gemm ins(%arg0 : memref<?x8xf32>) rows(%arg1 by 2 : memref<?xi32>) offsets(%arg2 : memref<4xi32>)
  // CHECK-SAME: weights(%arg3 : memref<3x128xf32>) as <panel = 16, block = 8, chunk = 1, pair = 1>
  // CHECK-SAME: extras(%arg4 : memref<3x5xf32>) maps [#{{.+}}] outs(%arg5 : memref<?x5xf32>) rows(%arg1 by 3 : memref<?xi32>) {
  %z = moek.gemm ins(%x : tensor<?x8xf32>) rows(%r by 2 : tensor<?xi32>) offsets(%o : tensor<4xi32>)
      weights(%p : tensor<3x128xf32>) as <panel = 16, block = 8, chunk = 1, pair = 1>
      extras(%b : tensor<3x5xf32>) maps [affine_map<(g, s, n) -> (g, n)>]
      outs(%y : tensor<?x5xf32>) rows(%r by 3 : tensor<?xi32>) {
  ^bb0(%a: f32, %c: f32, %old: f32):
    %1 = arith.addf %a, %c : f32
    %2 = arith.addf %1, %old : f32
    moek.yield %2 : f32
  } -> tensor<?x5xf32>
  return %z : tensor<?x5xf32>
}

// Rows that are added up get a scratch for their sums, of so many rows at most.
// CHECK-LABEL: @scratch
func.func @scratch(%x: tensor<?x8xf32>, %r: tensor<?xi32>, %o: tensor<4xi32>, %w: tensor<3x8x65xf32>, %y: tensor<?x65xf32>) -> tensor<?x65xf32> {
  // CHECK: %[[SCRATCH:.+]] = memref.alloc() {{.*}}: memref<128x128xf32>
  // CHECK: moek.gemm {{.+}} rows(%arg1 by 2 : memref<?xi32>) scratch(%[[SCRATCH]] : memref<128x128xf32>) {
  %z = moek.gemm ins(%x : tensor<?x8xf32>) offsets(%o : tensor<4xi32>) weights(%w : tensor<3x8x65xf32>)
      outs(%y : tensor<?x65xf32>) rows(%r by 2 : tensor<?xi32>) {
  ^bb0(%a: f32, %old: f32):
    %s = arith.addf %a, %old : f32
    moek.yield %s : f32
  } -> tensor<?x65xf32>
  return %z : tensor<?x65xf32>
}

// A pack writes all of its destination: what was there is not copied.
// CHECK-LABEL: @pack
func.func @pack(%w: tensor<3x8x5xf32>, %p: tensor<3x128xf32>) -> (tensor<3x128xf32>, tensor<3x128xf32>) {
  // CHECK: %[[NEW:.+]] = memref.alloc
  // CHECK-NOT: copy
  // CHECK: moek.pack %arg0 as <panel = 16, block = 8, chunk = 1, pair = 1> outs(%[[NEW]] : memref<3x128xf32>) : memref<3x8x5xf32>
  %q = moek.pack %w as <panel = 16, block = 8, chunk = 1, pair = 1> outs(%p : tensor<3x128xf32>)
      : tensor<3x8x5xf32> -> tensor<3x128xf32>
  return %q, %p : tensor<3x128xf32>, tensor<3x128xf32>
}
