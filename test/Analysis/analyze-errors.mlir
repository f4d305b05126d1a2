// RUN: moe-opt %s --moe-analyze --split-input-file --verify-diagnostics

func.func @recursive(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cost: this call cannot be inlined}}
  %0 = call @recursive(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>

func.func @external(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cost: this call cannot be inlined}}
  %0 = call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unbounded(%x: tensor<4xf32>, %n: tensor<1xi64>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %wide = tensor.extract %n[%c0] : tensor<1xi64>
  %trips = arith.index_cast %wide : i64 to index
  // expected-error @+1 {{cost: the iterations cannot be told from the given dimensions}}
  %y = moe.loop %trips init(%x : tensor<4xf32>) {
  ^bb0(%k: index, %h: tensor<4xf32>):
    moe.yield %h : tensor<4xf32>
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{cost: it must have a single block}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}
