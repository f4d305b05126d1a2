// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s --emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: @gather
func.func @gather(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %offsets: tensor<9xi32>, %gate: tensor<8x64x80xf32>,
                  %up: tensor<8x64x80xf32>, %bias: tensor<8x80xf32>, %init: tensor<?x80xf32>) -> tensor<?x80xf32> {
  // CHECK: moek.gemm ins(%{{.+}} : tensor<?x64xf32>) rows(%{{.+}} by 2 : tensor<?xi32>) offsets(%{{.+}} : tensor<9xi32>)
  // CHECK-SAME: weights(%{{.+}}, %{{.+}} : tensor<8x64x80xf32>, tensor<8x64x80xf32>)
  // CHECK-SAME: extras(%{{.+}} : tensor<8x80xf32>) maps [#{{.+}}] outs(%{{.+}} : tensor<?x80xf32>) {
  // CHECK: ^bb0(%{{.+}}: f32, %{{.+}}: f32, %{{.+}}: f32, %{{.+}}: f32):
  // CHECK: moek.yield %{{.+}} : f32
  // CHECK: } -> tensor<?x80xf32>
  %h = moek.gemm ins(%x : tensor<?x64xf32>) rows(%rows by 2 : tensor<?xi32>) offsets(%offsets : tensor<9xi32>)
      weights(%gate, %up : tensor<8x64x80xf32>, tensor<8x64x80xf32>)
      extras(%bias : tensor<8x80xf32>) maps [affine_map<(g, s, n) -> (g, n)>] outs(%init : tensor<?x80xf32>) {
  ^bb0(%g: f32, %u: f32, %b: f32, %old: f32):
    %0 = arith.addf %g, %b : f32
    %1 = arith.mulf %0, %u : f32
    moek.yield %1 : f32
  } -> tensor<?x80xf32>
  return %h : tensor<?x80xf32>
}

// CHECK-LABEL: @scatter
func.func @scatter(%x: memref<?x64xbf16>, %rows: memref<?xi32>, %packed: memref<1x8192xbf16>, %y: memref<?x80xf32>) {
  // CHECK: moek.gemm ins(%{{.+}} : memref<?x64xbf16>) weights(%{{.+}} : memref<1x8192xbf16>)
  // CHECK-SAME: as <panel = 64, block = 128, chunk = 2, pair = 2> outs(%{{.+}} : memref<?x80xf32>) rows(%{{.+}} by 4 : memref<?xi32>) {
  moek.gemm ins(%x : memref<?x64xbf16>) weights(%packed : memref<1x8192xbf16>)
      as <panel = 64, block = 128, chunk = 2, pair = 2> outs(%y : memref<?x80xf32>) rows(%rows by 4 : memref<?xi32>) {
  ^bb0(%acc: f32, %old: f32):
    %0 = arith.addf %acc, %old : f32
    moek.yield %0 : f32
  }
  return
}

// CHECK-LABEL: @pack
func.func @pack(%w: tensor<80x64xf32>, %init: tensor<1x8192xf32>) -> tensor<1x8192xf32> {
  // CHECK: moek.pack %{{.+}} transposed as <panel = 64, block = 128, chunk = 2, pair = 1> outs(%{{.+}} : tensor<1x8192xf32>) : tensor<80x64xf32> -> tensor<1x8192xf32>
  %0 = moek.pack %w transposed as <panel = 64, block = 128, chunk = 2, pair = 1>
      outs(%init : tensor<1x8192xf32>) : tensor<80x64xf32> -> tensor<1x8192xf32>
  return %0 : tensor<1x8192xf32>
}
