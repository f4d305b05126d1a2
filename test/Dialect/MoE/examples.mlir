// RUN: %python %S/Inputs/fill-examples.py %s %dialects/MoE/IR/RoutingOps.td %dialects/MoE/IR/ExpertOps.td \
// RUN:   | moe-opt --verify-roundtrip -o /dev/null

// The examples in the ops' documentation. A function declares what the example uses.

func.func @route(%logits: tensor<?x256xf32>, %bias: tensor<256xf32>) {
  // EXAMPLE route
  return
}

func.func @top_k(%by_expert: tensor<16x?xf32>) {
  // EXAMPLE top_k
  return
}

func.func @group(%indices: tensor<?x1xi32>) {
  // EXAMPLE group
  return
}

func.func @dispatch(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // EXAMPLE dispatch
  return
}

func.func @combine(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>, %weights: tensor<?x2xf32>) {
  // EXAMPLE combine
  return
}

func.func @grouped_matmul(%rows: tensor<?x64xf32>, %w_up: tensor<8x64x80xf32>, %offsets: tensor<9xi32>) {
  // EXAMPLE grouped_matmul
  return
}

func.func @grouped_matmul_wgrad(%rows: tensor<?x64xf32>, %drows: tensor<?x80xf32>, %offsets: tensor<9xi32>) {
  // EXAMPLE grouped_matmul_wgrad
  return
}

func.func @expert_ffn(%rows: tensor<?x32xf32>, %offsets: tensor<9xi32>,
    %w_gate: tensor<8x32x24xf32>, %b_gate: tensor<8x24xf32>,
    %w_up: tensor<8x32x24xf32>, %b_up: tensor<8x24xf32>,
    %w_down: tensor<8x24x32xf32>, %b_down: tensor<8x32xf32>) {
  // EXAMPLE expert_ffn
  return
}
