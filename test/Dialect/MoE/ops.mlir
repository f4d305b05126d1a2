// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s --emit-bytecode | moe-opt | FileCheck %s

// Every op in its shortest form and with every optional part.

// CHECK-LABEL: func.func @route(
// CHECK-SAME:    %[[LOGITS:.*]]: tensor<?x8xf32>)
// CHECK:         %indices, %weights = moe.route %[[LOGITS]] score(softmax) weights(score)
// CHECK-SAME:      : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
func.func @route(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %indices, %weights : tensor<?x2xi32>, tensor<?x2xf32>
}

// CHECK-LABEL: func.func @route_bias(
// CHECK-SAME:    %[[LOGITS:.*]]: tensor<?x16xf32>, %[[BIAS:.*]]: tensor<16xf32>)
// CHECK:         moe.route %[[LOGITS]] bias(%[[BIAS]] : tensor<16xf32>) score(sigmoid) weights(normalized)
// CHECK-SAME:      groups(4 keep 2 by top_sum 3) scale 2.500000e+00
// CHECK-SAME:      {epsilon = 9.9999999999999995E-21 : f64, top_p = 9.000000e-01 : f64}
// CHECK-SAME:      : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
func.func @route_bias(%logits: tensor<?x16xf32>, %bias: tensor<16xf32>) -> tensor<?x4xf32> {
  %indices, %weights = moe.route %logits bias(%bias : tensor<16xf32>) score(sigmoid) weights(normalized)
    groups(4 keep 2 by top_sum 3) scale 2.5 {epsilon = 1.0e-20, top_p = 0.9}
    : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  return %weights : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @route_keys(
// CHECK-SAME:    %[[LOGITS:.*]]: tensor<4x8xbf16>, %[[KEYS:.*]]: tensor<4x8xf64>)
// CHECK:         moe.route %[[LOGITS]] keys(%[[KEYS]] : tensor<4x8xf64>) score(identity) weights(softmax_selected)
// CHECK-SAME:      : tensor<4x8xbf16> -> tensor<4x8xi32>, tensor<4x8xf16>
func.func @route_keys(%logits: tensor<4x8xbf16>, %keys: tensor<4x8xf64>) -> tensor<4x8xf16> {
  %indices, %weights = moe.route %logits keys(%keys : tensor<4x8xf64>) score(identity) weights(softmax_selected)
    : tensor<4x8xbf16> -> tensor<4x8xi32>, tensor<4x8xf16>
  return %weights : tensor<4x8xf16>
}

// No token, one expert.
// CHECK-LABEL: func.func @route_unit(
// CHECK:         moe.route %{{.*}} score(identity) weights(unit) : tensor<0x1xf32> -> tensor<0x1xi32>, tensor<0x1xf32>
func.func @route_unit(%logits: tensor<0x1xf32>) -> tensor<0x1xi32> {
  %indices, %weights = moe.route %logits score(identity) weights(unit)
    : tensor<0x1xf32> -> tensor<0x1xi32>, tensor<0x1xf32>
  return %indices : tensor<0x1xi32>
}

// CHECK-LABEL: func.func @top_k(
// CHECK-SAME:    %[[KEYS:.*]]: tensor<16x?xf32>)
// CHECK:         %indices, %selected = moe.top_k %[[KEYS]] : tensor<16x?xf32> -> tensor<16x8xi32>, tensor<16x8xf32>
func.func @top_k(%keys: tensor<16x?xf32>) -> tensor<16x8xf32> {
  %indices, %selected = moe.top_k %keys : tensor<16x?xf32> -> tensor<16x8xi32>, tensor<16x8xf32>
  return %selected : tensor<16x8xf32>
}

// CHECK-LABEL: func.func @top_k_values(
// CHECK-SAME:    %[[KEYS:.*]]: tensor<?x9xf16>, %[[VALUES:.*]]: tensor<?x9xbf16>)
// CHECK:         moe.top_k %[[KEYS]] values(%[[VALUES]] : tensor<?x9xbf16>) : tensor<?x9xf16> -> tensor<?x3xi32>, tensor<?x3xf64>
func.func @top_k_values(%keys: tensor<?x9xf16>, %values: tensor<?x9xbf16>) -> tensor<?x3xf64> {
  %indices, %selected = moe.top_k %keys values(%values : tensor<?x9xbf16>)
    : tensor<?x9xf16> -> tensor<?x3xi32>, tensor<?x3xf64>
  return %selected : tensor<?x3xf64>
}

// CHECK-LABEL: func.func @group(
// CHECK-SAME:    %[[INDICES:.*]]: tensor<?x2xi32>)
// CHECK:         %row_slot, %slot_row, %offsets = moe.group %[[INDICES]]
// CHECK-SAME:      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
func.func @group(%indices: tensor<?x2xi32>) -> tensor<9xi32> {
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// CHECK-LABEL: func.func @group_bounds(
// CHECK-SAME:    %[[INDICES:.*]]: tensor<4x2xi32>, %[[CAPACITY:.*]]: index)
// CHECK:         moe.group %[[INDICES]] capacity(%[[CAPACITY]]) {num_candidates = 10 : i64}
// CHECK-SAME:      : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
func.func @group_bounds(%indices: tensor<4x2xi32>, %capacity: index) -> tensor<9xi32> {
  %row_slot, %slot_row, %offsets = moe.group %indices capacity(%capacity) {num_candidates = 10}
    : tensor<4x2xi32> -> tensor<8xi32>, tensor<4x2xi32>, tensor<9xi32>
  return %offsets : tensor<9xi32>
}

// CHECK-LABEL: func.func @dispatch(
// CHECK-SAME:    %[[X:.*]]: tensor<?x64xf32>, %[[ROW_SLOT:.*]]: tensor<?xi32>)
// CHECK:         moe.dispatch %[[X]][%[[ROW_SLOT]] by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xbf16>
func.func @dispatch(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) -> tensor<?x64xbf16> {
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xbf16>
  return %rows : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @combine(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x64xf32>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>)
// CHECK:         moe.combine %[[ROWS]][%[[SLOT_ROW]]] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
func.func @combine(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) -> tensor<?x64xf32> {
  %y = moe.combine %rows[%slot_row] : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @combine_weights(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<9x64xbf16>, %[[SLOT_ROW:.*]]: tensor<?x2xi32>, %[[WEIGHTS:.*]]: tensor<?x2xf32>)
// CHECK:         moe.combine %[[ROWS]][%[[SLOT_ROW]]] weights(%[[WEIGHTS]] : tensor<?x2xf32>)
// CHECK-SAME:      : tensor<9x64xbf16>, tensor<?x2xi32> -> tensor<?x64xbf16>
func.func @combine_weights(%rows: tensor<9x64xbf16>, %slot_row: tensor<?x2xi32>, %weights: tensor<?x2xf32>)
    -> tensor<?x64xbf16> {
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<9x64xbf16>, tensor<?x2xi32> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @grouped_matmul(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x64xf32>, %[[WEIGHTS:.*]]: tensor<8x64x80xbf16>, %[[OFFSETS:.*]]: tensor<9xi32>)
// CHECK:         moe.grouped_matmul %[[ROWS]], %[[WEIGHTS]], %[[OFFSETS]]
// CHECK-SAME:      : tensor<?x64xf32>, tensor<8x64x80xbf16>, tensor<9xi32> -> tensor<?x80xf32>
func.func @grouped_matmul(%rows: tensor<?x64xf32>, %weights: tensor<8x64x80xbf16>, %offsets: tensor<9xi32>)
    -> tensor<?x80xf32> {
  %result = moe.grouped_matmul %rows, %weights, %offsets
    : tensor<?x64xf32>, tensor<8x64x80xbf16>, tensor<9xi32> -> tensor<?x80xf32>
  return %result : tensor<?x80xf32>
}

// CHECK-LABEL: func.func @expert_ffn_dense(
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x64xf32>, %[[UP:.*]]: tensor<64x80xf32>, %[[DOWN:.*]]: tensor<80x32xf32>)
// CHECK:         moe.expert_ffn %[[ROWS]] up(%[[UP]] : tensor<64x80xf32>) down(%[[DOWN]] : tensor<80x32xf32>)
// CHECK-SAME:      activation(relu2) : tensor<?x64xf32> -> tensor<?x32xf32>
func.func @expert_ffn_dense(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>, %down: tensor<80x32xf32>)
    -> tensor<?x32xf32> {
  %result = moe.expert_ffn %rows up(%up : tensor<64x80xf32>) down(%down : tensor<80x32xf32>)
    activation(relu2) : tensor<?x64xf32> -> tensor<?x32xf32>
  return %result : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @expert_ffn_dense_biases(
// CHECK:         moe.expert_ffn %{{.*}} up(%{{.*}} : tensor<64x80xf32> bias %{{.*}} : tensor<80xf32>)
// CHECK-SAME:      down(%{{.*}} : tensor<80x64xf32> bias %{{.*}} : tensor<64xf32>) activation(gelu)
func.func @expert_ffn_dense_biases(%rows: tensor<?x64xf32>, %up: tensor<64x80xf32>, %up_bias: tensor<80xf32>,
    %down: tensor<80x64xf32>, %down_bias: tensor<64xf32>) -> tensor<?x64xf32> {
  %result = moe.expert_ffn %rows
    up(%up : tensor<64x80xf32> bias %up_bias : tensor<80xf32>)
    down(%down : tensor<80x64xf32> bias %down_bias : tensor<64xf32>)
    activation(gelu) : tensor<?x64xf32> -> tensor<?x64xf32>
  return %result : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @expert_ffn_full(
// CHECK-SAME:    %[[ROWS:[^ :]+]]: tensor<?x32xf32>, %[[OFFSETS:[^ :]+]]: tensor<9xi32>,
// CHECK-SAME:    %[[GATE:[^ :]+]]: tensor<8x32x24xf32>, %[[GATE_BIAS:[^ :]+]]: tensor<8x24xf32>,
// CHECK-SAME:    %[[UP:[^ :]+]]: tensor<8x32x24xf32>, %[[UP_BIAS:[^ :]+]]: tensor<8x24xf32>,
// CHECK-SAME:    %[[DOWN:[^ :]+]]: tensor<8x24x32xf32>, %[[DOWN_BIAS:[^ :]+]]: tensor<8x32xf32>)
// CHECK:         moe.expert_ffn %[[ROWS]], %[[OFFSETS]]
// CHECK-SAME:      gate(%[[GATE]] : tensor<8x32x24xf32> bias %[[GATE_BIAS]] : tensor<8x24xf32>)
// CHECK-SAME:      up(%[[UP]] : tensor<8x32x24xf32> bias %[[UP_BIAS]] : tensor<8x24xf32>)
// CHECK-SAME:      down(%[[DOWN]] : tensor<8x24x32xf32> bias %[[DOWN_BIAS]] : tensor<8x32xf32>)
// CHECK-SAME:      activation(silu) {alpha = 1.702000e+00 : f64, limit = 7.000000e+00 : f64, up_offset = 1.000000e+00 : f64}
// CHECK-SAME:      : tensor<?x32xf32>, tensor<9xi32> -> tensor<?x32xf32>
func.func @expert_ffn_full(%rows: tensor<?x32xf32>, %offsets: tensor<9xi32>,
    %gate: tensor<8x32x24xf32>, %gate_bias: tensor<8x24xf32>,
    %up: tensor<8x32x24xf32>, %up_bias: tensor<8x24xf32>,
    %down: tensor<8x24x32xf32>, %down_bias: tensor<8x32xf32>) -> tensor<?x32xf32> {
  %result = moe.expert_ffn %rows, %offsets
    gate(%gate : tensor<8x32x24xf32> bias %gate_bias : tensor<8x24xf32>)
    up(%up : tensor<8x32x24xf32> bias %up_bias : tensor<8x24xf32>)
    down(%down : tensor<8x24x32xf32> bias %down_bias : tensor<8x32xf32>)
    activation(silu) {alpha = 1.702, limit = 7.0, up_offset = 1.0}
    : tensor<?x32xf32>, tensor<9xi32> -> tensor<?x32xf32>
  return %result : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @activations(
func.func @activations(%rows: tensor<?x4xf32>, %up: tensor<4x6xf32>, %down: tensor<6x4xf32>) -> tensor<?x4xf32> {
  // CHECK: activation(none)
  %0 = moe.expert_ffn %rows up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(none) : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: activation(sigmoid)
  %1 = moe.expert_ffn %0 up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(sigmoid) : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: activation(gelu_tanh)
  %2 = moe.expert_ffn %1 up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(gelu_tanh) : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: activation(relu)
  %3 = moe.expert_ffn %2 up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(relu) : tensor<?x4xf32> -> tensor<?x4xf32>
  return %3 : tensor<?x4xf32>
}
