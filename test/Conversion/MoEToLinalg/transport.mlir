// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize | FileCheck %s

// The potentials are state of a loop, each step writes its own one in place; the largest
// exponent is subtracted first. Here the last step is that of the rows.

// CHECK-LABEL: func.func @sinkhorn(
// CHECK-SAME:    %[[SCORES:.*]]: tensor<?x3xf32>, %[[TAU:.*]]: f32, %[[ROW:.*]]: tensor<?xf32>)
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant 0xFF800000 : f32
// CHECK-DAG:     %[[ITERATIONS:.*]] = arith.constant 7 : index
// CHECK:         %[[A:.*]] = linalg.generic {{.*}} ins(%[[SCORES]] : tensor<?x3xf32>)
// CHECK:           arith.divf %{{.*}}, %[[TAU]]
// CHECK:         %[[LOG_ROW:.*]] = linalg.generic {{.*}} ins(%[[ROW]] : tensor<?xf32>)
// CHECK:           math.log
// CHECK:         %[[MEAN:.*]] = math.log %{{.*}} : f32
// CHECK:         %[[LOG_COL:.*]] = linalg.fill ins(%[[MEAN]] : f32)
// CHECK:         %[[FG:.*]]:2 = scf.for %{{.*}} to %[[ITERATIONS]] {{.*}} iter_args(%[[F:.*]] = %{{.*}}, %[[G:.*]] = %{{.*}})
// CHECK:           linalg.generic {{.*}} ins(%[[A]], %[[F]] : {{.*}}
// CHECK:             arith.maximumf
// CHECK:           linalg.generic {{.*}} ins(%[[A]], %[[F]], %{{.*}} : {{.*}}
// CHECK:             math.exp
// CHECK:           %[[NEW_G:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[LOG_COL]] : {{.*}}) outs(%[[G]] : tensor<3xf32>)
// CHECK:             %[[FLOW:.*]] = arith.addf
// CHECK:             arith.cmpf oeq, %[[FLOW]], %[[LOWEST]]
// CHECK:           linalg.generic {{.*}} ins(%[[A]], %[[NEW_G]] : {{.*}}
// CHECK:             arith.maximumf
// CHECK:           %[[NEW_F:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[LOG_ROW]] : {{.*}}) outs(%[[F]] : tensor<?xf32>)
// CHECK:           scf.yield %[[NEW_F]], %[[NEW_G]]
// CHECK:         linalg.generic {{.*}} ins(%[[A]], %[[FG]]#0, %[[FG]]#1 : {{.*}}
// CHECK:           %[[P:.*]] = math.exp
// CHECK:           arith.truncf %[[P]] : f32 to f16
func.func @sinkhorn(%scores: tensor<?x3xf32>, %tau: f32, %row: tensor<?xf32>) -> tensor<?x3xf16> {
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<?xf32>) iterations 7
    final(row) : tensor<?x3xf32> -> tensor<?x3xf16>
  return %plan : tensor<?x3xf16>
}

// The runtime compares f32 and f64, which hold the narrow types.

// CHECK-LABEL: func.func @assign(
// CHECK-SAME:    %[[SCORES:.*]]: tensor<?x3xbf16>, %[[CAPACITY:.*]]: tensor<3xi32>)
// CHECK:         %[[WIDE:.*]] = linalg.generic {{.*}} ins(%[[SCORES]] : tensor<?x3xbf16>)
// CHECK:         %[[N:.*]] = tensor.dim %[[SCORES]]
// CHECK:         %[[INIT:.*]] = tensor.empty(%[[N]]) : tensor<?xi32>
// CHECK:         moek.assign exact %[[WIDE]], %[[CAPACITY]] outs(%[[INIT]] : tensor<?xi32>) : tensor<?x3xf32>, tensor<3xi32> -> tensor<?xi32>
func.func @assign(%scores: tensor<?x3xbf16>, %capacity: tensor<3xi32>) -> tensor<?xi32> {
  %member = moe.assign %scores, %capacity method(exact)
    : tensor<?x3xbf16>, tensor<3xi32> -> tensor<?xi32>
  return %member : tensor<?xi32>
}

// CHECK-LABEL: func.func @assign_f64(
// CHECK-SAME:    %[[SCORES:.*]]: tensor<5x2xf64>, %[[CAPACITY:.*]]: tensor<2xi32>)
// CHECK:         moek.assign %[[SCORES]], %[[CAPACITY]] outs(
func.func @assign_f64(%scores: tensor<5x2xf64>, %capacity: tensor<2xi32>) -> tensor<5xi32> {
  %member = moe.assign %scores, %capacity method(greedy)
    : tensor<5x2xf64>, tensor<2xi32> -> tensor<5xi32>
  return %member : tensor<5xi32>
}

// Forward, the hard operand.

// CHECK-LABEL: func.func @straight_through(
// CHECK-SAME:    %[[HARD:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xf32>)
// CHECK-NEXT:    return %[[HARD]]
func.func @straight_through(%hard: tensor<4xf32>, %soft: tensor<4xf32>) -> tensor<4xf32> {
  %0 = moe.straight_through %hard, %soft : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
