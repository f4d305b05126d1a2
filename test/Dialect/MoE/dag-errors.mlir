// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @collect_c1(%rows: tensor<?x?xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{rows: dimension 1 must be static and at least 1, got ?}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x?xf32>, tensor<?x2xi32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @collect_c2(%rows: tensor<?x64xf32>, %slot_row: tensor<?x?xi32>) {
  // expected-error @+1 {{slot_row: dimension 1 must be static and at least 1, got ?}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x64xf32>, tensor<?x?xi32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @collect_c3(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{slots: expected [?, 2, 64], got [?, 3, 64]}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x3x64xf32>
  return
}

// -----

func.func @collect_c3_tokens(%rows: tensor<?x64xf32>, %slot_row: tensor<5x2xi32>) {
  // expected-error @+1 {{slots: expected [5, 2, 64], got [4, 2, 64]}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x64xf32>, tensor<5x2xi32> -> tensor<4x2x64xf32>
  return
}

// -----

func.func @collect_c3_dynamic(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{slots: dimension 1 must be static and at least 1, got ?}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x?x64xf32>
  return
}

// -----

func.func @collect_c3_dynamic_width(%rows: tensor<?x64xf32>, %slot_row: tensor<?x2xi32>) {
  // expected-error @+1 {{slots: dimension 2 must be static and at least 1, got ?}}
  %slots = moe.collect %rows[%slot_row]
      : tensor<?x64xf32>, tensor<?x2xi32> -> tensor<?x2x?xf32>
  return
}

// -----

func.func @dag_aggregate_c1(%slots: tensor<?x?x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{slots: dimension 1 must be static and at least 1, got ?}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x?x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c1_width(%slots: tensor<?x2x0xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{slots: dimension 2 must be static and at least 1, got 0}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x0xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c2(%slots: tensor<?x2x64xf32>, %weights: tensor<?x3xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{weights: expected [?, 2], got [?, 3]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x3xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c2_tokens(%slots: tensor<4x2x64xf32>, %weights: tensor<5x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{weights: expected [4, 2], got [5, 2]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<5x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<4x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c3(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x32xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{residual: expected [?, 64], got [?, 32]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x32xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c4(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x?xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{mask: dimension 1 must be static and at least 1, got ?}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x?xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c5(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x3xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{edges: expected [2, 2], got [2, 3]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x3xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c5_dynamic(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<?x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{edges: expected [2, 2], got [?, 2]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<?x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c6(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x32xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{gamma: expected [3, 64], got [3, 32]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x32xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c6_dynamic(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<?x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{gamma: dimension 0 must be static, got ?}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<?x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c7(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<2x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{down: expected [3, 64, 16], got [2, 64, 16]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<2x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c7_empty(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x0xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{down: dimension 2 must be static and at least 1, got 0}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x0xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c8(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x48xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{message: expected [3, 16, 64], got [3, 16, 48]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x48xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c9(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x64x16xf32>) {
  // expected-error @+1 {{up: expected [3, 16, 64], got [3, 64, 16]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x64x16xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c10(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{epsilon: expected a finite value >= 0, got -1.0}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = -1.0 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c10_nan(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{epsilon: expected a finite value >= 0, got nan}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 0x7FF8000000000000 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c11(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{residual_scale needs a residual}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64, residual_scale = 0.5 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c11_infinite(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{residual_scale: expected a finite value, got INF}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64, residual_scale = 0x7FF0000000000000 : f64} : tensor<?x2x64xf32> -> tensor<?x64xf32>
  return
}

// -----

func.func @dag_aggregate_c12(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{y: expected [?, 64], got [?, 32]}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x32xf32>
  return
}

// -----

func.func @dag_aggregate_c12_dynamic(%slots: tensor<?x2x64xf32>, %weights: tensor<?x2xf32>,
    %x: tensor<?x64xf32>, %mask: tensor<?x2xi32>, %edges: tensor<2x2xf32>,
    %gamma: tensor<3x64xf32>, %down: tensor<3x64x16xf32>,
    %message: tensor<3x16x64xf32>, %up: tensor<3x16x64xf32>) {
  // expected-error @+1 {{y: dimension 1 must be static and at least 1, got ?}}
  %y = moe.dag_aggregate %slots weights(%weights : tensor<?x2xf32>)
      residual(%x : tensor<?x64xf32>) mask(%mask : tensor<?x2xi32>) edges(%edges : tensor<2x2xf32>)
      norm rms(%gamma : tensor<3x64xf32>) down(%down : tensor<3x64x16xf32>)
      message silu(%message : tensor<3x16x64xf32>) up(%up : tensor<3x16x64xf32>)
      {epsilon = 1.0e-6 : f64} : tensor<?x2x64xf32> -> tensor<?x?xf32>
  return
}
