// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @sinkhorn_c1(%scores: tensor<12x?xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  // expected-error @+1 {{scores: dimension 1 must be static and at least 1, got ?}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x?xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c2(%scores: tensor<12x3xf64>, %tau: f32) {
  // expected-error @+1 {{the temperature is f64 for f64 scores, f32 for others}}
  %plan = "moe.sinkhorn"(%scores, %tau) <{iterations = 5 : i64, final_step = 0 : i32,
      operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (tensor<12x3xf64>, f32) -> tensor<12x3xf64>
  return
}

// -----

// expected-note @+1 {{prior use here}}
func.func @sinkhorn_c2_syntax(%scores: tensor<12x3xf32>, %tau: f64) {
  // expected-error @+1 {{use of value '%tau' expects different type than prior uses: 'f32' vs 'f64'}}
  %plan = moe.sinkhorn %scores temperature(%tau) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c3(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<11xf32>, %col: tensor<3xf32>) {
  // expected-error @+1 {{row: expected [12], got [11]}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<11xf32>)
      col(%col : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c4(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<4xf32>) {
  // expected-error @+1 {{col: expected [3], got [4]}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<4xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c4_dynamic(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<?xf32>) {
  // expected-error @+1 {{col: expected [3], got [?]}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<?xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c5(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  // expected-error @+1 {{iterations: expected at least 1, got 0}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<3xf32>) iterations 0 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c6(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  %ones = arith.constant dense<1.0> : tensor<12xf32>
  %fives = arith.constant dense<5.0> : tensor<3xf32>
  // expected-error @+1 {{marginals: expected equal sums, got 1.200000e+01 for rows and 1.500000e+01 for columns}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%ones : tensor<12xf32>)
      col(%fives : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c6_negative(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  %minus = arith.constant dense<-1.0> : tensor<12xf32>
  // expected-error @+1 {{row: expected finite values >= 0, got -1.0}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%minus : tensor<12xf32>)
      col(%col : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c6_absent(%scores: tensor<12x3xf32>, %tau: f32) {
  %col = arith.constant dense<[4.0, 4.0, 4.5]> : tensor<3xf32>
  // expected-error @+1 {{marginals: expected equal sums, got 1.200000e+01 for rows and 1.250000e+01 for columns}}
  %plan = moe.sinkhorn %scores temperature(%tau) col(%col : tensor<3xf32>) iterations 5 final(row)
      : tensor<12x3xf32> -> tensor<12x3xf32>
  return
}

// -----

func.func @sinkhorn_c7(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  // expected-error @+1 {{plan: expected [12, 3], got [12, 4]}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x4xf32>
  return
}

// -----

func.func @sinkhorn_c7_dynamic(%scores: tensor<12x3xf32>, %tau: f32,
    %row: tensor<12xf32>, %col: tensor<3xf32>) {
  // expected-error @+1 {{plan: dimension 1 must be static and at least 1, got ?}}
  %plan = moe.sinkhorn %scores temperature(%tau) row(%row : tensor<12xf32>)
      col(%col : tensor<3xf32>) iterations 5 final(col)
      : tensor<12x3xf32> -> tensor<12x?xf32>
  return
}

// -----

func.func @assign_c1(%scores: tensor<12x?xf32>, %capacity: tensor<3xi32>) {
  // expected-error @+1 {{scores: dimension 1 must be static and at least 1, got ?}}
  %member = moe.assign %scores, %capacity method(exact)
      : tensor<12x?xf32>, tensor<3xi32> -> tensor<12xi32>
  return
}

// -----

func.func @assign_c2(%scores: tensor<12x3xf32>, %capacity: tensor<4xi32>) {
  // expected-error @+1 {{capacity: expected [3], got [4]}}
  %member = moe.assign %scores, %capacity method(exact)
      : tensor<12x3xf32>, tensor<4xi32> -> tensor<12xi32>
  return
}

// -----

func.func @assign_c3(%scores: tensor<12x3xf32>, %unused: tensor<3xi32>) {
  %capacity = arith.constant dense<[4, 4, 5]> : tensor<3xi32>
  // expected-error @+1 {{capacity: expected a sum of 12, the number of rows, got 13}}
  %member = moe.assign %scores, %capacity method(exact)
      : tensor<12x3xf32>, tensor<3xi32> -> tensor<12xi32>
  return
}

// -----

func.func @assign_c3_negative(%scores: tensor<12x3xf32>, %unused: tensor<3xi32>) {
  %capacity = arith.constant dense<[12, 1, -1]> : tensor<3xi32>
  // expected-error @+1 {{capacity: expected values >= 0, got -1}}
  %member = moe.assign %scores, %capacity method(exact)
      : tensor<12x3xf32>, tensor<3xi32> -> tensor<12xi32>
  return
}

// -----

func.func @assign_c4(%scores: tensor<12x3xf32>, %capacity: tensor<3xi32>) {
  // expected-error @+1 {{member: expected [12], got [3]}}
  %member = moe.assign %scores, %capacity method(exact)
      : tensor<12x3xf32>, tensor<3xi32> -> tensor<3xi32>
  return
}

// -----

func.func @straight_through_c1(%hard: tensor<4x3xf32>, %soft: tensor<3x4xf32>) {
  // expected-error @+1 {{soft: expected [4, 3], got [3, 4]}}
  %result = moe.straight_through %hard, %soft
      : tensor<4x3xf32>, tensor<3x4xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @straight_through_c2(%hard: tensor<4x3xf32>, %soft: tensor<4x3xf32>) {
  // expected-error @+1 {{result: expected [4, 3], got [4, 3, 1]}}
  %result = moe.straight_through %hard, %soft
      : tensor<4x3xf32>, tensor<4x3xf32> -> tensor<4x3x1xf32>
  return
}

// -----

func.func @one_hot_c1(%indices: tensor<5x2xi32>) {
  // expected-error @+1 {{result: expected [5, 8], got [2, 8]}}
  %result = moe.one_hot %indices : tensor<5x2xi32> -> tensor<2x8xf32>
  return
}

// -----

func.func @one_hot_c2(%indices: tensor<5xi32>) {
  // expected-error @+1 {{a dynamic width needs a size, got 'tensor<5x?xf32>'}}
  %result = moe.one_hot %indices : tensor<5xi32> -> tensor<5x?xf32>
  return
}

// -----

func.func @one_hot_c2_static(%indices: tensor<5xi32>, %n: index) {
  // expected-error @+1 {{a static width takes no size, got 'tensor<5x8xf32>'}}
  %result = moe.one_hot %indices size(%n) : tensor<5xi32> -> tensor<5x8xf32>
  return
}
