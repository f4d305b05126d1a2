// RUN: moe-opt %s -split-input-file -verify-diagnostics

// The text of an op that cannot be read: one message at the place.

func.func @score(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{expected string or keyword containing one of the following enum values for attribute 'score' [identity, softmax, sigmoid]}}
  moe.route %logits score(tanh) weights(score) : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @no_score(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{expected 'score'}}
  moe.route %logits weights(score) : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @rule(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{one of the following enum values for attribute 'rule' [score, normalized, softmax_selected, unit]}}
  moe.route %logits score(softmax) weights(mean) : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @groups(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{expected 'by'}}
  moe.route %logits score(softmax) weights(score) groups(4 keep 2)
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @scale(%logits: tensor<?x8xf32>) {
  // expected-error @+2 {{unexpected decimal integer literal for a floating point value}}
  // expected-note @+1 {{add a trailing dot to make the literal a float}}
  moe.route %logits score(softmax) weights(score) scale 2
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @top_p_type(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{attribute 'top_p' failed to satisfy constraint: 64-bit float attribute}}
  moe.route %logits score(softmax) weights(score) {top_p = 0.5 : f32}
    : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @results(%logits: tensor<?x8xf32>) {
  // expected-error @+1 {{expected ','}}
  moe.route %logits score(softmax) weights(score) : tensor<?x8xf32> -> tensor<?x2xi32>
  return
}

// -----

func.func @operand_type(%keys: tensor<?x8xf32>) { // expected-note {{prior use here}}
  // expected-error @+1 {{use of value '%keys' expects different type than prior uses: 'tensor<?x9xf32>' vs 'tensor<?x8xf32>'}}
  moe.top_k %keys : tensor<?x9xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @capacity(%indices: tensor<?x2xi32>) {
  // expected-error @+1 {{expected ')'}}
  moe.group %indices capacity(5) : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<9xi32>
  return
}

// -----

func.func @slots(%x: tensor<?x64xf32>, %row_slot: tensor<?xi32>) {
  // expected-error @+1 {{expected 'by'}}
  moe.dispatch %x[%row_slot] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  return
}

// -----

func.func @activation(%rows: tensor<?x4xf32>, %up: tensor<4x6xf32>, %down: tensor<6x4xf32>) {
  // expected-error @+2 {{enum values for attribute 'activation' [none, silu, sigmoid, gelu, gelu_tanh, relu, relu2]}}
  moe.expert_ffn %rows up(%up : tensor<4x6xf32>) down(%down : tensor<6x4xf32>)
    activation(swish) : tensor<?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @unknown_op() {
  // expected-error @+1 {{custom op 'moe.router' is unknown}}
  moe.router
}
