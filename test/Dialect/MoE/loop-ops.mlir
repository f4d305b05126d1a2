// RUN: moe-opt %s -verify-roundtrip | FileCheck %s
// RUN: moe-opt %s -mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s -emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: func @loop
func.func @loop(%x: tensor<?x64xf32>, %w: tensor<64x8xf32>) -> (tensor<?x64xf32>, tensor<3x?x8xf32>) {
  %three = arith.constant 3 : index
  // CHECK: %final, %stacked = moe.loop %{{[a-z0-9_]+}} init(%{{[a-z0-9]+}} : tensor<?x64xf32>) {
  // CHECK-NEXT: ^bb0(%[[K:[a-z0-9]+]]: index, %[[H:[a-z0-9]+]]: tensor<?x64xf32>):
  %y, %logits = moe.loop %three init(%x : tensor<?x64xf32>) {
  ^bb0(%k: index, %h: tensor<?x64xf32>):
    // CHECK: %[[R:.*]]:2 = func.call @block(%[[K]], %[[H]], %{{[a-z0-9]+}})
    %z, %next = func.call @block(%k, %h, %w)
        : (index, tensor<?x64xf32>, tensor<64x8xf32>) -> (tensor<?x8xf32>, tensor<?x64xf32>)
    // CHECK-NEXT: moe.yield %[[R]]#1 : tensor<?x64xf32> stack(%[[R]]#0 : tensor<?x8xf32>)
    moe.yield %next : tensor<?x64xf32> stack(%z : tensor<?x8xf32>)
  // CHECK-NEXT: } -> tensor<?x64xf32> stack(tensor<3x?x8xf32>)
  } -> tensor<?x64xf32> stack(tensor<3x?x8xf32>)
  return %y, %logits : tensor<?x64xf32>, tensor<3x?x8xf32>
}
func.func private @block(index, tensor<?x64xf32>, tensor<64x8xf32>) -> (tensor<?x8xf32>, tensor<?x64xf32>)

// A trip count of the call; scalars in the state and in the stacks.
// CHECK-LABEL: func @loop_dynamic
func.func @loop_dynamic(%n: index, %x: tensor<4xf32>, %s: f32) -> (tensor<4xf32>, f32, tensor<?xindex>) {
  // CHECK: moe.loop %{{[a-z0-9]+}} max 8 init(%{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<4xf32>, f32) {
  %y:3 = moe.loop %n max 8 init(%x, %s : tensor<4xf32>, f32) {
  ^bb0(%k: index, %h: tensor<4xf32>, %t: f32):
    // CHECK: moe.yield %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<4xf32>, f32 stack(%{{[a-z0-9]+}} : index)
    moe.yield %h, %t : tensor<4xf32>, f32 stack(%k : index)
  // CHECK: } -> tensor<4xf32>, f32 stack(tensor<?xindex>)
  } -> tensor<4xf32>, f32 stack(tensor<?xindex>)
  return %y#0, %y#1, %y#2 : tensor<4xf32>, f32, tensor<?xindex>
}

// CHECK-LABEL: func @loop_named_dimension
func.func @loop_named_dimension(%w: tensor<?x8x8xf32> {moe.dims = ["N", "", ""]}, %x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0 : index
  %n = tensor.dim %w, %zero : tensor<?x8x8xf32>
  // CHECK: moe.loop %{{[a-z0-9]+}} init(%{{[a-z0-9]+}} : tensor<8xf32>) {
  %y = moe.loop %n init(%x : tensor<8xf32>) {
  ^bb0(%k: index, %h: tensor<8xf32>):
    // CHECK: moe.yield %{{[a-z0-9]+}} : tensor<8xf32>{{$}}
    moe.yield %h : tensor<8xf32>
  // CHECK: } -> tensor<8xf32>{{$}}
  } -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// CHECK-LABEL: func @iter_encode
func.func @iter_encode(%k: index) -> (tensor<16xf32>, tensor<8xbf16>) {
  // CHECK: moe.iter_encode %{{[a-z0-9]+}} : tensor<16xf32>
  %default = moe.iter_encode %k : tensor<16xf32>
  // CHECK: moe.iter_encode %{{[a-z0-9]+}} {max_period = 1.000000e+02 : f64} : tensor<8xbf16>
  %short = moe.iter_encode %k {max_period = 100.0 : f64} : tensor<8xbf16>
  return %default, %short : tensor<16xf32>, tensor<8xbf16>
}

// CHECK-LABEL: func @iter_adaln
func.func @iter_adaln(%h: tensor<?x64xf32>, %v: tensor<16xf32>, %w_h: tensor<64x16xf32>,
    %w_mod: tensor<16x192xf32>, %b_mod: tensor<192xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %{{[a-z0-9]+}}, %{{[a-z0-9]+}} = moe.iter_adaln %{{[a-z0-9]+}}, %{{[a-z0-9]+}}
  // CHECK-SAME: project(%{{[a-z0-9]+}} : tensor<64x16xf32>)
  // CHECK-SAME: modulate(%{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor<16x192xf32>, tensor<192xf32>)
  // CHECK-SAME: act(silu) norm(layer) {epsilon = 1.000000e-05 : f64}
  // CHECK-SAME: : tensor<?x64xf32>, tensor<16xf32> -> tensor<?x64xf32>, tensor<?x64xf32>
  %n, %alpha = moe.iter_adaln %h, %v project(%w_h : tensor<64x16xf32>)
      modulate(%w_mod, %b_mod : tensor<16x192xf32>, tensor<192xf32>)
      act(silu) norm(layer) {epsilon = 1.0e-5 : f64}
      : tensor<?x64xf32>, tensor<16xf32> -> tensor<?x64xf32>, tensor<?x64xf32>
  return %n, %alpha : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func @iter_adaln_no_gate
func.func @iter_adaln_no_gate(%h: tensor<?x64xbf16>, %v: tensor<16xf32>, %w_h: tensor<64x16xbf16>,
    %w_mod: tensor<16x128xbf16>, %b_mod: tensor<128xbf16>) -> tensor<?x64xbf16> {
  // CHECK: act(gelu) norm(rms) {epsilon = 0.000000e+00 : f64} : tensor<?x64xbf16>, tensor<16xf32> -> tensor<?x64xbf16>{{$}}
  %n = moe.iter_adaln %h, %v project(%w_h : tensor<64x16xbf16>)
      modulate(%w_mod, %b_mod : tensor<16x128xbf16>, tensor<128xbf16>)
      act(gelu) norm(rms) {epsilon = 0.0 : f64} : tensor<?x64xbf16>, tensor<16xf32> -> tensor<?x64xbf16>
  return %n : tensor<?x64xbf16>
}
