// RUN: moe-opt %s --moek-pack='panel=16 block=128 chunk=16' | FileCheck %s

// A chunk is what a task takes at a time. Where rows of several groups meet in one
// row of the result, there is no task but for a chunk: these have fewer panels, so
// that there are 8 if there are as many panels.

// CHECK-LABEL: @chunks
func.func @chunks(%x: tensor<?x64xf32>, %rows: tensor<?xi32>, %init: tensor<?x1024xf32>,
                  %narrow_init: tensor<?x80xf32>, %wide_init: tensor<?x4096xf32>,
                  %w: tensor<1x64x1024xf32> {moe.weight}, %narrow: tensor<1x64x80xf32> {moe.weight},
                  %wide: tensor<1x64x4096xf32> {moe.weight})
    -> (tensor<?x1024xf32>, tensor<?x1024xf32>, tensor<?x80xf32>, tensor<?x4096xf32>) {
  // CHECK: moek.gemm {{.+}} as <panel = 16, block = 128, chunk = 16, pair = 1>
  %plain = moek.gemm ins(%x : tensor<?x64xf32>) weights(%w : tensor<1x64x1024xf32>)
      outs(%init : tensor<?x1024xf32>) {
  ^bb0(%acc: f32, %old: f32):
    moek.yield %acc : f32
  } -> tensor<?x1024xf32>
  // CHECK: moek.gemm {{.+}} as <panel = 16, block = 128, chunk = 8, pair = 1>
  %combined = moek.gemm ins(%x : tensor<?x64xf32>) weights(%w : tensor<1x64x1024xf32>)
      outs(%init : tensor<?x1024xf32>) rows(%rows by 2 : tensor<?xi32>) {
  ^bb0(%acc: f32, %old: f32):
    %0 = arith.addf %acc, %old : f32
    moek.yield %0 : f32
  } -> tensor<?x1024xf32>
  // CHECK: moek.gemm {{.+}} as <panel = 16, block = 128, chunk = 1, pair = 1>
  %few = moek.gemm ins(%x : tensor<?x64xf32>) weights(%narrow : tensor<1x64x80xf32>)
      outs(%narrow_init : tensor<?x80xf32>) rows(%rows by 2 : tensor<?xi32>) {
  ^bb0(%acc: f32, %old: f32):
    %0 = arith.addf %acc, %old : f32
    moek.yield %0 : f32
  } -> tensor<?x80xf32>
  // CHECK: moek.gemm {{.+}} as <panel = 16, block = 128, chunk = 16, pair = 1>
  %many = moek.gemm ins(%x : tensor<?x64xf32>) weights(%wide : tensor<1x64x4096xf32>)
      outs(%wide_init : tensor<?x4096xf32>) rows(%rows by 2 : tensor<?xi32>) {
  ^bb0(%acc: f32, %old: f32):
    %0 = arith.addf %acc, %old : f32
    moek.yield %0 : f32
  } -> tensor<?x4096xf32>
  return %plain, %combined, %few, %many : tensor<?x1024xf32>, tensor<?x1024xf32>, tensor<?x80xf32>, tensor<?x4096xf32>
}
