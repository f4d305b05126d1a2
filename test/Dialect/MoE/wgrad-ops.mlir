// RUN: moe-opt %s -verify-roundtrip | FileCheck %s
// RUN: moe-opt %s -mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s -emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: func @grouped_matmul_wgrad
func.func @grouped_matmul_wgrad(%rows: tensor<?x64xbf16>, %drows: tensor<?x80xbf16>, %offsets: tensor<9xi32>)
    -> tensor<8x64x80xf32> {
  // CHECK: moe.grouped_matmul_wgrad %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}
  // CHECK-SAME: : tensor<?x64xbf16>, tensor<?x80xbf16>, tensor<9xi32> -> tensor<8x64x80xf32>
  %dw = moe.grouped_matmul_wgrad %rows, %drows, %offsets
      : tensor<?x64xbf16>, tensor<?x80xbf16>, tensor<9xi32> -> tensor<8x64x80xf32>
  return %dw : tensor<8x64x80xf32>
}
