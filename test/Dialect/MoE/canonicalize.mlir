// RUN: moe-opt %s --canonicalize | FileCheck %s

// Each fold where it applies, then next to where it would be wrong.

// CHECK-LABEL: func.func @route_drops_neutral(
// CHECK:         moe.route %{{.*}} score(softmax) weights(normalized) : tensor
func.func @route_drops_neutral(%logits: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(normalized)
    groups(4 keep 4 by top_sum 1) scale 1.0 {epsilon = 0.0}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %weights : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @route_keeps_scale_and_epsilon(
// CHECK:         scale -1.000000e+00 {epsilon = 5.000000e-01 : f64}
func.func @route_keeps_scale_and_epsilon(%logits: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(normalized) scale -1.0 {epsilon = 0.5}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %weights : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @route_keeps_some_groups(
// CHECK:         groups(4 keep 3 by top_sum 1)
func.func @route_keeps_some_groups(%logits: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 3 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %weights : tensor<?x2xf32>
}

// A group with one admissible expert has rank -inf here, and is not kept.
// CHECK-LABEL: func.func @route_keeps_top_sum(
// CHECK:         groups(4 keep 4 by top_sum 2)
func.func @route_keeps_top_sum(%logits: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 4 by top_sum 2)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %weights : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @top_k_drops_values(
// CHECK-SAME:    %[[KEYS:.*]]: tensor<?x8xf32>)
// CHECK:         moe.top_k %[[KEYS]] : tensor
func.func @top_k_drops_values(%keys: tensor<?x8xf32>) -> tensor<?x2xbf16> {
  %indices, %selected = moe.top_k %keys values(%keys : tensor<?x8xf32>)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xbf16>
  return %selected : tensor<?x2xbf16>
}

// CHECK-LABEL: func.func @top_k_keeps_values(
// CHECK:         moe.top_k %{{.*}} values(%{{.*}} : tensor<?x8xf32>)
func.func @top_k_keeps_values(%keys: tensor<?x8xf32>, %values: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %indices, %selected = moe.top_k %keys values(%values : tensor<?x8xf32>)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %selected : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @group_drops_bounds(
// CHECK-NOT:     arith.constant
// CHECK:         moe.group %{{[^ ]+}} : tensor
func.func @group_drops_bounds(%indices: tensor<4x2xi32>) -> tensor<9xi32> {
  %eight = arith.constant 8 : index
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%eight) {num_candidates = 8}
    : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// CHECK-LABEL: func.func @group_keeps_bounds(
// CHECK:         %[[SEVEN:.*]] = arith.constant 7
// CHECK:         moe.group %{{.*}} capacity(%[[SEVEN]]) {num_candidates = 9 : i64}
func.func @group_keeps_bounds(%indices: tensor<4x2xi32>) -> tensor<9xi32> {
  %seven = arith.constant 7 : index
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%seven) {num_candidates = 9}
    : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// A negative capacity counts as 0.
// CHECK-LABEL: func.func @group_keeps_negative_capacity(
// CHECK:         capacity(
func.func @group_keeps_negative_capacity(%indices: tensor<4x2xi32>) -> tensor<9xi32> {
  %minus_one = arith.constant -1 : index
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%minus_one)
    : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// Any number of tokens: no constant is surely enough.
// CHECK-LABEL: func.func @group_keeps_capacity_of_dynamic(
// CHECK:         capacity(
func.func @group_keeps_capacity_of_dynamic(%indices: tensor<?x2xi32>) -> tensor<9xi32> {
  %many = arith.constant 1000000 : index
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%many)
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// CHECK-LABEL: func.func @group_keeps_unknown_capacity(
// CHECK:         capacity(
func.func @group_keeps_unknown_capacity(%indices: tensor<4x2xi32>, %capacity: index) -> tensor<9xi32> {
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%capacity)
    : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// CHECK-LABEL: func.func @combine_drops_ones(
// CHECK-NOT:     arith.constant
// CHECK:         moe.combine %{{[^ ]+}}[%{{[^ ]+}}] : tensor
func.func @combine_drops_ones(%rows: tensor<8x64xf32>, %slot_row: tensor<4x2xi32>) -> tensor<4x64xf32> {
  %ones = arith.constant dense<1.0> : tensor<4x2xbf16>
  %y = moe.combine %rows[%slot_row] weights(%ones : tensor<4x2xbf16>)
    : tensor<8x64xf32>, tensor<4x2xi32> -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// CHECK-LABEL: func.func @combine_keeps_halves(
// CHECK:         weights(
func.func @combine_keeps_halves(%rows: tensor<8x64xf32>, %slot_row: tensor<4x2xi32>) -> tensor<4x64xf32> {
  %halves = arith.constant dense<0.5> : tensor<4x2xf32>
  %y = moe.combine %rows[%slot_row] weights(%halves : tensor<4x2xf32>)
    : tensor<8x64xf32>, tensor<4x2xi32> -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// CHECK-LABEL: func.func @combine_keeps_one_and_half(
// CHECK:         weights(
func.func @combine_keeps_one_and_half(%rows: tensor<8x64xf32>, %slot_row: tensor<1x2xi32>) -> tensor<1x64xf32> {
  %weights = arith.constant dense<[[1.0, 0.5]]> : tensor<1x2xf32>
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<1x2xf32>)
    : tensor<8x64xf32>, tensor<1x2xi32> -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// Without the f64 weights the sum would run in f32.
// CHECK-LABEL: func.func @combine_keeps_f64_ones(
// CHECK:         weights(
func.func @combine_keeps_f64_ones(%rows: tensor<8x64xf32>, %slot_row: tensor<4x2xi32>) -> tensor<4x64xf32> {
  %ones = arith.constant dense<1.0> : tensor<4x2xf64>
  %y = moe.combine %rows[%slot_row] weights(%ones : tensor<4x2xf64>)
    : tensor<8x64xf32>, tensor<4x2xi32> -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

// CHECK-LABEL: func.func @combine_drops_unit_route(
// CHECK-SAME:    %[[LOGITS:.*]]: tensor<?x8xf32>, %[[ROWS:.*]]: tensor<?x64xf32>)
// CHECK:         %[[INDICES:.*]], %{{.*}} = moe.route %[[LOGITS]]
// CHECK:         %{{.*}}, %[[SLOT_ROW:.*]], %{{.*}} = moe.group %[[INDICES]]
// CHECK:         moe.combine %[[ROWS]][%[[SLOT_ROW]]] : tensor
func.func @combine_drops_unit_route(%logits: tensor<?x8xf32>, %rows: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(unit) {top_p = 0.5}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @combine_keeps_scaled_route(
// CHECK:         moe.combine %{{.*}} weights(
func.func @combine_keeps_scaled_route(%logits: tensor<?x8xf32>, %rows: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(unit) scale 2.0
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// A slot that the route cut has weight 0 and could have a row of other indices.
// CHECK-LABEL: func.func @combine_keeps_foreign_slots(
// CHECK:         moe.combine %{{.*}} weights(
func.func @combine_keeps_foreign_slots(%logits: tensor<?x8xf32>, %other: tensor<?x2xi32>, %rows: tensor<?x64xf32>)
    -> tensor<?x64xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(unit)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %other
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @combine_keeps_f64_unit_route(
// CHECK:         moe.combine %{{.*}} weights(
func.func @combine_keeps_f64_unit_route(%logits: tensor<?x8xf32>, %rows: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %indices, %weights = moe.route %logits score(softmax) weights(unit)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf64>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf64>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @expert_ffn_drops_neutral(
// CHECK:         activation(silu) : tensor
func.func @expert_ffn_drops_neutral(%rows: tensor<?x4xf32>, %gate: tensor<4x6xf32>, %up: tensor<4x6xf32>,
    %down: tensor<6x4xf32>) -> tensor<?x4xf32> {
  %result = moe.expert_ffn %rows
    gate(%gate : tensor<4x6xf32>) up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(silu) {alpha = 1.0, limit = 0x7FF0000000000000 : f64, up_offset = 0.0}
    : tensor<?x4xf32> -> tensor<?x4xf32>
  return %result : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @expert_ffn_keeps_attributes(
// CHECK:         activation(silu) {alpha = -1.000000e+00 : f64, limit = 1.000000e+00 : f64, up_offset = 5.000000e-01 : f64}
func.func @expert_ffn_keeps_attributes(%rows: tensor<?x4xf32>, %gate: tensor<4x6xf32>, %up: tensor<4x6xf32>,
    %down: tensor<6x4xf32>) -> tensor<?x4xf32> {
  %result = moe.expert_ffn %rows
    gate(%gate : tensor<4x6xf32>) up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(silu) {alpha = -1.0, limit = 1.0, up_offset = 0.5}
    : tensor<?x4xf32> -> tensor<?x4xf32>
  return %result : tensor<?x4xf32>
}

// Every op is without side effects: what nobody uses goes.
// CHECK-LABEL: func.func @unused(
// CHECK-NEXT:    return
func.func @unused(%logits: tensor<?x8xf32>, %x: tensor<?x4xf32>, %gate: tensor<8x4x4xf32>) {
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %best, %values = moe.top_k %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %products = moe.grouped_matmul %rows, %gate, %offsets
    : tensor<?x4xf32>, tensor<8x4x4xf32>, tensor<9xi32> -> tensor<?x4xf32>
  %out = moe.expert_ffn %products, %offsets up(%gate : tensor<8x4x4xf32>) down(%gate : tensor<8x4x4xf32>)
    activation(relu) : tensor<?x4xf32>, tensor<9xi32> -> tensor<?x4xf32>
  %y = moe.combine %out[%slot_row] : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>
  return
}
