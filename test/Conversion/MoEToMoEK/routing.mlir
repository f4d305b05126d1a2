// RUN: moe-opt %s --convert-moe-routing-to-moek --remarks-filter=convert-moe-routing-to-moek 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// RUN: moe-opt %s --convert-moe-routing-to-moek="select=false group=false" | FileCheck %s --check-prefix=OFF

// OFF-NOT: moek.{{route|top_k|group}}

// CHECK-LABEL: @router
func.func @router(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>) -> (tensor<?x4xi32>, tensor<?x4xf32>) {
  // CHECK: %[[T:.+]] = tensor.dim %arg0
  // CHECK-DAG: %[[I:.+]] = tensor.empty(%[[T]]) : tensor<?x4xi32>
  // CHECK-DAG: %[[W:.+]] = tensor.empty(%[[T]]) : tensor<?x4xf32>
  // CHECK: moek.route %arg0 bias(%arg1 : tensor<16xf32>) score(sigmoid) weights(normalized)
  // CHECK-SAME: groups(4 keep 2 by top_sum 2) scale 2.500000e+00
  // CHECK-SAME: outs(%[[I]], %[[W]] : tensor<?x4xi32>, tensor<?x4xf32>)
  // CHECK-NOT: moe.route
  %i, %w = moe.route %logits bias(%bias : tensor<16xf32>) score(sigmoid) weights(normalized)
      groups(4 keep 2 by top_sum 2) scale 2.5 : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  return %i, %w : tensor<?x4xi32>, tensor<?x4xf32>
}

// CHECK-LABEL: @best
func.func @best(%keys: tensor<16x?xbf16>) -> (tensor<16x8xi32>, tensor<16x8xf32>) {
  // CHECK: moek.top_k %arg0 outs({{.+}}) : tensor<16x?xbf16> -> tensor<16x8xi32>, tensor<16x8xf32>
  %i, %v = moe.top_k %keys : tensor<16x?xbf16> -> tensor<16x8xi32>, tensor<16x8xf32>
  return %i, %v : tensor<16x8xi32>, tensor<16x8xf32>
}

// Indices are checked against the candidates, of which some have no rows.
// CHECK-LABEL: @grouped
func.func @grouped(%indices: tensor<?x2xi32>, %capacity: index) -> (tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>) {
  // CHECK-DAG: %[[LOW:.+]] = arith.constant -1 : index
  // CHECK-DAG: %[[HIGH:.+]] = arith.constant 10 : index
  // CHECK-DAG: %[[MOST:.+]] = arith.constant 2147483647 : index
  // CHECK: moek.require %{{.+}} le %[[MOST]], "T*K of moe.group"
  // CHECK: moek.check_indices %arg0 in %[[LOW]] to %[[HIGH]], "indices of moe.group"
  // CHECK: moek.group %arg0 capacity(%arg1) outs({{.+}}) : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %r, %s, %o = moe.group %indices capacity(%capacity) {num_candidates = 10}
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return %r, %s, %o : tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
}

// What computes in f64 has no kernel.
// CHECK-LABEL: @wide
// REMARK: routing.mlir:[[#@LINE+4]]:{{.+}} no kernel | Category:convert-moe-routing-to-moek | Remark="it computes in f64"
func.func @wide(%logits: tensor<?x16xf32>) -> (tensor<?x4xi32>, tensor<?x4xf64>) {
  // CHECK: moe.route
  // CHECK-NOT: moek.route
  %i, %w = moe.route %logits score(softmax) weights(score) : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf64>
  return %i, %w : tensor<?x4xi32>, tensor<?x4xf64>
}
