// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize --cse | FileCheck %s

// One pass over the keys a slot, from the one found before on.

// CHECK-LABEL: @top_k
// CHECK-SAME: %[[KEYS:.+]]: tensor<?x?xf32>
func.func @top_k(%keys: tensor<?x?xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  // CHECK-DAG: %[[ABOVE:.+]] = arith.constant 0x7F800000 : f32
  // CHECK-DAG: %[[BELOW:.+]] = arith.constant 0xFF800000 : f32
  // CHECK: scf.for %[[ROW:.+]] = %{{.+}} to %{{.+}} step %{{.+}} iter_args
  // CHECK:   scf.for {{.*}} iter_args(%{{.+}} = %{{.+}}, %{{.+}} = %{{.+}}, %[[LAST:.+]] = %[[ABOVE]], %[[AT:.+]] = %{{.+}})
  // CHECK:     scf.for %[[COLUMN:.+]] = %{{.+}} iter_args(%[[BEST:.+]] = %[[BELOW]], %{{.+}} = %{{.+}})
  // CHECK:       %[[KEY:.+]] = tensor.extract %[[KEYS]][%[[ROW]], %[[COLUMN]]]
  // Smaller, or equal and later; greater than the best, which NaN never is.
  // CHECK-DAG:   arith.cmpf olt, %[[KEY]], %[[LAST]]
  // CHECK-DAG:   arith.cmpf oeq, %[[KEY]], %[[LAST]]
  // CHECK-DAG:   arith.cmpi sgt, %[[COLUMN]], %[[AT]]
  // CHECK-DAG:   arith.cmpf ogt, %[[KEY]], %[[BEST]]
  %indices, %selected = moe.top_k %keys : tensor<?x?xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %indices, %selected : tensor<?x2xi32>, tensor<?x2xf32>
}

// Scores in f32, whatever the logits; the weights of slots not in use are 0.

// CHECK-LABEL: @route
// CHECK-NOT: moe.
func.func @route(%logits: tensor<?x8xbf16>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  // CHECK: arith.extf %{{.+}} : bf16 to f32
  // CHECK: arith.maximumf
  // CHECK: math.exp
  // CHECK: arith.divf
  // CHECK: scf.for
  // CHECK: arith.divf
  // CHECK: arith.cmpi sge
  // CHECK: arith.select
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
      : tensor<?x8xbf16> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %indices, %weights : tensor<?x2xi32>, tensor<?x2xf32>
}

// CHECK-LABEL: @f64
// CHECK-NOT: f32
// CHECK: arith.addf {{.+}} : f64
// CHECK-NOT: f32
func.func @f64(%logits: tensor<3x8xf64>, %bias: tensor<8xf64>) -> (tensor<3x2xi32>, tensor<3x2xf64>) {
  %indices, %weights = moe.route %logits bias(%bias : tensor<8xf64>) score(sigmoid) weights(score)
      : tensor<3x8xf64> -> tensor<3x2xi32>, tensor<3x2xf64>
  return %indices, %weights : tensor<3x2xi32>, tensor<3x2xf64>
}
