// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @route_c1(%logits: tensor<?x?xf32>) {
  // expected-error @+1 {{logits: dimension 1 must be static and at least 1, got ?}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x?xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c1_no_experts(%logits: tensor<?x0xf32>) {
  // expected-error @+1 {{logits: dimension 1 must be static and at least 1, got 0}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x0xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c1_rank(%logits: tensor<8xf32>) {
  // expected-error @+1 {{operand #0 must be 2D tensor of 64-bit float or 32-bit float or 16-bit float or bfloat16 type values, but got 'tensor<8xf32>'}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c1_type(%logits: tensor<?x8xi32>) {
  // expected-error @+1 {{operand #0 must be 2D tensor of 64-bit float or 32-bit float or 16-bit float or bfloat16 type values, but got 'tensor<?x8xi32>'}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xi32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c2(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{weights: expected [?, 2], got [?, 3]}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @route_c2_dynamic(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{indices: dimension 1 must be static and at least 1, got ?}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x?xi32>, tensor<?x?xf32>
  return
}

// -----

func.func @route_c2_dynamic_weights(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{weights: dimension 1 must be static and at least 1, got ?}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x?xf32>
  return
}

// -----

func.func @route_c2_no_slots(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{indices: dimension 1 must be static and at least 1, got 0}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x0xi32>, tensor<?x0xf32>
  return
}

// -----

func.func @route_c2_tokens(%logits: tensor<4x8xf32>) {
  // expected-error @+1 {{indices: expected [4, 2], got [5, 2]}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<4x8xf32> -> tensor<5x2xi32>, tensor<4x2xf32>
  return
}

// -----

