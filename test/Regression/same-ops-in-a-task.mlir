// RUN: moe-run %s --target=cpu --random=1 --dim=T=37 --check

// The same two ops twice in a task of the user's own.
func.func @main(%x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", ""]})
    -> (tensor<?x8xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %y = scf.forall (%t) in (%T) shared_outs(%out = %empty) -> tensor<?x8xf32> {
    %row = tensor.extract_slice %x[%t, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
    %e = tensor.empty() : tensor<8xf32>
    %a = linalg.exp ins(%row : tensor<8xf32>) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %f = tensor.empty() : tensor<8xf32>
    %b = linalg.negf ins(%a : tensor<8xf32>) outs(%f : tensor<8xf32>) -> tensor<8xf32>
    %g = tensor.empty() : tensor<8xf32>
    %c = linalg.exp ins(%b : tensor<8xf32>) outs(%g : tensor<8xf32>) -> tensor<8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %c into %out[%t, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<?x8xf32>
    }
  }
  return %y : tensor<?x8xf32>
}
