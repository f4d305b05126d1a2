// Entries of every form that is legal.

func.func @nothing() {
  return
}

func.func @no_arguments() -> (tensor<3xf32>, tensor<2xi32>, f32, index) {
  %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %splat = arith.constant dense<7> : tensor<2xi32>
  %f = arith.constant 2.5 : f32
  %i = arith.constant -4 : index
  return %c, %splat, %f, %i : tensor<3xf32>, tensor<2xi32>, f32, index
}

func.func @"a b"(%x: tensor<3xf32>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}

// Results that are arguments, the same one twice, and an empty tensor.
func.func @arguments(%x: tensor<3xf32>, %e: tensor<0x3xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<0x3xf32>) {
  %y = arith.addf %x, %x : tensor<3xf32>
  return %x, %x, %y, %y, %e : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<0x3xf32>
}

func.func @scalars(%f: f32, %d: f64, %i: i32, %n: index, %b: tensor<f32>) -> (f32, f64, i32, index, i1, tensor<f32>, i8) {
  %f2 = arith.addf %f, %f : f32
  %d2 = arith.mulf %d, %d : f64
  %i2 = arith.addi %i, %i : i32
  %n2 = arith.addi %n, %n : index
  %less = arith.cmpf olt, %f, %f2 : f32
  %b2 = arith.addf %b, %b : tensor<f32>
  %i8 = arith.trunci %i : i32 to i8
  return %f2, %d2, %i2, %n2, %less, %b2, %i8 : f32, f64, i32, index, i1, tensor<f32>, i8
}

// Weights of every width go through the blob.
func.func @weights(%bf16: tensor<2xbf16> {moe.weight}, %f16: tensor<2xf16> {moe.weight},
                   %f64: tensor<2xf64> {moe.weight}, %i64: tensor<2xindex> {moe.weight},
                   %i32: tensor<3xi32> {moe.weight}, %empty: tensor<0xf32> {moe.weight},
                   %u8: tensor<3xui8> {moe.weight})
    -> (tensor<2xbf16>, tensor<2xf16>, tensor<2xf64>, tensor<2xindex>, tensor<3xi32>, tensor<0xf32>, tensor<3xui8>, tensor<2xf32>) {
  %wide = arith.extf %bf16 : tensor<2xbf16> to tensor<2xf32>
  return %bf16, %f16, %f64, %i64, %i32, %empty, %u8, %wide
      : tensor<2xbf16>, tensor<2xf16>, tensor<2xf64>, tensor<2xindex>, tensor<3xi32>, tensor<0xf32>, tensor<3xui8>, tensor<2xf32>
}

// Ops on tensors beside linalg's.
func.func @tensors(%x: tensor<?x2xf32> {moe.dims = ["T", ""]}, %y: tensor<?x2xf32> {moe.dims = ["T", ""]})
    -> (tensor<?x4xf32> {moe.dims = ["T", ""]}, tensor<?x4xf32> {moe.dims = ["T", ""]},
        tensor<?x1xf32> {moe.dims = ["T", ""]}, tensor<?x2xf32> {moe.dims = ["T", ""]}, f32,
        tensor<?x2xf32> {moe.dims = ["T", ""]}, tensor<2x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x2xf32>
  %concat = tensor.concat dim(1) %x, %y : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %pad = tensor.pad %x low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x2xf32> to tensor<?x4xf32>
  %column = tensor.extract_slice %x[0, 1] [%t, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
  %inserted = tensor.insert_slice %column into %y[0, 0] [%t, 1] [1, 1] : tensor<?x1xf32> into tensor<?x2xf32>
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x2xf32> into tensor<?xf32>
  %start = tensor.from_elements %zero : tensor<f32>
  %total = linalg.reduce { arith.addf } ins(%flat : tensor<?xf32>) outs(%start : tensor<f32>) dimensions = [0]
  %sum = tensor.extract %total[] : tensor<f32>
  %generated = tensor.generate %t {
  ^bb0(%i: index, %j: index):
    %v = tensor.extract %x[%i, %j] : tensor<?x2xf32>
    %w = math.rsqrt %v : f32
    tensor.yield %w : f32
  } : tensor<?x2xf32>
  %splat = tensor.splat %sum : tensor<2x2xf32>
  return %concat, %pad, %column, %inserted, %sum, %generated, %splat
      : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x2xf32>, f32, tensor<?x2xf32>, tensor<2x2xf32>
}

// linalg ops that are no loops, and one whose input map is no projection.
func.func @linalg(%x: tensor<1x4xf32>, %kernel: tensor<2xf32> {moe.weight})
    -> (tensor<1x4xf32>, tensor<1x2x1x2xf32>, tensor<1x4xf32>, tensor<3xf32>) {
  %e = tensor.empty() : tensor<1x4xf32>
  %softmax = linalg.softmax dimension(1) ins(%x : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %tiles = tensor.empty() : tensor<1x2x1x2xf32>
  %pack = linalg.pack %x inner_dims_pos = [0, 1] inner_tiles = [1, 2] into %tiles : tensor<1x4xf32> -> tensor<1x2x1x2xf32>
  %unpack = linalg.unpack %pack inner_dims_pos = [0, 1] inner_tiles = [1, 2] into %e : tensor<1x2x1x2xf32> -> tensor<1x4xf32>
  %row = tensor.collapse_shape %x [[0, 1]] : tensor<1x4xf32> into tensor<4xf32>
  %zeros = arith.constant dense<0.0> : tensor<3xf32>
  %convolved = linalg.conv_1d ins(%row, %kernel : tensor<4xf32>, tensor<2xf32>) outs(%zeros : tensor<3xf32>) -> tensor<3xf32>
  return %softmax, %pack, %unpack, %convolved : tensor<1x4xf32>, tensor<1x2x1x2xf32>, tensor<1x4xf32>, tensor<3xf32>
}

// A public function that another one calls.
func.func @caller(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y:2 = func.call @callee(%x) : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %y#1 : tensor<3xf32>
}
func.func @callee(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %y = arith.mulf %x, %x : tensor<3xf32>
  return %x, %y : tensor<3xf32>, tensor<3xf32>
}
