// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s --emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: @route
func.func @route(%logits: tensor<?x16xbf16>, %bias: tensor<16xf32>, %i: tensor<?x4xi32>, %w: tensor<?x4xf16>)
    -> (tensor<?x4xi32>, tensor<?x4xf16>) {
  // CHECK: moek.route %{{.+}} bias(%{{.+}} : tensor<16xf32>) score(sigmoid) weights(normalized)
  // CHECK-SAME: groups(4 keep 2 by top_sum 2) scale 2.500000e+00
  // CHECK-SAME: outs(%{{.+}}, %{{.+}} : tensor<?x4xi32>, tensor<?x4xf16>) {epsilon = 9.9999999999999995E-21 : f64}
  // CHECK-SAME: : tensor<?x16xbf16> -> tensor<?x4xi32>, tensor<?x4xf16>
  %r:2 = moek.route %logits bias(%bias : tensor<16xf32>) score(sigmoid) weights(normalized)
      groups(4 keep 2 by top_sum 2) scale 2.5 outs(%i, %w : tensor<?x4xi32>, tensor<?x4xf16>)
      {epsilon = 1.0e-20 : f64} : tensor<?x16xbf16> -> tensor<?x4xi32>, tensor<?x4xf16>
  return %r#0, %r#1 : tensor<?x4xi32>, tensor<?x4xf16>
}

// CHECK-LABEL: @on_memrefs
func.func @on_memrefs(%keys: memref<?x?xf32>, %i: memref<?x4xi32>, %w: memref<?x4xf32>,
                      %g: memref<?xi32>, %o: memref<9xi32>, %s: memref<65x16xi32>) {
  // CHECK: moek.top_k %{{.+}} values(%{{.+}} : memref<?x?xf32>) outs(%{{.+}}, %{{.+}} : memref<?x4xi32>, memref<?x4xf32>) : memref<?x?xf32>{{$}}
  moek.top_k %keys values(%keys : memref<?x?xf32>) outs(%i, %w : memref<?x4xi32>, memref<?x4xf32>) : memref<?x?xf32>
  // CHECK: moek.group %{{.+}} scratch(%{{.+}} : memref<65x16xi32>) outs(%{{.+}}, %{{.+}}, %{{.+}} : memref<?xi32>, memref<?x4xi32>, memref<9xi32>) : memref<?x4xi32>{{$}}
  moek.group %i scratch(%s : memref<65x16xi32>) outs(%g, %i, %o : memref<?xi32>, memref<?x4xi32>, memref<9xi32>) : memref<?x4xi32>
  return
}

// CHECK-LABEL: @group
func.func @group(%i: tensor<?x4xi32>, %c: index, %g: tensor<?xi32>, %o: tensor<9xi32>)
    -> (tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>) {
  // CHECK: moek.group %{{.+}} capacity(%{{.+}}) outs({{.+}}) : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>
  %r:3 = moek.group %i capacity(%c) outs(%g, %i, %o : tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>)
      : tensor<?x4xi32> -> tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>
  return %r#0, %r#1, %r#2 : tensor<?xi32>, tensor<?x4xi32>, tensor<9xi32>
}