func.func @route_c2_type(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{result #0 must be 2D tensor of 32-bit signless integer values, but got 'tensor<?x2xi64>'}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi64>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c3(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{selects 9 of 8 experts}}
  %indices, %weights = moe.route %logits score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x9xi32>, tensor<?x9xf32>
  return
}

// -----

func.func @route_c4(%logits: tensor<?x8xf32>, %bias: tensor<7xf32>) {
  // expected-error @+1 {{bias: expected [8], got [7]}}
  %indices, %weights = moe.route %logits bias(%bias : tensor<7xf32>) score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c4_dynamic(%logits: tensor<?x8xf32>, %bias: tensor<?xf32>) {
  // expected-error @+1 {{bias: dimension 0 must be static and at least 1, got ?}}
  %indices, %weights = moe.route %logits bias(%bias : tensor<?xf32>) score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c5(%logits: tensor<?x8xf32>, %keys: tensor<?x7xf32>) {
  // expected-error @+1 {{keys: expected [?, 8], got [?, 7]}}
  %indices, %weights = moe.route %logits keys(%keys : tensor<?x7xf32>) score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c5_dynamic(%logits: tensor<?x8xf32>, %keys: tensor<?x?xf32>) {
  // expected-error @+1 {{keys: dimension 1 must be static and at least 1, got ?}}
  %indices, %weights = moe.route %logits keys(%keys : tensor<?x?xf32>) score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c5_tokens(%logits: tensor<4x8xf32>, %keys: tensor<5x8xf32>) {
  // expected-error @+1 {{keys: expected [4, 8], got [5, 8]}}
  %indices, %weights = moe.route %logits keys(%keys : tensor<5x8xf32>) score(softmax) weights(score)
    : tensor<4x8xf32> -> tensor<4x2xi32>, tensor<4x2xf32>
  return
}

// -----

func.func @route_c6(%logits: tensor<?x8xf32>, %bias: tensor<8xf32>, %keys: tensor<?x8xf32>) {
  // expected-error @+1 {{takes a bias or keys, not both}}
  %indices, %weights = moe.route %logits bias(%bias : tensor<8xf32>) keys(%keys : tensor<?x8xf32>) score(softmax) weights(score)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: 3 groups do not divide 8 experts}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(3 keep 2 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_none(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: expected at least 1 group, got 0}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(0 keep 0 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_negative(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: expected at least 1 group, got -4}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(-4 keep 2 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_kept(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: keeps 5 of 4 groups}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 5 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_kept_none(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: keeps 0 of 4 groups}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 0 by top_sum 1)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_top(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: top_sum 3 of groups of 2 experts}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 2 by top_sum 3)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_top_none(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: top_sum 0 of groups of 2 experts}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 2 by top_sum 0)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c7_alone(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{groups: needs num_groups, kept_groups and group_top together}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) {kept_groups = 2}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c8(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{selects 3 of the 2 experts of the kept groups}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) groups(4 keep 1 by top_sum 2)
    : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @route_c9(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{top_p: expected 0 < p <= 1, got 0}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) {top_p = 0.0}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c9_above(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{top_p: expected 0 < p <= 1, got 1.500000e+00}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) {top_p = 1.5}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c9_nan(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{top_p: expected 0 < p <= 1, got nan}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) {top_p = 0x7FF8000000000000 : f64}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c10(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{weights(softmax_selected) needs score(identity), got score(sigmoid)}}
  %indices, %weights = moe.route %logits score(sigmoid) weights(softmax_selected)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c11(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{epsilon: expected a finite value >= 0, got -1.000000e-03}}
  %indices, %weights = moe.route %logits score(softmax) weights(normalized) {epsilon = -1.0e-3}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c11_infinite(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{epsilon: expected a finite value >= 0, got INF}}
  %indices, %weights = moe.route %logits score(softmax) weights(normalized) {epsilon = 0x7FF0000000000000 : f64}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c11_rule(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{epsilon needs weights(normalized), got weights(score)}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) {epsilon = 1.0e-3}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @route_c11_scale(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{scale: expected a finite value, got nan}}
  %indices, %weights = moe.route %logits score(softmax) weights(score) scale 0x7FF8000000000000
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @top_k_c1(%keys: tensor<?x8xf32>, %values: tensor<?x9xf32>) {
  // expected-error @+1 {{values: expected [?, 8], got [?, 9]}}
  %indices, %selected = moe.top_k %keys values(%values : tensor<?x9xf32>)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @top_k_c1_rows(%keys: tensor<4x8xf32>, %values: tensor<5x8xf32>) {
  // expected-error @+1 {{values: expected [4, 8], got [5, 8]}}
  %indices, %selected = moe.top_k %keys values(%values : tensor<5x8xf32>)
    : tensor<4x8xf32> -> tensor<4x2xi32>, tensor<4x2xf32>
  return
}

// -----

func.func @top_k_c2(%keys: tensor<?x8xf32>) {
  // expected-error @+1 {{selected: expected [?, 2], got [?, 3]}}
  %indices, %selected = moe.top_k %keys
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @top_k_c2_dynamic(%keys: tensor<?x8xf32>) {
  // expected-error @+1 {{indices: dimension 1 must be static and at least 1, got ?}}
  %indices, %selected = moe.top_k %keys
    : tensor<?x8xf32> -> tensor<?x?xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @top_k_c2_dynamic_selected(%keys: tensor<?x8xf32>) {
  // expected-error @+1 {{selected: dimension 1 must be static and at least 1, got ?}}
  %indices, %selected = moe.top_k %keys
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x?xf32>
  return
}

// -----

func.func @top_k_c2_rows(%keys: tensor<4x8xf32>) {
  // expected-error @+1 {{indices: expected [4, 2], got [5, 2]}}
  %indices, %selected = moe.top_k %keys
    : tensor<4x8xf32> -> tensor<5x2xi32>, tensor<4x2xf32>
  return
}

// -----

func.func @top_k_c3(%keys: tensor<?x8xf32>) {
  // expected-error @+1 {{selects 9 of 8 keys}}
  %indices, %selected = moe.top_k %keys
    : tensor<?x8xf32> -> tensor<?x9xi32>, tensor<?x9xf32>
  return
}
