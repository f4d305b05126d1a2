// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @group_c1(%indices: tensor<?x?xi32>) {
  // expected-error @+1 {{indices: dimension 1 must be static and at least 1, got ?}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x?xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c2(%indices: tensor<4x2xi32>) {
  // expected-error @+1 {{row_slot: expected [8], got [7]}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<4x2xi32> -> tensor<7xi32>, tensor<4x2xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c2_overflow(%indices: tensor<4611686018427387904x4xi32>) {
  // expected-error @+1 {{row_slot: expected [9223372036854775807], got [0]}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<4611686018427387904x4xi32> -> tensor<0xi32>, tensor<4611686018427387904x4xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c3(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{slot_row: expected [?, 2], got [?, 3]}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x3xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c3_dynamic(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{slot_row: dimension 1 must be static and at least 1, got ?}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x?xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c4(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{offsets: expected [E+1] with static E >= 1, got 'tensor<?xi32>'}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<?xi32>
  return
}

// -----

func.func @group_c4_no_experts(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{offsets: expected [E+1] with static E >= 1, got 'tensor<1xi32>'}}
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<1xi32>
  return
}

// -----

func.func @group_c5(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{num_candidates: expected at least 8, got 7}}
  %row_slot, %slot_row, %offsets = moe.group %indices {num_candidates = 7}
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return
}

// -----

func.func @group_c5_negative(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{num_candidates: expected at least 8, got -1}}
  %row_slot, %slot_row, %offsets = moe.group %indices {num_candidates = -1}
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return
}

// -----

func.func @dispatch_c1(%x: tensor<?x?xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{x: dimension 1 must be static and at least 1, got ?}}
  %rows = moe.dispatch %x[%row_slot by 2]
    : tensor<?x?xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dispatch_c1_empty(%x: tensor<?x0xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{x: dimension 1 must be static and at least 1, got 0}}
  %rows = moe.dispatch %x[%row_slot by 2]
    : tensor<?x0xf32>, tensor<?xi32> -> tensor<?x0xf32>
  return
}

// -----

func.func @dispatch_c2(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{expected at least 1 slot a token, got 0}}
  %rows = moe.dispatch %x[%row_slot by 0]
    : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dispatch_c2_negative(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{expected at least 1 slot a token, got -2}}
  %rows = moe.dispatch %x[%row_slot by -2]
    : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dispatch_c3(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{rows: expected [?, 64], got [?, 32]}}
  %rows = moe.dispatch %x[%row_slot by 2]
    : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x32xf32>
  return
}

// -----

func.func @dispatch_c3_dynamic(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %rows = moe.dispatch %x[%row_slot by 2]
    : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x?xf32>
  return
}

// -----

func.func @dispatch_c3_rows(%x: tensor<?x64xf32>, %row_slot: tensor<8xi32>) {
  // expected-error @+1 {{rows: expected [8, 64], got [7, 64]}}
  %rows = moe.dispatch %x[%row_slot by 2]
    : tensor<?x64xf32>, tensor<8xi32> -> tensor<7x64xf32>
  return
}

// -----

func.func @combine_c1(%rows: tensor<?x?xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %y = moe.combine %rows[%slot_row]
    : tensor<?x?xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @combine_c2(%rows: tensor<?x64xf32>, %slot_row: tensor<?x?xi32>) {
  // expected-error @+1 {{slot_row: dimension 1 must be static and at least 1, got ?}}
  %y = moe.combine %rows[%slot_row]
    : tensor<?x64xf32>, tensor<?x?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @combine_c3(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>,
    %weights: tensor<?x3xf32>) {
  // expected-error @+1 {{weights: expected [?, 2], got [?, 3]}}
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x3xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @combine_c3_dynamic(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>,
    %weights: tensor<?x?xf32>) {
  // expected-error @+1 {{weights: dimension 1 must be static and at least 1, got ?}}
  %y = moe.combine %rows[%slot_row] weights(%weights : tensor<?x?xf32>)
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @combine_c4(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{y: expected [?, 64], got [?, 32]}}
  %y = moe.combine %rows[%slot_row]
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x32xf32>
  return
}

// -----

func.func @combine_c4_dynamic(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{y: dimension 1 must be static and at least 1, got ?}}
  %y = moe.combine %rows[%slot_row]
    : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x?xf32>
  return
}

// -----

func.func @combine_c4_tokens(%rows: tensor<?x64xf32>, %slot_row: tensor<4x2xi32>) {
  // expected-error @+1 {{y: expected [4, 64], got [5, 64]}}
  %y = moe.combine %rows[%slot_row]
    : tensor<?x64xf32>, tensor<4x2xi32> -> tensor<5x64xf32>
  return
}
