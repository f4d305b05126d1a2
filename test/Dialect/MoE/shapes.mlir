// RUN: moe-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s

// The size of a result follows from the operands; the op itself is not needed for it.

// CHECK: #[[$TWICE:.*]] = affine_map<()[s0] -> (s0 * 2)>

// CHECK-LABEL: func.func @route(
// CHECK-SAME:    %[[LOGITS:.*]]: tensor<?x8xf32>)
// CHECK:         %[[T:.*]] = tensor.dim %[[LOGITS]], %c0
// CHECK-NEXT:    return %[[T]], %[[T]]
func.func @route(%logits: tensor<?x8xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %0 = tensor.dim %indices, %c0 : tensor<?x2xi32>
  %1 = tensor.dim %weights, %c0 : tensor<?x2xf32>
  return %0, %1 : index, index
}

// CHECK-LABEL: func.func @top_k(
// CHECK-SAME:    %[[KEYS:.*]]: tensor<?x?xf32>)
// CHECK:         %[[N:.*]] = tensor.dim %[[KEYS]], %c0
// CHECK-NEXT:    return %[[N]], %[[N]]
func.func @top_k(%keys: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %indices, %selected = moe.top_k %keys : tensor<?x?xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %0 = tensor.dim %indices, %c0 : tensor<?x2xi32>
  %1 = tensor.dim %selected, %c0 : tensor<?x2xf32>
  return %0, %1 : index, index
}

// CHECK-LABEL: func.func @group(
// CHECK-SAME:    %[[INDICES:.*]]: tensor<?x2xi32>)
// CHECK:         %[[T:.*]] = tensor.dim %[[INDICES]], %c0
// CHECK:         %[[S:.*]] = affine.apply #[[$TWICE]]()[%[[T]]]
// CHECK:         return %[[S]], %[[T]]
func.func @group(%indices: tensor<?x2xi32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %0 = tensor.dim %row_slot, %c0 : tensor<?xi32>
  %1 = tensor.dim %slot_row, %c0 : tensor<?x2xi32>
  return %0, %1 : index, index
}

// A static operand makes a constant.
// CHECK-LABEL: func.func @group_static(
// CHECK-NEXT:    %[[S:.*]] = arith.constant 8 : index
// CHECK-NEXT:    return %[[S]]
func.func @group_static(%indices: tensor<4x2xi32>) -> index {
  %c0 = arith.constant 0 : index
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<4x2xi32> -> tensor<?xi32>, tensor<4x2xi32>, tensor<9xi32>
  %0 = tensor.dim %row_slot, %c0 : tensor<?xi32>
  return %0 : index
}

// CHECK-LABEL: func.func @dispatch(
// CHECK-SAME:    %{{.*}}: tensor<?x64xf32>, %[[ROW_SLOT:.*]]: tensor<?xi32>)
// CHECK:         %[[S:.*]] = tensor.dim %[[ROW_SLOT]], %c0
// CHECK-NEXT:    return %[[S]]
func.func @dispatch(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) -> index {
  %c0 = arith.constant 0 : index
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %0 = tensor.dim %rows, %c0 : tensor<?x64xf32>
  return %0 : index
}

// CHECK-LABEL: func.func @combine(
// CHECK-SAME:    %{{.*}}: tensor<?x64xf32>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>)
// CHECK:         %[[T:.*]] = tensor.dim %[[SLOT_ROW]], %c0
// CHECK-NEXT:    return %[[T]]
func.func @combine(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) -> index {
  %c0 = arith.constant 0 : index
  %y = moe.combine %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  %0 = tensor.dim %y, %c0 : tensor<?x64xf32>
  return %0 : index
}

// CHECK-LABEL: func.func @grouped_matmul(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x64xf32>, %{{.*}}: tensor<8x64x80xf32>
// CHECK:         %[[S:.*]] = tensor.dim %[[ROWS]], %c0
// CHECK-NEXT:    return %[[S]]
func.func @grouped_matmul(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xf32>, %offsets: tensor<9xi32>) -> index {
  %c0 = arith.constant 0 : index
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xf32>, tensor<9xi32> -> tensor<?x80xf32>
  %0 = tensor.dim %result, %c0 : tensor<?x80xf32>
  return %0 : index
}

// CHECK-LABEL: func.func @expert_ffn(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x64xf32>, %{{.*}}: tensor<64x80xf32>
// CHECK:         %[[S:.*]] = tensor.dim %[[ROWS]], %c0
// CHECK-NEXT:    return %[[S]]
func.func @expert_ffn(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>, %down: tensor<80x32xf32>) -> index {
  %c0 = arith.constant 0 : index
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x32xf32>)
    activation(relu) : tensor<?x64xf32> -> tensor<?x32xf32>
  %0 = tensor.dim %result, %c0 : tensor<?x32xf32>
  return %0 : index
}
