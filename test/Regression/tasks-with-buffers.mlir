// RUN: moe-run %s --target=cpu --random=1 --dim=T=64 --threads=4 --check

// Tasks of the user's own that need a buffer: all of them once wrote to the same one.
func.func @main(%x: tensor<?x65536xf32> {moe.name = "x", moe.dims = ["T", ""]})
    -> (tensor<?x65536xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x65536xf32>
  %empty = tensor.empty(%T) : tensor<?x65536xf32>
  %y = scf.forall (%t) in (%T) shared_outs(%out = %empty) -> tensor<?x65536xf32> {
    %row = tensor.extract_slice %x[%t, 0] [1, 65536] [1, 1] : tensor<?x65536xf32> to tensor<65536xf32>
    %e = tensor.empty() : tensor<65536xf32>
    %a = linalg.exp ins(%row : tensor<65536xf32>) outs(%e : tensor<65536xf32>) -> tensor<65536xf32>
    %f = tensor.empty() : tensor<65536xf32>
    %b = linalg.negf ins(%a : tensor<65536xf32>) outs(%f : tensor<65536xf32>) -> tensor<65536xf32>
    %g = tensor.empty() : tensor<65536xf32>
    %c = linalg.exp ins(%b : tensor<65536xf32>) outs(%g : tensor<65536xf32>) -> tensor<65536xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %c into %out[%t, 0] [1, 65536] [1, 1] : tensor<65536xf32> into tensor<?x65536xf32>
    }
  }
  return %y : tensor<?x65536xf32>
}
