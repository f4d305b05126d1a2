// RUN: moe-opt %s -split-input-file -verify-diagnostics

// @OP_cN violates constraint (CN) of OP's documentation.

func.func @loop_c1(%n: index) {
  // expected-error @+1 {{expected at least one init value}}
  "moe.loop"(%n) <{max_trip_count = 4 : i64, resultSegmentSizes = array<i32: 0, 0>}> ({
  ^bb0(%k: index):
    "moe.yield"() <{operandSegmentSizes = array<i32: 0, 0>}> : () -> ()
  }) : (index) -> ()
  return
}

// -----

func.func @loop_c1_types(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{init: expected the types of the final results ('tensor<4x8xf32>'), got ('tensor<?x8xf32>')}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<4x8xf32>
  return
}

// -----

func.func @loop_c2(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{body: expected arguments ('index', 'tensor<?x8xf32>'), got ('index', 'tensor<?x9xf32>')}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x9xf32>):
    moe.yield %x : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c2_index(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{body: expected arguments ('index', 'tensor<?x8xf32>'), got ('tensor<?x8xf32>')}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c3(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{body: expected to yield the state ('tensor<?x8xf32>'), got ('index')}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %k : index
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c3_end(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{body: expected to end in moe.yield, got func.return}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    func.return
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c4(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{has 0 stacked results, its body yields 1 values to them}}
  %y = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%h : tensor<?x8xf32>)
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c4_shape(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{stacked result 0: expected 'tensor<?x?x8xf32>', got 'tensor<?x8xf32>'}}
  %y, %s = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%h : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<?x8xf32>)
  return
}

// -----

func.func @loop_c4_element(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{stacked result 0: expected 'tensor<?x?x8xf32>', got 'tensor<?x?x8xf16>'}}
  %y, %s = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%h : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<?x?x8xf16>)
  return
}

// -----

func.func @loop_c4_scalar(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{stacked result 0: expected 'tensor<?xindex>', got 'tensor<?x1xindex>'}}
  %y, %s = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%k : index)
  } -> tensor<?x8xf32> stack(tensor<?x1xindex>)
  return
}

// -----

func.func @loop_c5(%n: index, %x: tensor<?x8xf32>) {
  %c = arith.constant 3 : index
  // expected-error @+1 {{stacked result 0: expected 'tensor<3x?x8xf32>', got 'tensor<4x?x8xf32>'}}
  %y, %s = moe.loop %c init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%h : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<4x?x8xf32>)
  return
}

// -----

func.func @loop_c5_dynamic(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{stacked result 0: expected 'tensor<?x?x8xf32>' for a trip count that is not constant, got 'tensor<4x?x8xf32>'}}
  %y, %s = moe.loop %n max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32> stack(%h : tensor<?x8xf32>)
  } -> tensor<?x8xf32> stack(tensor<4x?x8xf32>)
  return
}

// -----

func.func @loop_c6(%n: index, %x: tensor<?x8xf32>) {
  %c = arith.constant -1 : index
  // expected-error @+1 {{trip count: expected at least 0, got -1}}
  %y = moe.loop %c init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c7(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{max: expected at least 1, got 0}}
  %y = moe.loop %n max 0 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c7_constant(%n: index, %x: tensor<?x8xf32>) {
  %c = arith.constant 5 : index
  // expected-error @+1 {{trip count: expected at most max 4, got 5}}
  %y = moe.loop %c max 4 init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @loop_c8(%n: index, %x: tensor<?x8xf32>) {
  // expected-error @+1 {{trip count: an argument needs a max}}
  %y = moe.loop %n init(%x : tensor<?x8xf32>) {
  ^bb0(%k: index, %h: tensor<?x8xf32>):
    moe.yield %h : tensor<?x8xf32>
  } -> tensor<?x8xf32>
  return
}

// -----

func.func @yield_c1(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expects parent op 'moe.loop'}}
  moe.yield %x : tensor<?x8xf32>
}

// -----

func.func @iter_encode_c1(%k: index) {
  // expected-error @+1 {{code: expected an even size, got 15}}
  %code = moe.iter_encode %k : tensor<15xf32>
  return
}

// -----

func.func @iter_encode_c1_dynamic(%k: index) {
  // expected-error @+1 {{code: dimension 0 must be static and at least 1, got ?}}
  %code = moe.iter_encode %k : tensor<?xf32>
  return
}

// -----

func.func @iter_encode_c2(%k: index) {
  // expected-error @+1 {{max_period: expected a finite value > 0, got 0.0}}
  %code = moe.iter_encode %k {max_period = 0.0 : f64} : tensor<16xf32>
  return
}

// -----

func.func @iter_adaln_c1(%h: tensor<?x?xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{h: dimension 1 must be static and at least 1, got ?}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x?xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c2(%h: tensor<?x8xf32>, %v: tensor<?xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{v: dimension 0 must be static and at least 1, got ?}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<?xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c3(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<6x8xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{project: expected [8, 6], got [6, 8]}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<6x8xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c4(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x16xf32>, %bias: tensor<16xf32>) {
  // expected-error @+1 {{modulate: expected [6, 24], got [6, 16]}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x16xf32>, tensor<16xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c4_no_gate(%h: tensor<?x8xf32>, %v: tensor<6xf32>, %project: tensor<8x6xf32>,
    %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{modulate: expected [6, 16], got [6, 24]}}
  %n = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 0.0 : f64} : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c5(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<16xf32>) {
  // expected-error @+1 {{bias: expected [24], got [16]}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<16xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c6(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{epsilon: expected a finite value >= 0, got -1.0}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = -1.0 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c7(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{n: expected [?, 8], got [?, 7]}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x7xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c7_dynamic(%h: tensor<?x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{n: dimension 1 must be static and at least 1, got ?}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<?x8xf32>, tensor<6xf32> -> tensor<?x?xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @iter_adaln_c7_alpha(%h: tensor<4x8xf32>, %v: tensor<6xf32>,
    %project: tensor<8x6xf32>, %modulate: tensor<6x24xf32>, %bias: tensor<24xf32>) {
  // expected-error @+1 {{alpha: expected [4, 8], got [5, 8]}}
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x6xf32>)
      modulate(%modulate, %bias : tensor<6x24xf32>, tensor<24xf32>)
      act(silu) norm(rms) {epsilon = 1.0e-6 : f64}
      : tensor<4x8xf32>, tensor<6xf32> -> tensor<4x8xf32>, tensor<5x8xf32>
  return
}
