// What cannot be compiled is named, with its place in the source.
// RUN: moe-opt %s --moe-pipeline=reference --split-input-file --verify-diagnostics

func.func @foreign_op(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'tosa.abs' op cannot be compiled; a layer consists of ops of moe, func, linalg, tensor, arith, math, scf and index}}
  %y = tosa.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @without_results(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'gpu.barrier' op cannot be compiled}}
  gpu.barrier
  return %x : tensor<4xf32>
}

// -----

func.func @abort(%x: tensor<4xf32>, %ok: i1) -> tensor<4xf32> {
  // expected-error @below {{'cf.assert' op cannot be compiled}}
  cf.assert %ok, "not ok"
  return %x : tensor<4xf32>
}

// -----

func.func @memory(%x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.alloc' op cannot be compiled}}
  %m = memref.alloc() : memref<2xf32>
  memref.store %x, %m[%c0] : memref<2xf32>
  %y = memref.load %m[%c0] : memref<2xf32>
  memref.dealloc %m : memref<2xf32>
  return %y : f32
}

// -----

func.func @in_a_loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<4xf32> {
    // expected-error @below {{'vector.transfer_read' op cannot be compiled}}
    %v = vector.transfer_read %s[%i], %f : tensor<4xf32>, vector<4xf32>
    %z = vector.transfer_write %v, %s[%c0] : vector<4xf32>, tensor<4xf32>
    scf.yield %z : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

func.func @gather(%x: tensor<6x4xf32>, %i: tensor<3x1xindex>) -> tensor<3x4xf32> {
  // expected-error @below {{'tensor.gather' op cannot be compiled}}
  %y = tensor.gather %x[%i] gather_dims([0]) : (tensor<6x4xf32>, tensor<3x1xindex>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @vectors(%c: i1) -> f32 {
  // expected-error @below {{'arith.constant' op has a value of type 'vector<2xf32>', which cannot be compiled; expected numbers and ranked tensors of numbers}}
  %a = arith.constant dense<[1.0, 2.0]> : vector<2xf32>
  %b = arith.constant dense<[3.0, 4.0]> : vector<2xf32>
  %v = arith.select %c, %a, %b : vector<2xf32>
  %y = vector.extract %v[0] : f32 from vector<2xf32>
  return %y : f32
}

// -----

// expected-error @below {{'func.func' op has a region of several blocks, which cannot be compiled; use scf.if, scf.for or scf.while}}
func.func @several_blocks(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.br ^loop(%c0, %x : index, tensor<4xf32>)
^loop(%i: index, %s: tensor<4xf32>):
  %more = arith.cmpi slt, %i, %n : index
  cf.cond_br %more, ^body, ^done
^body:
  %j = arith.addi %i, %c1 : index
  %y = math.exp %s : tensor<4xf32>
  cf.br ^loop(%j, %y : index, tensor<4xf32>)
^done:
  return %s : tensor<4xf32>
}

// -----

func.func @recursive(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op was not inlined (a recursive call, or one of a function without a body), so it cannot be compiled}}
  %y = func.call @recursive(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func private @elsewhere(tensor<4xf32>) -> tensor<4xf32>
func.func @external(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op was not inlined}}
  %y = func.call @elsewhere(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @beside_a_module(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// expected-error @below {{'builtin.module' op cannot be compiled; a module consists of functions}}
module @inner {
  func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

// expected-error @below {{'memref.global' op cannot be compiled; a module consists of functions}}
memref.global constant @table : memref<2xf32> = dense<[1.0, 2.0]>
func.func @beside_a_global(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// A size that only data tells.

func.func @data_dependent(%x: tensor<f32>, %n: index) -> tensor<f32> {
  %f = arith.constant 1.0 : f32
  // expected-error @below {{has a size that does not follow from the dimensions of the entry's arguments}}
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.fill ins(%f : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %z = linalg.reduce { arith.addf } ins(%y : tensor<?xf32>) outs(%x : tensor<f32>) dimensions = [0]
  return %z : tensor<f32>
}

// -----

func.func @another_size_an_iteration(%n: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %f) -> f32 {
    // expected-error @below {{has a size that does not follow from the dimensions of the entry's arguments}}
    %e = tensor.empty(%i) : tensor<?xf32>
    %z = linalg.fill ins(%f : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %w = linalg.exp ins(%z : tensor<?xf32>) outs(%z : tensor<?xf32>) -> tensor<?xf32>
    %q = tensor.extract %w[%c0] : tensor<?xf32>
    scf.yield %q : f32
  }
  return %y : f32
}

// -----

func.func @more_than_memory(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %f = arith.constant 0.0 : f32
  // expected-error @below {{is too large for any memory: 'f32' of [4611686018427387904, 4]}}
  %e = tensor.empty() : tensor<4611686018427387904x4xf32>
  %y = linalg.fill ins(%f : f32) outs(%e : tensor<4611686018427387904x4xf32>) -> tensor<4611686018427387904x4xf32>
  %z = tensor.insert %f into %y[%c0, %c0] : tensor<4611686018427387904x4xf32>
  %r = tensor.extract_slice %z[0, 0] [1, 4] [1, 1] : tensor<4611686018427387904x4xf32> to tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// A shape that is data.

func.func @reshape(%x: tensor<?x6xf32> {moe.dims = ["T", ""]}, %shape: tensor<2xindex>)
    -> (tensor<?x3xf32> {moe.dims = ["T", ""]}) {
  %y = tensor.reshape %x(%shape) : (tensor<?x6xf32>, tensor<2xindex>) -> tensor<?x3xf32>
  // expected-error @below {{dimension 0 of result0: a size does not follow from the dimensions of the entry's arguments}}
  return %y : tensor<?x3xf32>
}
