// RUN: moe-opt %s --moe-decompose --canonicalize --cse | FileCheck %s

// Nodes are rows of matrix products and slots between them. What is masked is chosen away,
// not multiplied by 0; the last product is added to the nodes in place; y is rounded once.

// CHECK-DAG:   #[[$NODE:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG:   #[[$RECEIVER:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG:   #[[$SENDER:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-DAG:   #[[$EDGE:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>

// CHECK-LABEL: func.func @one_step(
// CHECK-SAME:    %[[SLOTS:.*]]: tensor<?x2x8xf32>, %[[WEIGHTS:.*]]: tensor<?x2xf32>, %[[X:.*]]: tensor<?x8xf32>, %[[MASK:.*]]: tensor<?x2xi32>, %[[EDGES:.*]]: tensor<2x2xf32>,
// CHECK-DAG:     %[[SHARE:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[NODES:.*]] = linalg.generic {{.*}} ins(%[[SLOTS]], %[[WEIGHTS]], %[[X]], %[[MASK]] :
// CHECK:           %[[WEIGHTED:.*]] = arith.mulf
// CHECK:           %[[PART:.*]] = arith.mulf %{{.*}}, %[[SHARE]]
// CHECK:           %[[SUM:.*]] = arith.addf %[[WEIGHTED]], %[[PART]]
// CHECK:           arith.select %{{.*}}, %[[SUM]], %[[ZERO]]
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[NODES]] {{\[\[}}0, 1], [2]]
// CHECK:         math.sqrt
// CHECK:         %[[NARROW:.*]] = linalg.matmul
// CHECK:         %[[PARTS:.*]] = linalg.matmul ins(%[[NARROW]],
// CHECK:         %[[CUBE:.*]] = tensor.expand_shape %[[PARTS]]
// CHECK:         %[[A:.*]] = tensor.extract_slice %[[CUBE]][0, 0, 0]
// CHECK:         %[[B:.*]] = tensor.extract_slice %[[CUBE]][0, 0, 4]
// CHECK:         %[[P:.*]] = tensor.extract_slice %[[CUBE]][0, 0, 8]
// CHECK:         %[[Q:.*]] = tensor.extract_slice %[[CUBE]][0, 0, 12]
// CHECK:         %[[MESSAGES:.*]] = linalg.generic
// CHECK-SAME:      indexing_maps = [#[[$RECEIVER]], #[[$SENDER]], #[[$RECEIVER]], #[[$SENDER]], #[[$EDGE]],
// CHECK-SAME:      ins(%[[A]], %[[B]], %[[P]], %[[Q]], %[[EDGES]], %[[MASK]], %[[MASK]] :
// CHECK:           math.exp
// CHECK:           %[[NEXT:.*]] = arith.addf %[[OLD:out]], %{{.*}}
// CHECK:           %[[BOTH:.*]] = arith.andi
// CHECK:           arith.select %[[BOTH]], %[[NEXT]], %[[OLD]]
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %[[MESSAGES]]
// CHECK:         linalg.matmul ins(%[[FLAT]], %{{.*}} : {{.*}}) outs(%[[ROWS]] : tensor<?x8xf32>)
// CHECK:         arith.select
// CHECK:         arith.truncf %{{.*}} : f32 to bf16
// CHECK-NOT:     moe.
func.func @one_step(
    %slots: tensor<?x2x8xf32>, %weights: tensor<?x2xf32>, %x: tensor<?x8xf32>,
    %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>, %gamma: tensor<1x8xf32>,
    %down: tensor<1x8x4xf32>, %message: tensor<1x4x16xf32>, %up: tensor<1x4x8xf32>)
    -> tensor<?x8xbf16> {
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
    residual(%x : tensor<?x8xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
    norm rms(%gamma : tensor<1x8xf32>) down(%down : tensor<1x8x4xf32>)
    message sigmoid(%message : tensor<1x4x16xf32>) up(%up : tensor<1x4x8xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<?x2x8xf32> -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// What is absent costs nothing. Three products a depth.

// CHECK-LABEL: func.func @two_steps(
// CHECK-NOT:     arith.select
// CHECK-COUNT-6: linalg.matmul
// CHECK-NOT:     linalg.matmul
// CHECK-NOT:     arith.select
// CHECK:         return
func.func @two_steps(
    %slots: tensor<5x3x8xf64>, %gamma: tensor<2x8xf32>, %down: tensor<2x8x4xf32>,
    %message: tensor<2x4x16xf32>, %up: tensor<2x4x8xf32>) -> tensor<5x8xf64> {
  %y = moe.dag_aggregate %slots
    norm layer(%gamma : tensor<2x8xf32>) down(%down : tensor<2x8x4xf32>)
    message silu(%message : tensor<2x4x16xf32>) up(%up : tensor<2x4x8xf32>)
    {epsilon = 1.0e-6 : f64} : tensor<5x3x8xf64> -> tensor<5x8xf64>
  return %y : tensor<5x8xf64>
}
