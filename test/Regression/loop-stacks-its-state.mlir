// RUN: moe-run %s --target=reference --random=1 --dim=T=5 --dim=N=3

// The value that an iteration passes on is also the one that it stacks. It was computed
// in its place of the stack, from a state that then lay there, too: not bufferizable.

func.func @main(%x: tensor<?x8xbf16> {moe.dims = ["T", ""]}, %steps: tensor<?xf32> {moe.dims = ["N"]},
                %project: tensor<8x2xbf16>, %modulate: tensor<2x16xbf16>, %bias: tensor<16xbf16>)
    -> (tensor<?x8xbf16> {moe.dims = ["T", ""]}, tensor<?x?x8xbf16> {moe.dims = ["N", "T", ""]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %steps, %c0 : tensor<?xf32>
  %last, %all = moe.loop %n init(%x : tensor<?x8xbf16>) {
  ^bb0(%k: index, %h: tensor<?x8xbf16>):
    %code = moe.iter_encode %k : tensor<2xbf16>
    %next = moe.iter_adaln %h, %code project(%project : tensor<8x2xbf16>)
      modulate(%modulate, %bias : tensor<2x16xbf16>, tensor<16xbf16>)
      act(silu) norm(layer) {epsilon = 1.0e-2}
      : tensor<?x8xbf16>, tensor<2xbf16> -> tensor<?x8xbf16>
    moe.yield %next : tensor<?x8xbf16> stack(%next : tensor<?x8xbf16>)
  } -> tensor<?x8xbf16> stack(tensor<?x?x8xbf16>)
  return %last, %all : tensor<?x8xbf16>, tensor<?x?x8xbf16>
}
