// Sizes that must agree at the call.

func.func @cast(%x: tensor<?xf32> {moe.dims = ["T"]}) -> tensor<8xf32> {
  %y = tensor.cast %x : tensor<?xf32> to tensor<8xf32>
  return %y : tensor<8xf32>
}
func.func @extract_slice(%x: tensor<?xf32> {moe.dims = ["T"]}) -> tensor<2xf32> {
  %y = tensor.extract_slice %x[3] [2] [4] : tensor<?xf32> to tensor<2xf32>
  return %y : tensor<2xf32>
}
func.func @insert_slice(%x: tensor<?xf32> {moe.dims = ["T"]}, %s: tensor<?xf32> {moe.dims = ["U"]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %u = tensor.dim %s, %c0 : tensor<?xf32>
  %y = tensor.insert_slice %s into %x[0] [%u] [1] : tensor<?xf32> into tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @concat(%x: tensor<?x1xf32> {moe.dims = ["T", ""]}, %z: tensor<?x1xf32> {moe.dims = ["U", ""]}) -> (tensor<?x2xf32> {moe.dims = ["T", ""]}) {
  %y = tensor.concat dim(1) %x, %z : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
func.func @expand_shape(%x: tensor<?xf32> {moe.dims = ["T"]}, %z: tensor<?xf32> {moe.dims = ["U"]}) -> (tensor<?x3xf32> {moe.dims = ["U", ""]}) {
  %c0 = arith.constant 0 : index
  %u = tensor.dim %z, %c0 : tensor<?xf32>
  %y = tensor.expand_shape %x [[0, 1]] output_shape [%u, 3] : tensor<?xf32> into tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
func.func @elementwise(%x: tensor<?xf32> {moe.dims = ["T"]}, %z: tensor<?xf32> {moe.dims = ["U"]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %y = arith.addf %x, %z : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @convolution(%x: tensor<?xf32> {moe.dims = ["T"]}, %k: tensor<3xf32>, %z: tensor<?xf32> {moe.dims = ["U"]}) -> (tensor<?xf32> {moe.dims = ["U"]}) {
  %y = linalg.conv_1d ins(%x, %k : tensor<?xf32>, tensor<3xf32>) outs(%z : tensor<?xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @branch(%c: i1, %x: tensor<?xf32> {moe.dims = ["T"]}, %z: tensor<?xf32> {moe.dims = ["U"]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %y = scf.if %c -> tensor<?xf32> {
    scf.yield %x : tensor<?xf32>
  } else {
    %a = math.exp %z : tensor<?xf32>
    scf.yield %a : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}
func.func @loop(%x: tensor<?xf32> {moe.dims = ["T"]}, %n: index) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<?xf32> {
    %y = tensor.concat dim(0) %s, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %y : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
func.func @result(%x: tensor<?xf32> {moe.dims = ["T"]}) -> (tensor<?xf32> {moe.dims = ["T"], moe.name = "y"}) {
  %zero = arith.constant 0.0 : f32
  %y = tensor.pad %x low[1] high[2] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<?xf32> to tensor<?xf32>
  return %y : tensor<?xf32>
}
// T - 5 values.
func.func @negative(%x: tensor<?xf32> {moe.dims = ["T"]}) -> f32 {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?xf32>
  %n = arith.subi %t, %c5 : index
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %start = tensor.from_elements %zero : tensor<f32>
  %total = linalg.reduce { arith.addf } ins(%f : tensor<?xf32>) outs(%start : tensor<f32>) dimensions = [0]
  %y = tensor.extract %total[] : tensor<f32>
  return %y : f32
}
